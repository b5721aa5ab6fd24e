"""Emit: calls that a flow awaits inside an expression are steps of a document, named after what they call."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stratum_core import configure
from stratum_core.authoring import FlowFunction
from stratum_core.authoring._emit import Emitted, emit_module
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.ir import ir_hash, load
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, ModelRequest, PriceTable, request_hash
from stratum_core.llm.offline import OfflineClient
from stratum_core.plan import PlanContext, Roots, build_plan
from stratum_core.runtime import RunContext, run_program
from tests.core.codegen._made import imported

pytestmark = pytest.mark.anyio

_EXAMPLES = Path(__file__).parents[3] / "examples"
_HEAD = """
from pydantic import BaseModel

from stratum_core import (
    HumanReviewContext, await_human, contract, debate_outcome, each, flow, infer, opaque, or_none, parallel
)
from pydantic import JsonValue


@contract
class Both(BaseModel):
    one: str
    other: str


@infer(intent="Ask")
async def ask(text: str) -> str: ...


@infer(intent="Split")
async def parts(text: str) -> list[str]: ...


@infer(intent="Argue")
async def argue(topic: str, arguments: JsonValue) -> Both: ...


@infer(intent="Conclude")
async def conclude(topic: str, arguments: JsonValue, converged: bool) -> Both: ...


@flow
async def main(text: str, flag: bool) -> {output}:
    {body}
"""
_FUNCTIONS = """
stratum: "1"
contracts: { Both: { one: string, other: string } }
functions:
  ask: { mode: infer, intent: Ask, input: { text: string }, output: string }
  parts: { mode: infer, intent: Split, input: { text: string }, output: list<string> }
  argue: { mode: infer, intent: Argue, input: { topic: string, arguments: json }, output: Both }
  conclude: { mode: infer, intent: Conclude, input: { topic: string, arguments: json, converged: bool }, output: Both }
flows:
  main:
    input: { text: string, flag: bool }
