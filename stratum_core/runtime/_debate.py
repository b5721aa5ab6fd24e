"""The debate: agents argue in rounds until they agree or the rounds are over, then one function concludes.

The agents of a round argue at the same time and see only earlier rounds, so what they are told does not depend on
timing. Whether they agree follows from their answers, which are on record: a resumed debate takes the same way. What a
person decides because they did not agree stands in the conclusion, whatever the synthesizer says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from stratum_core.budget import Meter
from stratum_core.contracts import EnumType, JsonValue, canonical_json
from stratum_core.errors import StepFailed
from stratum_core.journal import debate_place
from stratum_core.llm import has_opaque
from stratum_core.runtime._branches import Branches, run_branches
from stratum_core.runtime._calls import call_function, checked
from stratum_core.runtime._context import RunContext, Scope, evaluate
from stratum_core.runtime._human import ask_person
from stratum_core.runtime._narrow import narrowed
from stratum_core.specs import DebateVerb, FunctionSpec, InferSpec

__all__ = ["run_debate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Debate:
    """One debate and what it needs to make its calls."""

    context: RunContext
    verb: DebateVerb
    topic: JsonValue
    path: str
    meter: Meter


async def run_debate(
    context: RunContext, verb: DebateVerb, scope: Scope, path: str, meter: Meter
) -> JsonValue:
    """Hold a debate and return the synthesizer's record with `converged` in it.

    Raises:
        StepFailed: The agents did not agree and `unresolved` is `fail`.
        StratumError: An agent, the synthesizer or the question to the person failed.
        RunStopped: The run ends.
    """
    topic = await evaluate(verb.topic, scope)
    debate = _Debate(context=context, verb=verb, topic=topic, path=path, meter=meter)
    arguments: list[JsonValue] = []
    outputs: list[JsonValue] = []
    converged, held = False, 0
    for number in range(1, verb.rounds + 1):
        held = number
        outputs = await _hold_round(debate, number, arguments)
        arguments.extend(
            {"agent": name, "round": number, "argument": output}
            for name, output in zip(debate.verb.names, outputs, strict=True)
        )
        converged = len({canonical_json(_position(verb, output)) for output in outputs}) == 1
        if converged:
            break
    context.tally.step(debate_place(verb), "debate", held)
    conclusion = context.program.functions[verb.synthesize]
    if not converged and (said := await _unresolved(debate, outputs)) is not None:
        arguments.append({"agent": "person", "argument": said.position})
        conclusion = _bound(debate, conclusion, said)
    heard: dict[str, JsonValue] = {"arguments": arguments, "converged": converged}
    verdict = await _take_part(debate, context, conclusion, heard, f"{path}/synthesize")
    return {**cast("Mapping[str, JsonValue]", verdict), "converged": converged}


async def _hold_round(debate: _Debate, number: int, arguments: Sequence[JsonValue]) -> list[JsonValue]:
    """Let every agent argue once and return their outputs in the order of the agents."""
    heard: dict[str, JsonValue] = {"arguments": list(arguments) or None}

    async def argue(within: RunContext, agent: int, at: str) -> JsonValue:
        function = within.program.functions[debate.verb.agents[agent]]
        return await _take_part(debate, within, function, heard, at)

    branches = Branches(names=debate.verb.names, run=argue, needed=len(debate.verb.names))
    path = f"{debate.path}/r{number}"
    done = await run_branches(debate.context, branches, path=path, meter=debate.meter)
    return list(done.values.values())


async def _take_part(
    debate: _Debate, context: RunContext, function: FunctionSpec, heard: Mapping[str, JsonValue], at: str
) -> JsonValue:
    """Call an agent or the synthesizer on the topic."""
    wanted = next(parameter.type for parameter in function.inputs if parameter.name == "topic")
    topic = narrowed(debate.topic, debate.verb.topic.type, wanted)
    return await call_function(context, function, {"topic": topic, **heard}, at, debate.meter)


def _position(verb: DebateVerb, output: JsonValue) -> JsonValue:
    """Return the part of an agent's output that has to agree."""
    return output.get(verb.agree_on) if verb.agree_on and isinstance(output, Mapping) else output


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What a person said when the agents did not agree."""

    position: JsonValue
    """The value of the agreed field they chose; without such a field the name of an agent."""


def _bound(debate: _Debate, conclusion: FunctionSpec, word: _Word) -> FunctionSpec:
    """Return the synthesizer with the agreed field as the person decided it, where its contract has that field.

    Raises:
        ContractViolation: The field cannot hold what they chose; nothing was asked.
    """
    field = debate.verb.decided_field(conclusion.output)
    if field is None or not isinstance(conclusion, InferSpec):
        return conclusion
    where = f"{debate.path}: the person's answer as `{field.name}` of `{conclusion.name}`"
    return replace(conclusion, fixed={field.name: checked(field.type, word.position, where)})


async def _unresolved(debate: _Debate, outputs: Sequence[JsonValue]) -> _Word | None:
    """Return a person's word because the agents did not agree; None: they are not asked.

    Raises:
        StepFailed: `unresolved` is `fail`.
    """
    if debate.verb.unresolved == "fail":
        raise StepFailed(
            f"{debate.path}: the agents did not agree after {debate.verb.rounds} rounds",
            remedy="allow more rounds, or choose another `unresolved`",
            detail={"rounds": debate.verb.rounds, "last": list(outputs)},
        )
    return await _ask(debate, outputs) if debate.verb.unresolved == "human" else None


async def _ask(debate: _Debate, outputs: Sequence[JsonValue]) -> _Word:
    """Show a person the last positions and return the one that should count."""
    positions: dict[str, JsonValue] = {name: name for name in debate.verb.names}
    if debate.verb.agree_on is not None:
        values = [_position(debate.verb, output) for output in outputs]
        positions = {value if isinstance(value, str) else canonical_json(value): value for value in values}
    options = tuple(positions)
    shown: dict[str, JsonValue] = {
        "topic": debate.topic,
        **dict(zip(debate.verb.names, outputs, strict=True)),
    }
    decision = await ask_person(
        debate.context,
        "The agents do not agree. Which position should count?",
        shown,
        options,
        EnumType(options),
        path=f"{debate.path}/person",
        timeout_s=None,
        on_timeout=None,
        opaque=list(shown) if has_opaque(debate.verb.topic.type) else [],
    )
    return _Word(position=positions[str(decision["value"])])
