"""The worst case holds: whatever models answer, what a run reserves stays at or below it, on every axis."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import anyio
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget, Usage
from stratum_core.contracts import (
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.errors import BadRequestError, ModelError, ModelRefusal, QuotaError, TransportError
from stratum_core.journal import MemoryJournal, MemoryReviews, Question, ReviewRecord
from stratum_core.llm import (
    ANSWER_BYTES_PER_TOKEN,
    TRANSPORT_RETRIES,
    FinishReason,
    ModelReply,
    ModelRequest,
    PriceTable,
    is_wrapped,
)
from stratum_core.plan import Plan, PlanContext, PlanOptions, Roots, build_plan
from stratum_core.plan._estimate import estimate_program
from stratum_core.runtime import RunContext, RunOutcome, run_program
from stratum_core.specs import InferSpec
from stratum_core.testing import FunctionClient
from tests.core.plan._documents import random_document
from tests.core.plan.conftest import MODEL, NOW
from tests.core.plan.test_describe import GOLDEN, REQUESTS, plan_of

_TEXTS = ("\x01", "é", "x", '"', "漢", "word ", "\u2028")


def raw_value(kind: Type, room: int, chance: random.Random) -> str:
    """Return the raw JSON of some value of the type, long on purpose, in about `room` bytes."""
    match kind:
        case OptionalType(inner=inner):
            return "null" if chance.random() < 0.2 else raw_value(inner, room, chance)
        case OpaqueType(inner=inner):
            return raw_value(inner, room, chance)
        case StringType(min_length=shortest, max_length=longest):
            mark = chance.choice(_TEXTS)
            size = max(1, len(json.dumps(mark, ensure_ascii=False).encode()) - 2)
            count = max(shortest or 0, min(longest if longest is not None else room // size, room // size))
            return json.dumps((mark * count)[: longest if longest is not None else None], ensure_ascii=False)
        case ListType(item=item, min_length=shortest, max_length=longest):
            one = raw_value(item, room // 8, chance)
            most = max(1, room // (len(one.encode()) + 1))
            count = max(shortest or 0, min(most, most if longest is None else longest))
            return "[" + ",".join([one] * count) + "]"
        case MapType(value=value):
            return '{"k":' + raw_value(value, room - 8, chance) + "}"
        case RecordType(fields=fields):
            kept = [
                part for part in fields if not (isinstance(part.type, OptionalType) and chance.random() < 0.5)
            ]
            share = room // max(1, len(kept)) - 24
            return "{" + ",".join(f'"{p.name}":{raw_value(p.type, share, chance)}' for p in kept) + "}"
        case _:
            return raw_scalar(kind, room, chance)


def raw_scalar(kind: Type, room: int, chance: random.Random) -> str:
    """Return the raw JSON of some value without parts."""
    match kind:
        case EnumType(values=values):
            return json.dumps(chance.choice(values), ensure_ascii=False)
        case IntType(min=low, max=high):
            return str(
                chance.choice([high, low]) if high is not None and low is not None else low or high or 10**15
            )
        case FloatType(min=low, max=high):
            return str(chance.choice([low, high])) if low is not None or high is not None else "1e15"
        case BoolType():
            return chance.choice(["true", "false"])
        case DateType():
            return '"2026-01-31"'
        case DateTimeType():
            return '"2026-01-31T09:30:00.123456+02:00"'
        case _:
            return "[" + ",".join(["1e15"] * max(1, room // 5)) + "]"


def trouble(dice: float) -> ModelError | None:
    """Return what a request now and then ends in instead of an answer."""
    if dice < 0.1:
        return TransportError("lost on the way")
    if dice < 0.13:
        return BadRequestError("not so", detail={"paid": "no"})
    if dice < 0.15:
        return ModelRefusal("would rather not")
    return QuotaError("nothing left", detail={"paid": "no"}) if dice < 0.155 else None


class PromptPerson(MemoryReviews):
    """A person who answers at once, and at length where nothing forbids it."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(clock=NOW.timestamp)
        self._chance = chance

    async def ask(self, path: str, question: Question) -> ReviewRecord:
        await super().ask(path, question)
        long = "\x01" * self._chance.choice([1, 3_300])
        answer = self._chance.choice(question.options) if question.options else long
        return self.decide(path, answer, rationale="é" * 1_990)


@dataclass
class SlowClient:
    """A client that lets others go on before it answers, so that losers are cut off in flight."""

    answer: FunctionClient
    chance: random.Random

    async def complete(self, request: ModelRequest) -> ModelReply:
        for _ in range(self.chance.randint(0, 4)):
            await checkpoint()
        return await self.answer.complete(request)


