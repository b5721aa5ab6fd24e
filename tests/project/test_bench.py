"""The measurements run, and the demonstration of a killed run holds what it demonstrates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import _documents, _kill9, _library
from bench._measure import Row, table


@pytest.mark.slow
def test_a_run_that_is_killed_and_resumed_pays_for_nothing_twice() -> None:
    report = _kill9.run(items=300, rounds=2, seed=1)
    assert (report.ok, report.recorded_calls_run_again, report.items) == (True, 0, 300)


@pytest.mark.slow
def test_measurements_are_told_to_machines(root: Path) -> None:
    command = [sys.executable, "-m", "bench", "expressions", "--json"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=60)
    rows = json.loads(done.stdout)["rows"]
    assert [row["unit"] for row in rows] == ["us", "us"]
    assert all(0 < row["theirs"] < row["ours"] for row in rows)


@pytest.mark.parametrize(("rich", "step_bytes"), [(False, 80), (True, 390)])
@pytest.mark.parametrize("steps", [1, 10, 100])
def test_the_generated_documents_are_valid_and_grow_with_their_steps(
    steps: int, rich: bool, step_bytes: int
) -> None:
    text = _documents.document(steps, rich=rich)
    _documents.plan_once(text)
    assert len(text) > step_bytes * steps


@pytest.mark.slow
def test_the_import_of_the_library_stands_beside_that_of_pydantic() -> None:
    (row,) = _library.measure(rounds=1)
    assert row.theirs is not None
    assert row.ours > row.theirs > 0


def test_a_missed_target_is_called_one() -> None:
    row = Row(area="a", ours=3.0, unit="ms", peer="b", theirs=2.0, target="ratio <= 1", met=False)
    assert table([row]).splitlines()[1].split() == [
        "a",
        "3.0",
        "ms",
        "2.0",
        "(b)",
        "1.50",
        "ratio",
        "<=",
        "1",
        "MISSED",
    ]
    assert row.to_json()["ratio"] == 1.5
