"""Promises about money beyond one run: caps on every axis, limits of a day and a project, more money for a run."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["MONEY"]

VERBS = ("docs/ir.md", "Verbs and modifiers")

MONEY: tuple[Promise, ...] = (
    promise(
        "money.calls",
        "A budget may cap requests, in a function, a flow or a plan's options; the worst case counts on it",
        VERBS,
        "core/plan/test_calls_cap.py",
        "core/runtime/test_budgets.py::test_a_functions_budget_for_calls_ends_its_retries_and_nothing_else",
        "core/runtime/test_budgets.py::test_an_inner_flows_budget_for_calls_covers_its_steps_together",
    ),
)
