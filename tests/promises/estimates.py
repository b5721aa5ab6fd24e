"""Promises about estimates: the most a run can cost, and the range it will probably fall in."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["ESTIMATES"]

PAGE = "docs/estimates.md"
WORST = (PAGE, "The worst case")
LIKELY = (PAGE, "The likely range")
CAP = (PAGE, "The cap")
BINDS = (PAGE, "What approvals bind")
PROPOSAL = (
    "docs/decisions/0030-a-proposal-below-the-budget.md",
    "30. A plan proposes a cap below the document's budget",
)
WHAT_IFS = (PAGE, "What-ifs")
DECISION = ("docs/decisions/0025-only-the-likely-range-learns.md", "25. Only the likely range learns")

ESTIMATES = (
    promise(
        "estimates.accuracy",
        "From five runs on a plan says how near the last estimates came, the worst of the last twelve",
        LIKELY,
        "core/plan/test_history.py::test_how_near_the_last_estimates_came_is_said_from_five_on",
    ),
    promise(
        "estimates.approvals",
        "Worst case, cap and hash of a plan do not depend on earlier runs",
        BINDS,
        "core/plan/test_history.py::test_nothing_that_is_approved_depends_on_earlier_runs",
        "core/engine/test_estimates.py::test_the_next_plan_learns_from_a_run_and_is_the_same_plan_to_approve",
    ),
    promise(
        "estimates.batch",
        "A plan can be priced on another model, for its first rows and at batch prices, and stays as it is",
        WHAT_IFS,
        "core/plan/test_history.py::test_batch_prices_are_half_of_the_list_or_what_the_list_says",
        "cli/test_documents.py::test_an_estimate_is_shown_with_its_basis",
    ),
    promise(
        "estimates.cap",
        "Without a cap in the request a plan proposes one, never above the document's budget; one that is given holds",
        PROPOSAL,
        "core/plan/test_build.py::test_a_cap_that_was_asked_for_holds_within_the_flows_budget_and_the_operators_limit",
        "core/plan/test_build.py::test_without_one_the_cap_is_the_tightest_of_the_flows_budget_the_proposal_and_the_operators_limit",
        "core/plan/test_estimate.py::test_a_proposed_cap_is_a_round_number_far_below_an_unlikely_worst_case",
    ),
    promise(
        "estimates.cap_words",
        "A proposed cap says where it comes from, and what the document allows",
        CAP,
        "core/plan/test_build.py::test_a_proposed_cap_says_what_it_comes_from_and_one_that_nobody_chose_says_nothing",
    ),
    promise(
        "estimates.learned",
        "The likely range comes from earlier runs of the same functions, and its basis is said in words",
        LIKELY,
        "core/plan/test_history.py",
        "core/runtime/test_tally.py",
        "core/engine/test_estimates.py",
    ),
    promise(
        "estimates.nine_in_ten",
        "After ten runs of the same work at least nine costs in ten fall in the range that was quoted",
        DECISION,
        "core/plan/test_history.py::test_nine_in_ten_costs_fall_in_the_range_after_a_warm_up",
    ),
    promise(
        "estimates.remembered",
        "What is remembered of runs is bounded, holds no texts, and counts a run once",
        LIKELY,
        "core/journal/test_track_record.py",
        "core/runtime/test_tally.py::test_a_run_that_is_replayed_counts_what_it_counted_before",
    ),
    promise(
        "estimates.worst_case",
        "No bill passes the worst case; it is met when every request uses all that was set aside for it",
        WORST,
        "core/plan/test_worst_case.py",
    ),
)