"""


def _module(output: str, body: str) -> str:
    return _HEAD.replace("{output}", output).replace("{body}", body.replace("; ", "\n    "))


_PARTS = "{ id: parts, function: parts, inputs: { text: input.text } }"
_ASK = "{ id: ask, function: ask, inputs: { text: input.text } }"


@pytest.mark.parametrize(
    ("written", "kind", "steps", "returned"),
    [
        (("str", "return await ask(text)"), "string", _ASK, "ask"),
        (("int", "return len(await ask(text))"), "int", _ASK, "len(ask)"),
        (
            ("str", "return 'long' if len(await ask(text)) > 3 else 'short'"),
            "string",
            _ASK,
            '\'"long" if len(ask) > 3 else "short"\'',
        ),
        (
            ("Both", "return Both(one=await ask(text), other=await ask('b'))"),
            "Both",
            _ASK + ", { id: ask_2, function: ask, inputs: { text: '\"b\"' } }",
            "{ one: ask, other: ask_2 }",
        ),
        (
            ("list[str]", "return await parallel(ask(text), ask('b'))"),
            "list<string>",
            _ASK + ", { id: ask_2, function: ask, inputs: { text: '\"b\"' } }",
            "'[ask, ask_2]'",
        ),
        (
            ("int", "ask_2 = 3; n = len(await ask(text)) + ask_2 + len(await ask('b')); return n"),
            "int",
            "{ id: ask_2, compute: '3' }, "
            + _ASK
            + ", { id: ask_3, function: ask, inputs: { text: '\"b\"' } }, "
            "{ id: n, compute: len(ask) + ask_2 + len(ask_3) }",
            "n",
        ),
        (
            ("list[str]", "return await each(ask(part) for part in await parts(text))"),
            "list<string>",
            _PARTS + ", { id: ask, function: ask, inputs: { text: item }, for_each: parts }",
            "ask",
        ),
        (
            ("str", "return await ask(await ask(text))"),
            "string",
            _ASK + ", { id: ask_2, function: ask, inputs: { text: ask } }",
            "ask_2",
        ),
        (
            ("str | None", "return await or_none(ask(text))"),
            "optional<string>",
            "{ id: ask, function: ask, inputs: { text: input.text }, on_error: none }",
            "ask",
        ),
        (
            ("int", "return len(list(await parallel(*[ask(part) for part in ['a', text]])))"),
            "int",
            "{ id: ask, function: ask, inputs: { text: item }, for_each: '[\"a\", input.text]' }",
            "len(ask)",
        ),
        (
            ("str", "return (await await_human(HumanReviewContext(question='Which?'), str)).value"),
            "string",
            "{ id: decision, await_human: { question: 'Which?' } }",
            "decision.value",
        ),
        (
            ("bool", "return (await debate_outcome([argue, argue], text, synthesize=conclude)).converged"),
            "bool",
            "{ id: debate, debate: { agents: [argue, argue], topic: input.text, synthesize: conclude } }",
            "debate.converged",
        ),
        (
            (
                "str | None",
                "found = None; if len(await ask(text)) > 3 and flag:;     found = await ask('b'); return found",
            ),
            "optional<string>",
            _ASK
            + ", { id: found, function: ask, inputs: { text: '\"b\"' }, when: 'len(ask) > 3 and input.flag' }",
            "found",
        ),
        (("str", "await ask(text); return text"), "string", _ASK, "input.text"),
    ],
)
def test_an_awaited_call_without_a_name_is_the_step_a_person_would_write(
    written: tuple[str, str], kind: str, steps: str, returned: str, tmp_path: Path
) -> None:
    by_hand = load(f"{_FUNCTIONS}    output: {kind}\n    steps: [{steps}]\n    return: {returned}\n").document
    assert by_hand is not None

    emitted = emit_module(imported(_module(*written), tmp_path, "awaits"))
    document = load(emitted.text).document

    assert emitted.unsaid == ()
    assert document is not None
    assert document.flows["main"] == by_hand.flows["main"]
    assert ir_hash(document) == ir_hash(by_hand)


def _example(name: str, folder: Path) -> Emitted:
    return emit_module(imported((_EXAMPLES / f"{name}.py").read_text("utf-8"), folder, name))


@pytest.mark.parametrize("name", ["03_parallel", "05_debate", "06_hitl"])
def test_an_example_that_is_straight_is_emitted_whole(name: str, tmp_path: Path) -> None:
    emitted = _example(name, tmp_path)

    assert emitted.unsaid == ()
    assert emitted.flows == 1
    assert [found.code for found in check(emitted.text).diagnostics if found.severity == "error"] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("01_sentiment", {"report": "its body is Python", "survey": "it calls `report`"}),
        (
            "02_migrate",
            {
                "urgency_ruled": "its body is Python",
                "before": "`triage(tickets, urgency_asked)` calls no infer, compute or flow of the module",
                "after": "`triage(tickets, urgency_ruled)` calls no infer, compute or flow of the module",
            },
        ),
        (
            "04_refine",
            {
                "problems": "its body is Python",
                "shop_line": "`lambda check",
                "campaign": "it calls `shop_line`",
            },
        ),
    ],
)
def test_an_example_that_is_more_than_a_document_says_where(
    name: str, told: dict[str, str], tmp_path: Path
) -> None:
    unsaid = {one.name: one.why for one in _example(name, tmp_path).unsaid}

    assert unsaid.keys() == told.keys()
    assert [part for part, why in told.items() if not unsaid[part].startswith(why)] == []


class _Recording:
    """The offline model, and what it was asked."""

    def __init__(self) -> None:
        self._inner = OfflineClient()
        self.asked: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request_hash(request))
        return await self._inner.complete(request)


@pytest.mark.parametrize(
    ("name", "name_of_flow", "inputs"),
    [
        ("03_parallel", "read", {"mail": "The invoice is wrong and I am disappointed."}),
        ("05_debate", "decide", {"proposal": "Move to a four-day week. Customers wait. People are rested."}),
    ],
)
async def test_an_emitted_example_asks_and_gives_what_its_flow_does(
    name: str, name_of_flow: str, inputs: dict[str, str], tmp_path: Path
) -> None:
    module = imported((_EXAMPLES / f"{name}.py").read_text("utf-8"), tmp_path, name)
    in_python, in_document = _Recording(), _Recording()
    flow: FlowFunction[..., object] = getattr(module, name_of_flow)
    with configure(client=in_python, default_model="offline"):
        given: JsonValue = flow.signature.output.dump(await flow(**inputs))

    planning = PlanContext(
        roots=Roots(tmp_path),
        prices=PriceTable.load(),
        now=datetime(2026, 11, 22, tzinfo=UTC),
        default_model="offline",
    )
    plan = build_plan(emit_module(module).text, flow=None, inputs={**inputs}, context=planning)
    context = RunContext(
        program=plan.program,
        journal=MemoryJournal("run_1"),
        client_for=lambda _: in_document,
        prices=PriceTable.load(),
        default_model="offline",
    )
    outcome = await run_program(context, flow=plan.flow, inputs=plan.values, budget=Budget())

    assert outcome.value == given
    assert sorted(in_document.asked) == sorted(in_python.asked)
    assert in_python.asked
