"""Verbs of several calls: what their values may be, and what running them together costs.

Every branch, round and vote may run to its end, so the worst case is their sum. What is cancelled while it is in
flight stays charged at its reservation, and so it counts in the likely figure too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateTimeType,
    Field,
    ListType,
    OptionalType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.plan._cost import FREE, Cost, Times
from stratum_core.plan._priors import STILL_ARGUING
from stratum_core.plan._rules import record_shape, shape_of
from stratum_core.plan._sizes import (
    BOOL,
    NUMBER,
    Known,
    Shape,
    Unknown,
    bare,
    field_of,
    fit,
    join_shapes,
    list_shape,
    size_of,
    typed,
)
from stratum_core.plan._walked import Env, Walked
from stratum_core.specs import DebateVerb, HumanVerb, InferSpec, ParallelVerb, RaceVerb

__all__ = ["HUMAN_ANSWER_BYTES", "HUMAN_NOTE_BYTES", "debated", "decided", "joined"]

HUMAN_ANSWER_BYTES = 20_000
"""The most bytes of JSON of a person's answer."""

HUMAN_NOTE_BYTES = 4_000
"""The most bytes of JSON of a person's reasons, and of a person's name."""

_LIKELY_NOTE_BYTES = 60
_CONVERGED_BYTES = len('"converged":false,')
_LIST = ListType(item=AnyType())

Ask = Callable[[InferSpec, Env, Times], Walked]
"""Follows one model call so many times."""


def joined(verb: ParallelVerb | RaceVerb, branches: Mapping[str, Walked], env: Env) -> Walked:
    """Return what branches that run together give.

    Raises:
        ExpressionError: `validate` reads known values only and fails.
    """
    wanted = _winners(verb)
    alive = {name: walked for name, walked in branches.items() if not walked.failure}
    cost = _together([walked.cost for walked in branches.values()], wanted or len(branches))
    if len(alive) < wanted:
        reason = next(walked.failure for walked in branches.values() if walked.failure)
        return Walked(shape=Known(None), cost=cost, failure=reason)
    sure = sum(not walked.may_fail for walked in alive.values())
    shape = _value(verb, branches)
    checked = Walked(shape=shape, cost=cost, may_fail=sure < wanted)
    if isinstance(verb, RaceVerb) or verb.validate is None:
        return checked
    held = shape_of(verb.validate, {**env, "results": shape})
    if isinstance(held, Known) and held.value is False:
        return Walked(
            shape=Known(None), cost=cost, failure=f"`{verb.validate.source}` is false for its results"
        )
    return Walked(shape=shape, cost=cost, may_fail=checked.may_fail or not isinstance(held, Known))


def _winners(verb: ParallelVerb | RaceVerb) -> int:
    """Return how many branches must succeed."""
    if isinstance(verb, RaceVerb) or verb.require == "any":
        return 1
    return len(verb.branches) if verb.require == "all" else verb.require


def _value(verb: ParallelVerb | RaceVerb, branches: Mapping[str, Walked]) -> Shape:
    """Return what bounds the value of branches of which enough can succeed."""
    alive = [walked.shape for walked in branches.values() if not walked.failure]
    if isinstance(verb, RaceVerb) or verb.require == "any":
        return join_shapes(alive)
    if verb.require == "all":
        return record_shape({name: walked.shape for name, walked in branches.items()})
    if verb.require == 0:
        return record_shape({name: _or_null(walked) for name, walked in branches.items()})
    return list_shape([join_shapes(alive)] * verb.require, _LIST)


def _or_null(walked: Walked) -> Shape:
    """Return what a branch leaves in a record of those that succeeded."""
    if walked.failure:
        return Known(None)
    return join_shapes([walked.shape, Known(None)]) if walked.may_fail else walked.shape


def _together(costs: Sequence[Cost], winners: int) -> Cost:
    """Add up branches of which the last to be needed cancels the rest."""
    total = sum(costs, FREE)
    if winners >= len(costs):
        return total
    share = winners / len(costs)
    lost = sum(_in_flight(cost) for cost in costs)
    return Cost(
        total.worst,
        likely=total.likely * share + lost * (1 - share),
        low=total.low,
        high=max(total.high, total.high * share + lost),
        tokens=total.tokens,
        calls=total.calls,
        most_calls=total.most_calls,
        attempt=total.attempt,
    )


def _in_flight(cost: Cost) -> float:
    """Return what one request of many is reserved at, which is what a cancelled one is charged."""
    return cost.worst.nusd / cost.worst.calls if cost.worst.calls else 0.0