Answering = Callable[[InferSpec, ModelRequest], ModelReply | ModelError]


def reserved_by_a_run(plan: Plan, seed: int) -> Usage:
    """Run a plan against models that answer at length, break rules, refuse and lose requests, and a wordy person."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable test

    def answer(spec: InferSpec, request: ModelRequest) -> ModelReply | ModelError:
        dice = chance.random()
        failed = trouble(dice)
        if failed is not None:
            return failed
        if dice < 0.3:
            return reply(request, "nonsense")
        finish = "refusal" if dice < 0.32 else "stop"
        return reply(request, long_answer(spec, request, chance), finish)

    return reserved(plan, answer, chance)


def reserved_against_the_worst_luck(plan: Plan) -> Usage:
    """Run a plan where every call needs every request it may make, and sides never agree."""
    chance = random.Random(1)  # noqa: S311 - a repeatable test
    refined = {
        name
        for name, spec in plan.program.functions.items()
        if isinstance(spec, InferSpec) and spec.refine is not None
    }

    def answer(spec: InferSpec, request: ModelRequest) -> ModelReply | ModelError:
        path, _, number = request.idempotency_key.rpartition("#")
        attempt = int(number)
        if attempt < TRANSPORT_RETRIES:
            return TransportError("lost on the way")
        if attempt < TRANSPORT_RETRIES + len(spec.fallbacks):
            return ModelRefusal("would rather not")
        if attempt < TRANSPORT_RETRIES + len(spec.fallbacks) + spec.retries:
            return reply(request, "nonsense")
        good = spec.name == "pro" and "con" not in refined
        if spec.refine is not None:
            good = int(path.rpartition("/it")[2].partition("/")[0]) == spec.refine.max_iterations
        text = long_answer(spec, request, chance).replace('"kind":"a"', '"kind":"b"')
        return reply(request, text.replace('"kind":"b"', '"kind":"a"') if good else text)

    return reserved(plan, answer, chance)


def reply(request: ModelRequest, text: str, finish: FinishReason = "stop") -> ModelReply:
    """Return a reply without counts, so that its call is charged all that was reserved for it."""
    return ModelReply(text=text, usage=None, finish=finish, model=request.model)


def long_answer(spec: InferSpec, request: ModelRequest, chance: random.Random) -> str:
    room = request.max_tokens * ANSWER_BYTES_PER_TOKEN - 20
    text = raw_value(spec.output, int(room * chance.choice([0.1, 0.5, 1])), chance)
    return f'{{"value":{text}}}' if is_wrapped(spec.output) else text


def reserved(plan: Plan, answer: Answering, chance: random.Random) -> Usage:
    """Run a plan and return what its requests were charged."""
    specs = [spec for spec in plan.program.functions.values() if isinstance(spec, InferSpec)]
    journal = MemoryJournal()

    def respond(request: ModelRequest) -> ModelReply | ModelError:
        system = request.messages[0].blocks[0]
        return answer(next(spec for spec in specs if system.startswith(spec.intent)), request)

    async def no_pause(_: float) -> None: ...

    async def run() -> RunOutcome:
        context = RunContext(
            program=plan.program,
            journal=journal,
            client_for=lambda _: SlowClient(FunctionClient(respond), chance),
            prices=prices(),
            default_model=MODEL,
            reviews=PromptPerson(chance),
            sleep=no_pause,
        )
        with anyio.fail_after(20):
            return await run_program(context, flow=plan.flow, inputs=plan.values, budget=Budget())

    assert anyio.run(run).state in {"completed", "completed_with_failures", "failed", "stopped_limit"}
    return journal.recorded_usage()


@cache
def prices() -> PriceTable:
    return PriceTable.load()


@cache
def corpus_plan(name: str) -> Plan:
    return plan_of(name, PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL))


def worst_without_budgets(plan: Plan) -> tuple[Plan, Usage]:
    """Return the plan and its worst case without the budgets that would stop a run short of it."""
    flows = {name: replace(flow, budget=None) for name, flow in plan.program.flows.items()}
    functions = {
        name: replace(spec, budget=None) if isinstance(spec, InferSpec) else spec
        for name, spec in plan.program.functions.items()
    }
    program = replace(plan.program, flows=flows, functions=functions)
    price_of = {model: price for model in plan.models.values() if (price := prices().price(model))}
    estimate = estimate_program(program, plan.flow, plan.values, price_of=price_of)
    return replace(plan, program=program), estimate.worst


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from([name for name in GOLDEN if name not in REQUESTS]), seed=st.integers(0, 10_000))
def test_no_answer_makes_a_run_reserve_more_than_the_worst_case(name: str, seed: int) -> None:
    plan, worst = worst_without_budgets(corpus_plan(name))

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= worst.calls
    assert used.tokens <= worst.tokens
    assert used.nusd <= worst.nusd


@settings(max_examples=150, deadline=None)
@given(document=st.integers(0, 100_000), seed=st.integers(0, 10_000))
def test_no_document_of_any_verbs_and_modifiers_reserves_more_than_its_worst_case(
    document: int, seed: int
) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(random_document(document), inputs={"t": "a box of é"}, context=context)

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= plan.estimate.worst.calls
    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd


def leaves_requests_out(document: str, plan: Plan) -> bool:
    """Return whether a run may make fewer requests than its worst case, whatever happens."""
    whole = json.loads(document)
    functions = whole["functions"]
    steps = whole["flows"]["main"]["steps"]
    decided = any(
        "race" in step or step.get("parallel", {}).get("require", 0) not in {0, "all"} for step in steps
    )
    agreed = (
        any("debate" in step for step in steps)
        and "refine" in functions["pro"]
        and "refine" in functions["con"]
    )
    return decided or agreed or any("cache" in functions[name] for name in plan.models if name in functions)


def test_the_worst_luck_takes_exactly_the_requests_of_the_worst_case() -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    exact = 0
    for seed in range(100):
        document = random_document(seed)
        plan = build_plan(document, inputs={"t": "a box of é"}, context=context)

        used = reserved_against_the_worst_luck(plan)

        assert used.calls <= plan.estimate.worst.calls
        assert used.tokens <= plan.estimate.worst.tokens
        assert used.nusd <= plan.estimate.worst.nusd
        if not leaves_requests_out(document, plan):
            assert used.calls == plan.estimate.worst.calls, seed
            exact += 1
    assert exact >= 10


CHAIN = """
stratum: "1"
contracts:
  Part: { name: string, weight: float, note: optional<string> }
  Parts: { parts: list<Part>, extra: json }
  Closed: { total: string, shout: string }
