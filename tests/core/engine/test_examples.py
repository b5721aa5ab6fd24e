"""The examples that need no model: lists joined, grouped, filtered and sorted by expressions alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal
from stratum_core.llm import PriceTable
from stratum_core.plan import BindLimits, Roots
from stratum_core.plan._bind import bind_inputs
from stratum_core.runtime import RunContext, run_program, write_result
from stratum_core.testing import ScriptedClient
from tests.support.pages import ROOT

pytestmark = pytest.mark.anyio

EXAMPLES = ROOT / "examples"


async def run(name: str, inputs: dict[str, JsonValue]) -> JsonValue:
    """Bind an example's files, run its only flow and return its value; a model call would fail the run."""
    program = check((EXAMPLES / f"{name}.stratum.yaml").read_text("utf-8")).program
    assert program is not None
    (flow,) = program.flows.values()
    bound = bind_inputs(flow.inputs, inputs, roots=Roots(EXAMPLES), limits=BindLimits())
    context = RunContext(
        program=program,
        journal=MemoryJournal(),
        client_for=lambda _: ScriptedClient([]),
        prices=PriceTable.load(),
        default_model="offline",
    )
    values = {part.name: part.value for part in bound}
    outcome = await run_program(context, flow=flow.name, inputs=values, budget=Budget())
    assert (outcome.error, outcome.state) == ("", "completed")
    return outcome.value


async def test_orders_are_joined_with_customers_totalled_and_sorted(tmp_path: Path) -> None:
    value = await run(
        "orders",
        {
            "orders": {"file": "orders.csv", "columns": {"price": "unit price"}},
            "customers": {"file": "customers.jsonl"},
        },
    )
    assert value == [
        {"name": "Ada Brandt", "region": "north", "orders": 3, "amount": 409.0},
        {"name": "Musa Keita", "region": "south", "orders": 2, "amount": 260.0},
        {"name": "Ivo Marin", "region": "north", "orders": 1, "amount": 19.5},
    ]
    assert write_result(tmp_path / "top.csv", value) == 3
    assert (tmp_path / "top.csv").read_text("utf-8").splitlines()[0] == "name,region,orders,amount"
    assert write_result(tmp_path / "top.jsonl", value) == 3
    assert json.loads((tmp_path / "top.jsonl").read_text("utf-8").splitlines()[2])["amount"] == 19.5


async def test_tasks_are_filtered_sorted_by_date_and_counted_by_owner() -> None:
    value = await run("tasks", {"tasks": {"file": "tasks.csv"}, "today": "2026-03-01"})
    assert isinstance(value, dict)
    lines = value["lines"]
    assert isinstance(lines, list)
    assert [line["id"] for line in lines if isinstance(line, dict)] == [5, 3, 1, 4]
    assert value["loads"] == [
        {"owner": "Ada", "open": 2, "overdue": 1, "next": "2026-02-27"},
        {"owner": "Musa", "open": 1, "overdue": 1, "next": "2026-02-25"},
        {"owner": "nobody", "open": 1, "overdue": 0, "next": "2026-03-05"},
    ]
    assert (value["labels"], value["unowned"]) == (["billing", "urgent"], [4])
