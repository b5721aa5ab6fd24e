"""A generated module does what its document does: the same requests, and the same value, under the same client."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import anyio
import pytest

from stratum_core import StratumError, configure
from stratum_core.authoring import FlowFunction
from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, ModelRequest, PriceTable, request_hash
from stratum_core.llm.offline import OfflineClient
from stratum_core.plan import Plan, PlanContext, Roots, build_plan
from stratum_core.runtime import RunContext, run_program
from tests.core.codegen._made import DOCUMENTS, imported, made

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[3]
_OK = _ROOT / "tests/corpus/ok"
_REVIEWS: dict[str, JsonValue] = {
    "reviews": {"file": "reviews.csv", "columns": {"id": "review_id", "text": "Review Text"}}
}
_ASKS = {"grant_review", "planning_objections"}
"""Their flows ask a person."""
_NAMES = sorted({path.name.split(".")[0] for path in _OK.glob("*.inputs.json")} - _ASKS)


class Recording:
    """The offline model, which answers equal requests equally, and what it was asked."""

    def __init__(self) -> None:
        self._inner = OfflineClient()
        self.asked: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request_hash(request))
        return await self._inner.complete(request)


def _plan(name: str) -> Plan:
    """Bind the data of a document."""
    folder, text = (_OK, DOCUMENTS[name]) if name != "reviews" else (_ROOT / "examples", DOCUMENTS[name])
    request: dict[str, JsonValue] = {"inputs": _REVIEWS}
    if name != "reviews":
        request = json.loads((_OK / f"{name}.inputs.json").read_text("utf-8"))
    context = PlanContext(
        roots=Roots(folder),
        prices=PriceTable.load(),
        now=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        default_model="offline",
    )
    return build_plan(
        text,
        flow=cast("str | None", request.get("flow")),
        inputs=cast("dict[str, JsonValue]", request["inputs"]),
        context=context,
    )


async def _from_document(plan: Plan, client: Recording) -> JsonValue:
    """Run the document; a failure gives its error's code."""
    context = RunContext(
        program=plan.program,
        journal=MemoryJournal("run_1"),
        client_for=lambda _: client,
        prices=PriceTable.load(),
        default_model="offline",
        jitter=lambda: 0.0,
    )
    outcome = await run_program(context, flow=plan.flow, inputs=plan.values, budget=Budget())
    return outcome.value if outcome.state.startswith("completed") else {"failed": outcome.cause}


async def _from_module(plan: Plan, name: str, folder: Path, client: Recording) -> JsonValue:
    """Run the module; a failure gives its error's code."""
    module = imported(made(DOCUMENTS[name]), folder, name)
    flow: FlowFunction[..., object] = getattr(module, plan.flow)
    signature = flow.signature
    given = {one.name: one.codec.load(plan.values[one.name]) for one in signature.parameters}
    with configure(client=client, default_model="offline"):
        try:
            return signature.output.dump(await flow(**given))
        except StratumError as fault:
            return {"failed": fault.code}


@pytest.mark.parametrize("name", ["reviews", *_NAMES])
async def test_a_module_asks_and_gives_what_its_document_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATUM_STATE_DIR", str(tmp_path / "state"))
    plan = _plan(name)
    first, second = Recording(), Recording()
    with anyio.fail_after(60):
        wanted = await _from_document(plan, first)
        found = await _from_module(plan, name, tmp_path, second)

    assert found == wanted
    assert sorted(second.asked) == sorted(first.asked)
