"""`python -m bench`: measure and print a table; `python -m bench kill9`: kill a run and count what is paid twice."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import (
    _anchors,
    _billing,
    _calls,
    _documents,
    _estimates,
    _expressions,
    _fuzz,
    _journal,
    _kill9,
    _library,
    _map,
    _plugin,
    _replay,
    _server,
    _warm,
)
from bench._measure import Row, table

_RESULTS = Path(__file__).parent / "results.json"
_MEASURES: Mapping[str, Callable[[], list[Row]]] = {
    "server": _server.measure,
    "documents": _documents.measure,
    "estimates": _estimates.measure,
    "journal": _journal.measure,
    "replay": _replay.measure,
    "expressions": _expressions.measure,
    "calls": _calls.measure,
    "plugin": _plugin.measure,
    "library": _library.measure,
    "map": _map.measure,
    "anchors": _anchors.measure,
    "warm": _warm.measure,
}
_REPORTS = ("kill9", "billing", "fuzz")


def main() -> int:
    """Run what was asked for; 1 when a target or a promise was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("what", nargs="*", help=f"{', '.join((*_MEASURES, *_REPORTS))}; nothing: all")
    parser.add_argument("--items", type=int, default=1000, help="of kill9")
    parser.add_argument("--rounds", type=int, default=10, help="of kill9")
    parser.add_argument("--seed", type=int, default=0, help="of kill9's moments and fuzz's changes")
    parser.add_argument("--minutes", type=float, default=1, help="of fuzz")
    parser.add_argument("--documents", type=int, default=200, help="random ones, of estimates")
    parser.add_argument("--long", action="store_true", help="of map: 100,000 items as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--save", action="store_true", help=f"write {_RESULTS.name} as well")
    options = parser.parse_args()
    asked = options.what or list(_MEASURES)
    unknown = sorted(set(asked) - {*_MEASURES, *_REPORTS})
    if unknown:
        parser.error(f"there is no measurement {', '.join(unknown)}")
    measures = {
        **_MEASURES,
        "estimates": partial(_estimates.measure, documents=options.documents),
        "map": partial(_map.measure, long=options.long),
    }
    rows = [row for name, measure in measures.items() if name in asked for row in measure()]
    reports: dict[str, Mapping[str, object]] = {}
    ok = all(row.met is not False for row in rows)
    if "kill9" in asked:
        killed = _kill9.run(items=options.items, rounds=options.rounds, seed=options.seed)
        reports["kill9"], ok = killed.to_json(), ok and killed.ok
    if "billing" in asked:
        billed = _billing.run()
        reports["billing"], ok = billed.to_json(), ok and billed.ok
    if "fuzz" in asked:
        fuzzed = _fuzz.run(seed=options.seed, seconds=options.minutes * 60)
        reports["fuzz"], ok = fuzzed.to_json(), ok and fuzzed.ok
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rows": [row.to_json() for row in rows],
        **reports,
    }
    if options.save:
        _RESULTS.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    if options.json:
        print(json.dumps(record, indent=1))
    else:
        _print(rows, reports)
    return 0 if ok else 1


def _print(rows: list[Row], reports: Mapping[str, Mapping[str, object]]) -> None:
    """Print tables for a person."""
    if rows:
        print(table(rows))
    for name, report in reports.items():
        print(f"\n{name}")
        for line, value in report.items():
            print(f"  {line:<26} {value}")


if __name__ == "__main__":
    sys.exit(main())