functions:
  list_parts: { mode: infer, intent: List the parts, input: { text: string }, output: Parts, max_tokens: 60 }
  weigh:
    mode: infer
    intent: Weigh a part
    input: { part: Part, all: string }
    output: list<float>
    max_tokens: 40
  close:
    mode: infer
    intent: Close the list
    input: { rows: "list<list<float>>", heavy: "list<Part>", extra: json }
    output: string
flows:
  main:
    input: { text: string }
    output: Closed
    steps:
      - { id: listed, function: list_parts, inputs: { text: input.text } }
      - { id: heavy, compute: "sort_by([p for p in listed.parts if p.weight > 2], 'name')" }
      - id: weighed
        for_each: heavy[:5]
        require: 0
        function: weigh
        inputs: { part: item, all: '", ".join([p.name.upper() + str(index) for p in listed.parts])' }
      - { id: closed, function: close, inputs: { rows: weighed, heavy: heavy + listed.parts, extra: listed.extra } }
    return:
      total: closed
      shout: closed.replace("a", input.text).upper()
"""


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_values_made_by_calls_and_expressions_stay_within_their_bounds(seed: int) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(CHAIN, inputs={"text": "a box of é"}, context=context, options=PlanOptions())

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= plan.estimate.worst.calls
    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd


FAILING = """
stratum: "1"
functions:
  try_it: { mode: infer, intent: Try it, input: { t: string }, output: int, retries: 0, max_tokens: 20 }
  use: { mode: infer, intent: Use it, input: { kept: json, nulls: json, one: json }, output: string, retries: 0 }
flows:
  main:
    input: { ts: list<string> }
    output: optional<string>
    steps:
      - { id: kept, for_each: input.ts, function: try_it, inputs: { t: item }, require: 0, on_error: keep }
      - { id: nulls, for_each: input.ts, function: try_it, inputs: { t: item }, require: 0, on_error: none }
      - { id: one, function: try_it, inputs: { t: "'x'" }, on_error: none }
      - { id: used, function: use, inputs: { kept: kept, nulls: nulls, one: one }, on_error: none }
    return: used
"""


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_failed_items_leave_stays_within_its_bound(seed: int) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(FAILING, inputs={"ts": ["a", "b", "c", "d"]}, context=context)

    used = reserved_by_a_run(plan, seed)

    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd
