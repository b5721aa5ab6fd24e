"""`make chaos`, `python -m tests.chaos`: disturb runs in every way, and count broken promises; 1 when there is one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.chaos._chaos import checks, run, table
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
    rows = run(
        rounds=options.rounds,
        seed=options.seed,
        items=options.items,
        scenarios=options.scenario or SCENARIOS,
        told=_told,
    )
    violations = sum(len(row.violations) for row in rows)
    record = {
        "command": f"python -m tests.chaos --rounds {options.rounds} --seed {options.seed} --items {options.items}",
        "violations": violations,
        "by check": checks(rows),
        "rows": [row.to_json() for row in rows],
    }
    text = json.dumps(record, indent=1)
    if options.save:
        options.save.write_text(text + "\n", "utf-8")
    found = "\n".join(f"{count:>5}  {check}" for check, count in checks(rows).items())
    words = f"{table(rows)}\n\nfound after {sum(row.rounds for row in rows)} rounds:\n{found}\n\n{record['command']}"
    sys.stdout.write((text if options.json else words) + "\n")
    return 1 if violations else 0


def _told(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
