"""`make chaos`, `python -m tests.chaos`: disturb runs in every way, and count broken promises; 1 when there is one."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from functools import partial
from pathlib import Path

from tests.chaos._chaos import Row, checks, run, table
from tests.chaos._scenarios import SCENARIOS


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"{'; '.join(SCENARIOS)}; nothing: all")
    parser.add_argument("--rounds", type=int, default=100, help="of each scenario (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of every random moment (default: %(default)s)")
    parser.add_argument("--items", type=int, default=12, help="of each run's two maps (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the JSON to a file as well")
    options = parser.parse_args()
    unknown = sorted(set(options.scenario) - set(SCENARIOS))
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}")
    command = shlex.join(["python", "-m", "tests.chaos", *sys.argv[1:]])
    rows = run(
        rounds=options.rounds,
        seed=options.seed,
        items=options.items,
        scenarios=options.scenario or SCENARIOS,
        told=_told,
        so_far=partial(_save, options.save, command) if options.save else lambda _: None,
    )
    if options.json:
        sys.stdout.write(_record(command, rows) + "\n")
    else:
        found = "\n".join(f"{count:>5}  {check}" for check, count in checks(rows).items())
        rounds = sum(row.rounds for row in rows)
        sys.stdout.write(f"{table(rows)}\n\nfound after {rounds} rounds:\n{found}\n\n{command}\n")
    return 1 if any(row.violations for row in rows) else 0


def _record(command: str, rows: list[Row]) -> str:
    """Return everything for a machine."""
    record = {
        "command": command,
        "violations": sum(len(row.violations) for row in rows),
        "by check": checks(rows),
        "rows": [row.to_json() for row in rows],
    }
    return json.dumps(record, indent=1)


def _save(path: Path, command: str, rows: list[Row]) -> None:
    path.write_text(_record(command, rows) + "\n", "utf-8")


def _told(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
