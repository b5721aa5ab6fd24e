"""Promises about comparing two runs."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["DRIFT"]

COMPARED = ("docs/traces.md", "Two runs compared")
DERIVED = (
    "docs/decisions/0032-drift-is-derived.md",
    "32. What drifted between two runs is derived, not written down",
)

DRIFT: tuple[Promise, ...] = (
    promise(
        "drift.compared",
        "Two runs are compared by function: what changed in it, and how right answers, retries and cost moved",
        COMPARED,
        "cli/test_drift.py::test_two_runs_with_an_edit_between_them_are_compared_in_words",
        "cli/test_drift.py::test_other_rows_of_the_same_plan_change_no_function",
        "core/drift/test_compare.py",
        "core/drift/test_words.py",
    ),
    promise(
        "drift.figures",
        "Every request is counted at the function that made it, and the classes of its retries are those of the census",
        COMPARED,
        "core/drift/test_figures.py",
        "core/drift/test_places.py",
    ),
    promise(
        "drift.parts",
        "Each part of a function is compared by its own hash or value, so an edit shows where it was made",
        COMPARED,
        "core/drift/test_definitions.py",
    ),
    promise(
        "drift.refused",
        "What cannot be compared surely is refused, and a run that is not over is said to be one",
        COMPARED,
        "cli/test_drift.py::test_what_cannot_be_compared_is_said_with_what_to_do",
        "core/engine/test_drift.py",
    ),
    promise(
        "drift.requests",
        "Where no part of a function differs, equal questions were sent as equal requests, or the difference is told",
        DERIVED,
        "core/drift/test_compare.py::test_equal_questions_that_were_sent_as_other_requests_are_told",
        "core/drift/test_figures.py::test_the_requests_of_the_first_questions_are_kept_by_their_hashes",
    ),
)
