"""`debate`: agents argue in rounds until they agree or the rounds are over, then one function concludes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast

from stratum_core.authoring._analysis import check_agreement
from stratum_core.authoring._calls import first_of, prepared
from stratum_core.authoring._human import Desk
from stratum_core.authoring._infer import InferFunction
from stratum_core.authoring._session import as_raised, session_of
from stratum_core.contracts import (
    JsonValue,
    OpaqueType,
    OptionalType,
    RecordType,
    Type,
    assignable,
    describe,
    without_opaque,
)
from stratum_core.errors import RunStopped, StratumCompileError
from stratum_core.llm import has_opaque
from stratum_core.runtime import run_debate
from stratum_core.specs import DebateVerb, InferSpec, Program

__all__ = ["DebateOutcome", "debate", "debate_outcome"]

R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)

_TOPIC = "topic"
_MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateOutcome(Generic[T_co]):
    """The conclusion of a debate, and whether everybody came to it."""

    value: T_co
    """What the synthesizer concluded."""
    converged: bool
    """Whether the agents agreed before the rounds were over."""


async def debate(
    agents: Sequence[InferFunction[..., object]],
    topic: object,
    *,
    rounds: int = 2,
    synthesize: InferFunction[..., R],
    agree_on: str | None = None,
    unresolved: Literal["synthesize", "human", "fail"] = "synthesize",
) -> R:
    """Let agents argue, each round seeing the rounds before, and return the conclusion.

    Each agent takes `topic` and `arguments`: None in the first round, then a list of
    `{"agent": ..., "round": ..., "argument": ...}`. The synthesizer takes `topic`, `arguments` and `converged`. A field
    `converged` of its answer is set to what is the case.

    Args:
        agents: At least two infer functions; one may stand there more than once.
        topic: What they argue about, of the type their `topic` has.
        rounds: At most so many, 1 to 8; fewer once they agree.
        synthesize: The infer function that concludes; its result is a contract.
        agree_on: The field of the agents' answers that has to be equal; None: the whole answer.
        unresolved: Without agreement: conclude all the same, ask a person whose position counts, or fail. Where the
            conclusion has the field `agree_on`, it holds what the person decided.

    Raises:
        StratumCompileError: The functions do not fit together.
        StepFailed: The agents did not agree and `unresolved` is `fail`.
        StratumError: A call failed.
    """
    outcome = await debate_outcome(
        agents,
        topic,
        rounds=rounds,
        synthesize=synthesize,
        agree_on=agree_on,
        unresolved=unresolved,
    )
    return outcome.value


async def debate_outcome(
    agents: Sequence[InferFunction[..., object]],
    topic: object,
    *,
    rounds: int = 2,
    synthesize: InferFunction[..., R],
    agree_on: str | None = None,
    unresolved: Literal["synthesize", "human", "fail"] = "synthesize",
) -> DebateOutcome[R]:
    """Do what `debate` does, and also tell whether the agents agreed: for contracts without a field `converged`."""
    functions = (*agents, synthesize)
    _check(agents, synthesize, rounds)
    if agree_on is not None:
        check_agreement(agree_on, agents[0].spec.output, where="debate")
    names = _names(functions)
    specs = dict(zip(names, (function.spec for function in functions), strict=True))
    parts = {name: part for function in functions for name, part in function.program.functions.items()}
    program = Program(functions={**parts, **specs})
    codec = next(part.codec for part in synthesize.signature.parameters if part.name == _TOPIC)
    verb = DebateVerb(
        agents=names[:-1],
        topic=_Topic(type=codec.type),
        rounds=rounds,
        agree_on=agree_on,
        synthesize=names[-1],
        unresolved=unresolved,
    )
    _check_decided(verb, agents[0], synthesize)
    async with session_of() as session:
        path = session.next_place("debate", (names, topic))
        context = await prepared(session, list(specs.values()), program)
        context.reviews = Desk(session=session)
        try:
            verdict = await run_debate(context, verb, {_TOPIC: codec.dump(topic)}, path, session.meter)
        except RunStopped as stop:
            raise as_raised(stop) from None
        except ExceptionGroup as several:
            raise first_of(several) from None
    value = cast("R", synthesize.signature.output.load(_own_fields(verdict, synthesize.spec)))
    return DebateOutcome(value=value, converged=isinstance(verdict, Mapping) and verdict["converged"] is True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    """The topic as the debate's expression: the value itself."""

    type: Type
    source: str = _TOPIC
    canonical: str = _TOPIC
    names: frozenset[str] = frozenset({_TOPIC})
    reads: frozenset[tuple[str, ...]] = frozenset({(_TOPIC,)})

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        """Return the topic."""
        return values[_TOPIC]


