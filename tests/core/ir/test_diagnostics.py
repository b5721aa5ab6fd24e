"""A diagnostic is shown as a JSON record, empty parts left out."""

from __future__ import annotations

from dataclasses import replace

from stratum_core.ir import Diagnostic, Fix

FOUND = Diagnostic(
    code="E110",
    severity="error",
    path="functions.f.prompt",
    line=3,
    column=5,
    end_column=11,
    message="unknown key `prompt`",
)
RECORD = {
    "code": "E110",
    "severity": "error",
    "path": "functions.f.prompt",
    "line": 3,
    "column": 5,
    "end_column": 11,
    "message": "unknown key `prompt`",
}


def test_empty_parts_are_left_out() -> None:
    assert FOUND.to_json() == RECORD


def test_a_suggestion_and_a_fix_are_shown() -> None:
    found = replace(
        FOUND, suggestion="did you mean `intent`?", fix=Fix(line=3, column=5, end_column=11, text="intent")
    )
    assert found.to_json() == {
        **RECORD,
        "suggestion": "did you mean `intent`?",
        "fix": {"line": 3, "column": 5, "end_column": 11, "text": "intent"},
    }
