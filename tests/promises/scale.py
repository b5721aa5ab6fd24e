"""Promises about many items: their pace, their cost, what is held in memory, and when a map stops early."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["SCALE"]

PACE = ("docs/scale.md", "How many at a time")
EARLY = ("docs/scale.md", "When it stops early")
HELD = ("docs/scale.md", "What is held in memory")
MEASURED = ("docs/scale.md", "Measured")
COLLECTIONS = (
    "docs/decisions/0026-collections-pause-while-a-document-is-read.md",
    "26. Collections pause while a document is read",
)
DECISION = ("docs/decisions/0019-long-lists-are-files.md", "19. Long lists are files")

SCALE = (
    promise(
        "scale.closed_account",
        "After an answer that the account is closed at most the calls in flight still reach the provider, and the run "
        "is not completed",
        EARLY,
        "core/runtime/test_scale.py::test_a_closed_account_stops_a_map_within_the_calls_in_flight",
    ),
    promise(
        "scale.collections",
        "The cycle collector of a process pauses while a document is read, and is put back as it was found",
        COLLECTIONS,
        "core/test_memory.py",
    ),
    promise(
        "scale.early_failure",
        "A map whose requirement cannot be met any more starts nothing new, and what is done is kept",
        EARLY,
        "core/runtime/test_map.py::test_nothing_new_is_started_once_too_many_have_failed",
        "core/runtime/test_scale.py::test_a_threshold_that_cannot_be_met_any_more_stops_the_map_early",
        "core/runtime/test_scale.py::test_too_few_successes_of_a_long_map_keep_what_is_done",
    ),
    promise(
        "scale.flat_memory",
        "Neither the rows nor the results of a long map are held in memory, in planning, running or resuming",
        HELD,
        "core/contracts/test_stored.py",
        "core/plan/test_scale.py",
        "core/runtime/test_scale.py::test_a_map_of_many_items_holds_neither_them_nor_their_results",
    ),
    promise(
        "scale.pace",
        "Without a number a map finds how many requests a model takes: one more for each full round, half after a 429",
        PACE,
        "core/runtime/test_pace.py",
    ),
    promise(
        "scale.same_meaning",
        "A long list means what a short one means: to expressions, failures, results, files and a resumed run",
        DECISION,
        "core/runtime/test_output.py::test_a_long_list_is_written_as_a_short_one_is",
        "core/runtime/test_scale.py",
    ),
    promise(
        "scale.waking",
        "Items that waited for one commit go on a few at a time, so that some work while others wait",
        MEASURED,
        "core/journal/test_waking.py",
    ),
)
