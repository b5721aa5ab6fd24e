"""Rules about debates: the signatures of agents and synthesizer, and what they agree on."""

from __future__ import annotations

from stratum_core.checks._context import Context
from stratum_core.checks._flow_scope import FlowScope
from stratum_core.checks._names import report_unknown
from stratum_core.checks._opaque import Argument, check_argument, has_opaque
from stratum_core.checks._outcomes import VerbOutcome
from stratum_core.checks._quorum import check_agreement
from stratum_core.checks._signatures import ANY, Signature
from stratum_core.contracts import (
    AnyType,
    BoolType,
    Field,
    JsonType,
    OpaqueType,
    OptionalType,
    RecordType,
    Type,
    assignable,
    describe,
    without_opaque,
)
from stratum_core.ir import ComputeFunction, Debate, InferFunction, Invalid, Path
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import DebateVerb

__all__ = ["check_debate"]

_AGENT = ("topic", "arguments")
_SYNTHESIZER = ("topic", "arguments", "converged")


def check_debate(context: Context, path: Path, debate: Debate, scope: FlowScope) -> VerbOutcome:
    """Report what is wrong with a debate."""
    topic = scope.compile((*path, "topic"), debate.topic)
    called: list[Signature] = []
    for index, name in enumerate(debate.agents):
        agent = _function(context, (*path, "agents", index), name)
        if agent is not None and _has_signature(context, (*path, "agents", index), agent, _AGENT):
            called.append(agent)
            scope.calls.append((agent, (*path, "agents", index)))
            _check_topic(context, scope, (*path, "agents", index), agent, topic)
    _check_outputs(context, path, debate, called)
    synthesizer = _function(context, (*path, "synthesize"), debate.synthesize)
    if synthesizer is not None and _has_signature(context, (*path, "synthesize"), synthesizer, _SYNTHESIZER):
        called.append(synthesizer)
        scope.calls.append((synthesizer, (*path, "synthesize")))
        _check_topic(context, scope, (*path, "synthesize"), synthesizer, topic)
    verb = None
    _check_arguments(context, path, debate, called)
    if topic is not None and len(called) == len(debate.agents) + 1:
        *agents, conclusion = (signature.name for signature in called)
        verb = DebateVerb(
            agents=tuple(agents),
            topic=topic,
            rounds=debate.rounds,
            agree_on=debate.agree_on,
            synthesize=conclusion,
            unresolved=debate.unresolved,
        )
        _check_decided(context, path, verb, called)
    kind = ANY if synthesizer is None else _verdict(context, (*path, "synthesize"), synthesizer)
    return VerbOutcome(verb=verb, type=kind, tainted=topic is not None and scope.taint.taints(topic))


def _function(context: Context, path: Path, name: str | Invalid) -> Signature | None:
    """Return an infer function by name, reporting any other."""
    if isinstance(name, Invalid):
        return None
    functions = context.document.functions
    if name not in functions:
        infers = [known for known, function in functions.items() if not isinstance(function, ComputeFunction)]
        report_unknown(context.findings, path, kind="function", name=name, known=infers)
        return None
    if isinstance(functions[name], ComputeFunction):
        context.findings.add(
            "E317",
            path,
            f"`{name}` is a compute function; a debate is held by infer functions",
            suggestion="name an infer function",
        )
        return None
    function = functions[name]
    if isinstance(function, InferFunction) and not function.stable:
        context.findings.add(
            "E317",
            path,
            f"`{name}` is `stable: false`, so it gives samples; a debate is held by functions that give an answer",
            suggestion="take `stable: false` out, or name another function",
        )
        return None
    return context.signatures.functions[name]


def _has_signature(context: Context, path: Path, function: Signature, wanted: tuple[str, ...]) -> bool:
    """Report inputs a debate does not give, or does not give in that type; return whether all are right."""
    if function.inputs is None:
        return True
    is_agent = wanted == _AGENT
    missing = [name for name in wanted if name not in function.inputs]
    extra = [name for name in function.required if name not in wanted]
    wrong = [name for name in wanted if not _accepts(function.inputs.get(name, ANY), name, is_agent=is_agent)]
    if not missing and not extra and not wrong:
        return True
    faults = [f"has no `{name}`" for name in missing]
    faults += [f"also needs `{name}`" for name in extra]
    faults += [f"takes `{name}` as {describe(function.inputs[name])}" for name in wrong]
    context.findings.add(
        "E329",
        path,
        f"`{function.name}` {', '.join(faults)}",
        suggestion="a debate agent takes exactly topic and arguments: optional<json>"
        if is_agent
        else "the synthesizer takes exactly topic, arguments: json and converged: bool",
    )
    return False