def decided(verb: HumanVerb) -> Walked:
    """Return what a person's decision looks like; it costs nothing, and may never come."""
    text = OptionalType(StringType())
    return Walked(
        shape=record_shape(
            {
                "value": typed(verb.answer, most=HUMAN_ANSWER_BYTES, likely=_LIKELY_NOTE_BYTES),
                "reviewer": typed(text, most=HUMAN_NOTE_BYTES, likely=_LIKELY_NOTE_BYTES),
                "rationale": typed(text, most=HUMAN_NOTE_BYTES, likely=_LIKELY_NOTE_BYTES),
                "decided_at": typed(DateTimeType()),
            }
        ),
        may_fail=True,
    )


def debated(
    verb: DebateVerb,
    functions: Mapping[str, InferSpec],
    topic: Shape,
    ask: Ask,
    times: Times,
    *,
    usual_rounds: float | None,
) -> Walked:
    """Follow a debate through all its rounds; each later one hears all that was said before.

    `usual_rounds` is how many earlier runs took, None where there was none.

    Raises:
        ContractViolation: The topic is known and does not fit an agent.
    """
    cost, said, answers = FREE, list[Shape](), dict[str, Shape]()
    for number in range(1, verb.rounds + 1):
        heard = Known(None) if number == 1 else list_shape(said, _LIST)
        held = STILL_ARGUING ** (number - 1) if usual_rounds is None else _held(number, usual_rounds)
        share = Times(1, held, float(number == 1), 1)
        for agent, name in zip(verb.agents, verb.names, strict=True):
            side = functions[agent]
            walked = ask(side, _fitted(side, {"topic": topic, "arguments": heard}), times * share)
            if walked.failure:
                return Walked(shape=Known(None), cost=cost, failure=walked.failure)
            cost = cost + walked.cost * share
            answers[name] = walked.shape
            said.append(_argument(name, walked.shape))
    if verb.unresolved == "human":
        said.append(_argument("person", _persons_word(verb, answers)))
    conclusion = functions[verb.synthesize]
    given = {"topic": topic, "arguments": list_shape(said, _LIST), "converged": BOOL}
    walked = ask(conclusion, _fitted(conclusion, given), times)
    if walked.failure:
        return Walked(shape=Known(None), cost=cost, failure=walked.failure)
    decided = _decided(verb, conclusion, walked.shape, answers)
    shape = _with_converged(walked.shape, conclusion.output, decided)
    return Walked(shape=shape, cost=cost + walked.cost, may_fail=True)


def _held(number: int, usual: float) -> float:
    """Return how often a round is held when so many are usual."""
    return max(0.0, min(1.0, usual - (number - 1)))


def _fitted(spec: InferSpec, given: Env) -> dict[str, Shape]:
    """Return the arguments of one who takes part, checked against the types of the inputs."""
    return {part.name: fit(given.get(part.name, Known(None)), part.type) for part in spec.inputs}


def _argument(agent: str, shape: Shape) -> Shape:
    """Return one entry of what was said."""
    return record_shape({"agent": Known(agent), "round": NUMBER, "argument": shape})


def _persons_word(verb: DebateVerb, answers: Env) -> Shape:
    """Return what a person asked to decide may answer: one of the positions, or the name of a side."""
    names: list[Shape] = [Known(name) for name in answers]
    if verb.agree_on is None:
        return join_shapes(names)
    return join_shapes([*names, *(field_of(answer, verb.agree_on) for answer in answers.values())])


def _decided(verb: DebateVerb, conclusion: InferSpec, answer: Shape, answers: Env) -> dict[str, Shape]:
    """Return the field a person may decide, by its name: as long as the synthesizer's own or any agent's."""
    field = verb.decided_field(conclusion.output)
    if field is None:
        return {}
    sizes = [size_of(field_of(said, field.name)) for said in (answer, *answers.values())]
    most, likely = max(most for most, _ in sizes), max(likely for _, likely in sizes)
    return {field.name: typed(field.type, most=most, likely=likely)}


def _with_converged(answer: Shape, output: Type, decided: Env) -> Shape:
    """Return the synthesizer's record with `converged` in it, and with what a person may decide."""
    kind = bare(output)
    own = [part for part in kind.fields if part.name != "converged"] if isinstance(kind, RecordType) else []
    most, likely = size_of(answer)
    most += sum(size_of(shape)[0] for shape in decided.values())
    return Unknown(
        type=RecordType(
            name=kind.name if isinstance(kind, RecordType) else "",
            fields=(*own, Field(name="converged", type=BoolType())),
        ),
        most=most + _CONVERGED_BYTES,
        likely=likely + _CONVERGED_BYTES,
        fields={**{part.name: field_of(answer, part.name) for part in own}, **decided, "converged": BOOL},
    )
