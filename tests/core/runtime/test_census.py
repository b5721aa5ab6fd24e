"""The census of a branch: taken over whole, or its costs alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

from stratum_core.budget import Usage
from stratum_core.errors import StepFailed
from stratum_core.runtime import Census

COSTS = {"calls_answered", "calls_reused", "calls_possibly_paid", "simulated"}


def branch() -> Census:
    """Return a census in which everything was counted."""
    census = Census(replayed={"a#0"}, simulated=True, retries=Counter(contract=2))
    for number, part in enumerate(fields(census), 3):
        if part.type == "int":
            setattr(census, part.name, number)
    census.add_failure("a", StepFailed("no"))
    return census


def test_a_branch_that_counts_is_taken_over_whole() -> None:
    census = Census(replayed=set())
    census.add(branch())
    assert census == branch()
    census.add(branch())
    assert census.items_done == 2 * branch().items_done
    assert census.failed_by_cause == {"step_failed": 2}


def test_of_a_branch_that_was_given_up_only_the_costs_are_taken_over() -> None:
    census = Census(replayed=set())
    census.add_costs(branch())
    shown, whole, nothing = (one.to_json(Usage()) for one in (census, branch(), Census()))
    assert {name for name in shown if shown[name] == whole[name] != nothing[name]} == COSTS
    assert all(shown[name] == nothing[name] for name in shown if name not in COSTS)


def test_no_more_failures_are_shown_than_one_census_shows() -> None:
    census = Census()
    for number in range(15):
        census.add_failure(f"a[{number}]", StepFailed("no"))
    census.add(
        census_of_15 := Census(failures=list(census.failures), failed_by_cause=Counter(step_failed=15))
    )
    assert (len(census.failures), census.failed_by_cause) == (20, {"step_failed": 30})
    assert len(census_of_15.failures) == 15