def _accepts(kind: Type, name: str, *, is_agent: bool) -> bool:
    """Return whether a parameter can hold what a debate passes under its name."""
    bare = without_opaque(kind)
    if name == "topic" or isinstance(bare, AnyType):
        return True
    if name == "converged":
        return isinstance(bare, BoolType)
    # Before the first round there are no arguments, so an agent's parameter must take null; `json` does.
    inner = without_opaque(bare.inner) if isinstance(bare, OptionalType) else bare
    return isinstance(inner, JsonType) and (is_agent or inner is bare)


def _check_topic(
    context: Context,
    scope: FlowScope,
    path: Path,
    function: Signature,
    topic: CompiledExpression | None,
) -> None:
    """Report a topic that does not fit the parameter, or must not go there."""
    wanted = (function.inputs or {}).get("topic")
    if topic is None or wanted is None:
        return
    if not assignable(topic.type, wanted):
        context.findings.add(
            "E329",
            path,
            f"`{function.name}` takes `topic: {describe(wanted)}`, but the topic is {describe(topic.type)}",
            suggestion=f"declare its topic as {describe(topic.type)}, or give another topic",
        )
        return
    argument = Argument(target=function, name="topic", wanted=wanted, given=topic)
    check_argument(context, scope.taint, path, argument)


def _check_outputs(context: Context, path: Path, debate: Debate, agents: list[Signature]) -> None:
    """Report agents that argue in different forms, and an agreement on what they do not say."""
    if not agents:
        return
    first = agents[0]
    for agent in agents[1:]:
        if agent.output != first.output and not isinstance(agent.output, AnyType):
            context.findings.add(
                "E329",
                (*path, "agents", debate.agents.index(agent.name)),
                f"`{agent.name}` returns {describe(agent.output)}, but `{first.name}` returns {describe(first.output)}",
                suggestion="let all agents return the same contract",
            )
    if debate.agree_on is not None:
        check_agreement(context, (*path, "agree_on"), debate.agree_on, first.output)


def _check_arguments(context: Context, path: Path, debate: Debate, called: list[Signature]) -> None:
    """Report who would read opaque parts of what agents said as plain arguments.

    Args:
        context: Where findings go.
        path: The debate.
        debate: The verb.
        called: Its agents, and its synthesizer last.
    """
    source = next((one for one in called if one.name in debate.agents and has_opaque(one.output)), None)
    if source is None:
        return
    for function in {one.name: one for one in called}.values():
        wanted = (function.inputs or {}).get("arguments", ANY)
        bare = wanted.inner if isinstance(wanted, OptionalType) else wanted
        if not isinstance(bare, (OpaqueType, AnyType)):
            context.findings.add(
                "E404",
                path,
                f"`{source.name}` answers with opaque parts, but `{function.name}` takes `arguments` as plain "
                f"{describe(wanted)}",
                suggestion=f"declare the parameter `arguments` of {function.name} as opaque<{describe(wanted)}>",
            )


def _check_decided(context: Context, path: Path, verb: DebateVerb, called: list[Signature]) -> None:
    """Report a conclusion that could not hold what a person decides, or would take its mark off.

    Args:
        context: Where findings go.
        path: The debate.
        verb: The verb.
        called: Its agents, and its synthesizer last.
    """
    position = without_opaque(called[0].output)
    wanted = verb.decided_field(called[-1].output)
    given = position.field(wanted.name) if wanted is not None and isinstance(position, RecordType) else None
    if wanted is None or given is None:
        return
    name, agent, conclusion = wanted.name, called[0].name, called[-1].name
    if not assignable(given.type, wanted.type):
        context.findings.add(
            "E329",
            (*path, "agree_on"),
            f"`{name}` is what a person decides, and `{conclusion}` has it as {describe(wanted.type)}, but `{agent}` "
            f"as {describe(given.type)}",
            suggestion=f"declare `{name}` of both as {describe(given.type)}, or give one of them another name",
        )
    elif has_opaque(given.type) and not has_opaque(wanted.type):
        context.findings.add(
            "E404",
            (*path, "agree_on"),
            f"`{name}` of `{agent}` is opaque and may be what a person decides, but `{conclusion}` has it as plain "
            f"{describe(wanted.type)}",
            suggestion=f"declare `{name}` of {conclusion} as {describe(given.type)}",
        )


def _verdict(context: Context, path: Path, synthesizer: Signature) -> Type:
    """Return the synthesizer's contract plus `converged`."""
    output = without_opaque(synthesizer.output)
    if isinstance(output, AnyType):
        return ANY
    if not isinstance(output, RecordType):
        context.findings.add(
            "E329",
            path,
            f"`{synthesizer.name}` returns {describe(output)}; a debate ends in a contract",
            suggestion="let it return a contract, so that `converged` can stand beside its fields",
        )
        return ANY
    own = tuple(field for field in output.fields if field.name != "converged")
    return RecordType(name=output.name, fields=(*own, Field(name="converged", type=BoolType())))
