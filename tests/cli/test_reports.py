"""What a person reads: reports of plans, runs and diagnostics, safe whatever the records hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from stratum_core.contracts import JsonValue
from stratum_core.engine import PlanView, RunView
from stratum_mcp.cli._diagnostics import show_diagnostics
from stratum_mcp.cli._report import show_census, show_plan, show_run, show_runs


def _shown(show: Callable[[Console], None]) -> list[str]:
    """Return the lines a report writes."""
    file = io.StringIO()
    show(Console(file=file, width=100, markup=False, highlight=False, emoji=False))
    return [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]


def _plan(**changed: str | tuple[str, ...]) -> PlanView:
    fields: dict[str, object] = {
        "plan_id": "plan_1", "summary": "I'll read 2 notes.", "likely_usd": 0.1, "likely_low_usd": 0.05,
        "likely_high_usd": 0.2, "at_most_usd": 1.0, "simulated": False, "items": 2, "calls_at_most": 4,
        "approval": "needs_approval", "command": "stratum approve plan_1", **changed,
    }  # fmt: skip
    return PlanView(**fields)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        ({}, ["Plan plan_1: needs approval", "To approve it, a person runs: stratum approve plan_1"]),
        ({"approval": "approved"}, ["Plan plan_1: approved", "To run it: stratum execute plan_1"]),
        ({"approval": "declined"}, ["Plan plan_1: declined"]),
        (
            {"approval": "approved", "run_id": "run_1", "warnings": ("a \x1b[2J",)},
            [
                "Warning: a \\u001b[2J",
                "Plan plan_1: approved",
                "It ran as run_1: stratum show run_1",
            ],
        ),
    ],
)
def test_a_plan_says_how_it_stands_and_what_to_do(changed: dict[str, str], ends: list[str]) -> None:
    shown = _shown(lambda console: show_plan(_plan(**changed), console, typed="stratum {} {}".format))
    assert shown == ["I'll read 2 notes.", *ends]


def _run(census: dict[str, JsonValue]) -> RunView:
    return RunView(
        run_id="run_1", plan_id="plan_1", state="completed_with_failures", message="Done, with failures.",
        done=2, total=3, usd=0.002, cap_usd=1, simulated=True, live=False, census=census, out="out.csv",
        result_path="/s/run_1.json", error="x\u202ey",
    )  # fmt: skip


def test_a_run_shows_its_census_its_first_failures_and_its_files() -> None:
    census: dict[str, JsonValue] = {
        "items_done": 2, "items_failed": 1, "failed_by_cause": {"parse_failure": 1},
        "failures": [{"path": "all/1", "code": "parse_failure", "message": "no\nanswer \x1b[31m"}, "odd"],
        "nusd": 2_000_000, "simulated": True, "complete": False,
    }  # fmt: skip
    lines = _shown(lambda console: show_run(_run(census), console))
    cells = [" ".join(line.split()) for line in lines]
    assert cells[0] == "Done, with failures."
    assert "failed by cause: parse_failure 1" in cells
    assert "cost $0.0020 (simulated)" in cells
    assert "complete no" in cells
    assert "failed all/1 parse_failure no answer \\u001b[31m" in cells
    assert cells[-4:] == [
        "result: out.csv",
        "whole result: /s/run_1.json",
        "error: x\\u202ey",
        "run: run_1 of plan plan_1",
    ]


def test_a_census_with_nothing_in_it_is_still_a_table() -> None:
    assert (
        _shown(lambda console: show_census({"failures": None, "nusd": None}, console))[0].strip() == "census"
    )


def test_runs_are_a_table_and_none_is_said_in_words() -> None:
    assert _shown(lambda console: show_runs([], console)) == ["No runs yet."]
    header, _, row = _shown(lambda console: show_runs([_run({})], console))
    assert header.split() == ["run", "state", "items", "cost", "plan"]
    assert "completed with failures" in row
    assert "2/3" in row


def _found(**changed: JsonValue) -> dict[str, JsonValue]:
    return {
        "code": "E211",
        "severity": "error",
        "line": 2,
        "column": 4,
        "end_column": 7,
        "message": "m",
        **changed,
    }


def test_carets_stand_under_the_place_whatever_is_before_it() -> None:
    text = 'a: 1\n猫\t"xyz": 2\n'
    lines = _shown(lambda console: show_diagnostics([_found()], text, console))
    assert lines == ["<text>:2:4: error E211 m", '    2 | 猫 "xyz": 2', "      |     ^^^"]


def test_only_the_part_of_a_long_line_around_the_place_is_shown() -> None:
    text = "x" * 5_000 + "BAD" + "y" * 5_000
    found = _found(line=1, column=5_001, end_column=5_004)
    _, source, carets = _shown(lambda console: show_diagnostics([found], f"{text}\n", console))
    assert len(source) < 120
    assert source[carets.index("^") : carets.rindex("^") + 1] == "BAD"


@pytest.mark.parametrize("found", [_found(line=0), _found(line=99), {"message": "no place"}])
def test_a_finding_without_a_line_of_its_own_is_still_told(found: dict[str, JsonValue]) -> None:
    lines = _shown(lambda console: show_diagnostics([found], "a: 1\n", console))
    assert len(lines) == 1
    assert str(found["message"]) in lines[0]


def test_a_document_that_cannot_be_read_again_has_no_lines() -> None:
    lines = _shown(
        lambda console: show_diagnostics([_found(suggestion="mend it")], "/nowhere/x.yaml", console)
    )
    assert lines == ["/nowhere/x.yaml:2:4: error E211 m", "      = mend it"]


def test_a_run_that_cannot_be_read_is_listed_with_its_fault_and_without_figures() -> None:
    run = replace(
        _run({}), state="completed", readable=False, usd=0.0, message="Cannot be read: it is damaged"
    )
    lines = _shown(lambda console: show_runs([run], console))
    (row,) = [line for line in lines if "plan_1" in line]
    assert ("unreadable" in row, "completed" in row, "$" in row) == (True, False, False)
    assert lines[-1] == "run_1: Cannot be read: it is damaged"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"state": "interrupted", "done": 312, "total": 847, "charged_nusd": 11_000_000}
            | {"census": {"calls_possibly_paid": 4}},
            "run_1 was interrupted: 312 of 847 done, $0.011 spent, 4 calls possibly paid; resume?",
        ),
        (
            {"state": "waiting", "census": {"calls_possibly_paid": 1}, "simulated": True},
            "run_1 waits for a person: $0.00 (simulated) spent, 1 call possibly paid; resume?",
        ),
        (
            {"state": "stopped_limit", "done": 2, "total": 3, "charged_nusd": 20_000_000},
            "run_1 was stopped by a limit of the provider: 2 of 3 done, $0.02 spent; resume?",
        ),
    ],
)
def test_the_list_of_runs_ends_with_what_was_left_undone(changed: dict[str, Any], line: str) -> None:
    fields: dict[str, Any] = {"resumable": True, "live": False, "done": 0, "total": 0, "simulated": False}
    run = replace(_run({}), **{**fields, **changed})
    assert _shown(lambda console: show_runs([run], console))[-1] == line


@pytest.mark.parametrize("changed", [{"live": True}, {"resumable": False}, {"state": "cancelled"}])
def test_a_run_at_work_or_over_is_not_offered_again(changed: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"state": "interrupted", "resumable": True, "live": False}
    run = replace(_run({}), **{**fields, **changed})
    assert not [line for line in _shown(lambda console: show_runs([run], console)) if "resume?" in line]
