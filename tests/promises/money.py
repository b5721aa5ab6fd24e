"""Promises about money beyond one run: caps on every axis, limits of a day and a project, more money for a run."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["MONEY"]

DECISION = (
    "docs/decisions/0016-limits-are-holds.md",
    "16. A limit over runs is a sum of holds, and more money is a new answer",
)
LIMITS = ("docs/policy.md", "Limits of a day and a project")
MORE = ("docs/policy.md", "More money for a run")
CHECKPOINT = ("docs/policy.md", "How money is counted")
DOUBT = ("docs/policy.md", "Calls that may have been paid")
CHANNELS = ("docs/policy.md", "Channels")
CLI = ("docs/cli.md", "The command line")
VERBS = ("docs/ir.md", "Verbs and modifiers")

MONEY: tuple[Promise, ...] = (
    promise(
        "money.answers",
        "A yes can be taken back until it is used; of answers that race one stands; every answer is on record",
        CHANNELS,
        "core/engine/test_answers.py",
    ),
    promise(
        "money.calls",
        "A budget may cap requests, in a function, a flow or a plan's options; the worst case counts on it",
        VERBS,
        "core/plan/test_calls_cap.py",
        "core/runtime/test_budgets.py::test_a_functions_budget_for_calls_ends_its_retries_and_nothing_else",
        "core/runtime/test_budgets.py::test_an_inner_flows_budget_for_calls_covers_its_steps_together",
    ),
    promise(
        "money.cancelled_anywhere",
        "Cancelled at any point where it waits, a run leaves no reservation, and what was sent is charged and recorded",
        CHECKPOINT,
        "core/runtime/test_cancelled_anywhere.py",
    ),
    promise(
        "money.checkpoint",
        "At 80 % of its cap, charged and reserved together, a run writes one event, and progress and receipt say it",
        CHECKPOINT,
        "core/runtime/test_checkpoint.py",
    ),
    promise(
        "money.commands",
        "`spend` shows limits and holds, `revoke` takes a yes back, `approve RUN --cap` gives a run more",
        CLI,
        "cli/test_money.py",
    ),
    promise(
        "money.exact",
        "Amounts are whole nano-dollars everywhere, so sums are exact in any order",
        CHECKPOINT,
        "core/test_money.py",
    ),
    promise(
        "money.limits",
        "Limits of a day and a project hold: a run reserves its whole cap when it is created, and returns the rest",
        LIMITS,
        "core/journal/test_limits.py",
        "core/engine/test_money.py::test_a_plan_says_when_it_would_not_fit_today",
        "core/engine/test_money.py::test_a_run_that_does_not_fit_is_not_started_and_its_approval_stays_good",
        "core/engine/test_money.py::test_a_run_holds_its_cap_while_it_runs_and_gives_the_rest_back_at_its_end",
    ),
    promise(
        "money.more",
        "A run that came to its cap goes on only after a new yes to a higher one, and pays nothing twice",
        MORE,
        "core/engine/test_money.py",
        "server/test_more_money.py",
    ),
    promise(
        "money.one_transaction",
        "One transaction raises a cap, uses the answer up and reserves the difference; the runner takes no other cap",
        DECISION,
        "core/engine/test_money.py::test_a_cap_that_was_changed_on_disk_starts_nothing",
        "core/engine/test_money.py::test_more_money_has_to_fit_the_limits_as_well",
        "core/engine/test_money.py::test_only_an_answer_raises_a_cap",
    ),
    promise(
        "money.possibly_paid",
        "A call that may have been paid is sent again, asked about or failed, as the policy of its plan says",
        DOUBT,
        "core/runtime/test_doubt.py",
        "core/plan/test_calls_cap.py::test_the_rule_for_calls_that_may_have_been_paid_is_part_of_the_plan",
    ),
)
