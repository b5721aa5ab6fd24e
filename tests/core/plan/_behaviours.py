"""Models that misbehave in every way a provider can, a wordy person, and what a run against them is charged.

`reserved_by_a_run` is random trouble; `WorstLuck` makes every call need every request it may make. Both return what the
run was charged, so that it can be held against the worst case of its plan.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import anyio
from anyio.lowlevel import checkpoint

from stratum_core.budget import Budget, Usage
from stratum_core.contracts import (
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonValue,
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
    TokenUsage,
    is_wrapped,
    prompt_tokens_bound,
    request_bytes,
)
from stratum_core.plan import Plan
from stratum_core.plan._cost import attempt_worst
from stratum_core.plan._sizes import json_bytes
from stratum_core.runtime import RunContext, RunOutcome, run_program
from stratum_core.specs import InferSpec
from stratum_core.testing import FunctionClient
from tests.core.plan.conftest import MODEL, NOW

__all__ = ["WorstLuck", "prices", "raw_value", "reserved_by_a_run"]

_WRONG = '{"kind":"q","note":5,"text":7,"tags":[' + ",".join(["1"] * 60) + ",2]}"
"""Breaks so many rules that the block with what was wrong is as long as it may be."""
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


@dataclass(frozen=True, slots=True)
class Mood:
    """How often what goes wrong in one run; each run has its own."""

    lost: float
    refused: float
    closed: float
    nonsense: float
    cut: float
    counts: float

    @classmethod
    def drawn(cls, chance: random.Random) -> Mood:
        """Draw one: most runs are bad, in some hardly anything goes well."""
        terror = chance.choice([0.3, 1.0, 2.5, 6.0])
        return cls(
            lost=0.1 * terror,
            refused=0.04 * terror,
            closed=0.003 * terror,
            nonsense=0.15 * terror,
            cut=0.03 * terror,
            counts=chance.random(),
        )


def trouble(mood: Mood, chance: random.Random) -> ModelError | None:
    """Return what a request now and then ends in instead of an answer."""
    dice = chance.random()
    if dice < mood.lost:
        free = chance.random() < 0.3
        return TransportError("lost on the way", detail={"paid": "no"} if free else {})
    dice -= mood.lost
    if dice < mood.refused:
        return chance.choice(
            [BadRequestError("not so", detail={"paid": "no"}), ModelRefusal("would rather not")]
        )
    return QuotaError("nothing left", detail={"paid": "no"}) if dice < mood.refused + mood.closed else None


def counts(request: ModelRequest, chance: random.Random) -> TokenUsage:
    """Return what a provider may count at most: all that was reserved, in one of its kinds of tokens, or less."""
    most = prompt_tokens_bound(request_bytes(request))
    share = chance.choice([1.0, chance.random()])
    prompt, answer = round(most * share), round(request.max_tokens * share)
    kind = chance.choice(["input", "cache_read", "cache_write"])
    return TokenUsage(
        input_tokens=prompt,
        output_tokens=answer,
        cache_read_tokens=prompt if kind == "cache_read" else 0,
        cache_write_tokens=prompt if kind == "cache_write" else 0,
    )


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
    mood = Mood.drawn(chance)

    def answer(spec: InferSpec, request: ModelRequest) -> ModelReply | ModelError:
        failed = trouble(mood, chance)
        if failed is not None:
            return failed
        counted = counts(request, chance) if chance.random() < mood.counts else None
        if chance.random() < mood.nonsense:
            return reply(request, chance.choice(["nonsense", _WRONG]), usage=counted)
        dice = chance.random()
        finish = "length" if dice < mood.cut else "refusal" if dice < mood.cut + mood.refused else "stop"
        return reply(request, long_answer(spec, request, chance), finish, usage=counted)

    return reserved(plan, answer, chance)


@dataclass(slots=True, kw_only=True)
class WorstLuck:
    """Models that make every call need every request it may make, while sides never agree.

    Attributes:
        planned: What the plan has set aside for the requests that came, when all inputs are `value`.
    """

    plan: Plan
    value: JsonValue = None
    at_last: bool = True
    """Whether the last request of a call succeeds; else every call fails after all its requests."""
    planned: Usage = field(default_factory=Usage)

    def run(self) -> Usage:
        """Run the plan and return what was charged."""
        return reserved(self.plan, self._answer, random.Random(1))  # noqa: S311 - a repeatable test

    def _answer(self, spec: InferSpec, request: ModelRequest) -> ModelReply | ModelError:
        """Answer one request by its number in its call."""
        path, _, number = request.idempotency_key.rpartition("#")
        attempt = int(number)
        self._set_aside(spec, attempt)
        if attempt < TRANSPORT_RETRIES:
            return TransportError("lost on the way")
        if attempt < TRANSPORT_RETRIES + len(spec.fallbacks):
            return ModelRefusal("would rather not")
        if not self.at_last or attempt < TRANSPORT_RETRIES + len(spec.fallbacks) + spec.retries:
            return reply(request, _WRONG)
        good = spec.name == "pro" and not self._refined("con")
        if spec.refine is not None:
            good = int(path.rpartition("/it")[2].partition("/")[0]) == spec.refine.max_iterations
        text = long_answer(spec, request, random.Random(attempt))  # noqa: S311 - a repeatable test
        text = text.replace('"kind":"a"', '"kind":"b"')
        return reply(request, text.replace('"kind":"b"', '"kind":"a"') if good else text)

    def _refined(self, name: str) -> bool:
        spec = self.plan.program.functions.get(name)
        return isinstance(spec, InferSpec) and spec.refine is not None

    def _set_aside(self, spec: InferSpec, attempt: int) -> None:
        """Add what the plan counts for a request of this number."""
        models = (spec.model or MODEL, *spec.fallbacks)
        known = [price for model in models if (price := prices().price(model)) is not None]
        told = 0 if spec.refine is None else 1
        blocks = told + 1 if attempt else told
        self.planned += attempt_worst(spec, known, json_bytes(self.value), blocks=blocks)


def reply(
    request: ModelRequest, text: str, finish: FinishReason = "stop", *, usage: TokenUsage | None = None
) -> ModelReply:
    """Return a reply; without counts its call is charged all that was reserved for it."""
    return ModelReply(text=text, usage=usage, finish=finish, model=request.model)


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

    ended = anyio.run(run)
    assert ended.state in {
        "completed",
        "completed_with_failures",
        "failed",
        "stopped_budget",
        "stopped_limit",
    }, ended.error
    return journal.recorded_usage()


@cache
def prices() -> PriceTable:
    return PriceTable.load()