def _own_fields(verdict: JsonValue, spec: InferSpec) -> JsonValue:
    """Return the conclusion without `converged`, where its contract has no such field."""
    output = without_opaque(spec.output)
    if not isinstance(output, RecordType) or not isinstance(verdict, Mapping):
        return verdict
    return {name: value for name, value in verdict.items() if name in output.field_names}


def _check(
    agents: Sequence[InferFunction[..., object]], synthesize: InferFunction[..., object], rounds: int
) -> None:
    """Refuse functions a debate cannot be held with."""
    if len(agents) < 2 or not 1 <= rounds <= _MOST_ROUNDS:  # noqa: PLR2004 - nobody debates alone
        raise StratumCompileError(
            f"debate: {len(agents)} agents in {rounds} rounds",
            remedy="name two or more agents, and 1 to 8 rounds",
        )
    for function in agents:
        _require(function, (_TOPIC, "arguments"))
    _require(synthesize, (_TOPIC, "arguments", "converged"))
    _keep_marks(agents, synthesize)
    if not isinstance(without_opaque(synthesize.spec.output), RecordType):
        raise StratumCompileError(
            f"debate: {synthesize.signature.where} does not return a contract",
            remedy="let the synthesizer return a @contract",
        )


def _require(function: InferFunction[..., object], names: tuple[str, ...]) -> None:
    """Refuse a function that takes something else, or gives samples instead of an answer."""
    taken = [parameter.name for parameter in function.signature.parameters]
    if sorted(taken) != sorted(names):
        raise StratumCompileError(
            f"debate: {function.signature.where} takes {', '.join(taken) or 'nothing'}, not {', '.join(names)}",
            remedy="an agent takes topic and arguments; the synthesizer takes converged, too",
        )
    if not function.spec.stable:
        raise StratumCompileError(
            f"debate: {function.signature.where} gives samples", remedy="take stable=False out"
        )


def _keep_marks(agents: Sequence[InferFunction[..., object]], synthesize: InferFunction[..., object]) -> None:
    """Refuse plain arguments where agents answer with opaque parts: these would stand among the instructions."""
    source = next((agent for agent in agents if has_opaque(agent.spec.output)), None)
    if source is None:
        return
    for function in (*agents, synthesize):
        kind = next(one.type for one in function.spec.inputs if one.name == "arguments")
        if not isinstance(kind.inner if isinstance(kind, OptionalType) else kind, OpaqueType):
            raise StratumCompileError(
                f"debate: {source.signature.where} answers with opaque parts, but {function.signature.where} takes "
                f"`arguments` as plain {describe(kind)}",
                remedy="write `arguments: opaque[JsonValue]`",
            )


def _check_decided(
    verb: DebateVerb, agent: InferFunction[..., object], synthesize: InferFunction[..., object]
) -> None:
    """Refuse a conclusion that could not hold what a person decides, or would take its mark off."""
    position = without_opaque(agent.spec.output)
    wanted = verb.decided_field(synthesize.spec.output)
    given = position.field(wanted.name) if wanted is not None and isinstance(position, RecordType) else None
    if wanted is None or given is None:
        return
    where, name = synthesize.signature.where, wanted.name
    if not assignable(given.type, wanted.type):
        raise StratumCompileError(
            f"debate: {where} gives `{name}` as {describe(wanted.type)}, but the agents agree on it as "
            f"{describe(given.type)}",
            remedy="give both the same type, or the conclusion another name: it holds what a person decides",
        )
    if has_opaque(given.type) and not has_opaque(wanted.type):
        raise StratumCompileError(
            f"debate: `{name}` of the agents is opaque, but {where} gives it as plain {describe(wanted.type)}",
            remedy=f"write `{name}: opaque[...]` there, too: it holds what a person decides",
        )


def _names(functions: Sequence[InferFunction[..., object]]) -> tuple[str, ...]:
    """Return a name for each function: the same for the same definition, different ones for different ones."""
    known: dict[str, InferSpec] = {}
    names: list[str] = []
    for function in functions:
        name, number = function.spec.name, 1
        while known.setdefault(name, function.spec) is not function.spec:
            number += 1
            name = f"{function.spec.name}_{number}"
        names.append(name)
    return tuple(names)
