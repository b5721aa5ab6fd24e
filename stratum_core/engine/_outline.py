"""The outline of a plan: what a developer looks at before a person approves it, as text.

Step graph, contracts, conditions, budgets and compiled prompts, each from the checked document and the plan's stored
figures. No row of the data is in it: where a value would stand in a prompt, its type does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import assert_never, cast

from stratum_core.budget import Budget
from stratum_core.contracts import (
    Field,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    describe,
)
from stratum_core.llm import compile_prompt, max_answer_tokens, max_attempts
from stratum_core.money import format_usd
from stratum_core.specs import (
    CallVerb,
    ComputeSpec,
    ComputeVerb,
    DebateVerb,
    FlowSpec,
    FunctionSpec,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Parameter,
    Program,
    RaceVerb,
    Returns,
    StepSpec,
    reached,
)

__all__ = ["outline"]

_MAX_CHARACTERS = 60_000
_MS_PER_S = 1000


def outline(record: Mapping[str, JsonValue], program: Program) -> str:
    """Return a plan as a developer reads it; at most 60,000 characters.

    Args:
        record: The stored plan.
        program: Its document, checked.
    """
    flow = str(record["flow"])
    found = reached(program, flow)
    flows = [program.flows[name] for kind, name in found if kind == "flow"]
    functions = [program.functions[name] for kind, name in found if kind == "function"]
    types = _records([part.type for part in _signatures(flows, functions)])
    models = cast("Mapping[str, str]", record["models"])
    parts = [
        [f"PLAN {record['id']}  flow {flow}  document {program.ir_hash[:12]}"],
        _titled("STEP GRAPH", [line for spec in flows for line in (*_flow(spec), "")]),
        _titled("TYPES", [line for kind in types for line in (*_contract(kind), "")]),
        _titled("FUNCTIONS", [line for spec in functions for line in (*_function(spec, models), "")]),
        _titled("BUDGETS", [*_budgets(record, flows, functions), ""]),
        _titled(
            "PROMPTS (a type stands where a value will)",
            [line for spec in functions if isinstance(spec, InferSpec) for line in (*_prompt(spec), "")],
        ),
    ]
    text = "\n".join(line for part in parts for line in part).rstrip()
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}\n… cut here"


def _titled(title: str, lines: list[str]) -> list[str]:
    """Put a heading over a part; a part without lines has none."""
    return ["", title, "", *lines[:-1]] if lines else []


# --- step graph ---------------------------------------------------------------------------------------------------


def _flow(spec: FlowSpec) -> Iterator[str]:
    yield f"{spec.name}({_parameters(spec.inputs)}) -> {describe(spec.output)}"
    for step in spec.steps:
        yield f"  {step.id}: {describe(step.type)}"
        yield from (f"      {line}" for line in _step(step))
    if isinstance(spec.returns, Mapping):
        yield "  return"
        yield from (f"      {name}: {value.canonical}" for name, value in spec.returns.items())
    else:
        yield f"  return {spec.returns.canonical}"


def _step(step: StepSpec) -> Iterator[str]:
    """Yield when a step runs, how often, what it does and what it waits for."""
    if step.when is not None:
        yield f"when {step.when.canonical}"
    if step.for_each is not None:
        loop = step.for_each
        share = f"{loop.require:.0%}" if isinstance(loop.require, float) else loop.require
        pace = loop.concurrency or "auto"
        yield f"for each of {loop.items.canonical}; {pace} at once, require {share}, on error {loop.on_error}"
    yield from _verb(step)
    if step.validate is not None:
        yield f"validate {step.validate.canonical}"
    if step.on_error == "none":
        yield "null when it fails"
    if step.reads:
        yield f"after {', '.join(sorted(step.reads))}"


def _verb(step: StepSpec) -> Iterator[str]:
    match step.verb:
        case CallVerb():
            yield _call(step.verb)
        case ComputeVerb(expression=expression):
            yield f"= {expression.canonical}"
        case ParallelVerb(branches=branches, require=require):
            yield f"in parallel, require {require}"
            yield from (f"  {branch.name}: {_call(branch.call)}" for branch in branches)
        case RaceVerb(branches=branches):
            yield "the first of"
            yield from (f"  {branch.name}: {_call(branch.call)}" for branch in branches)
        case DebateVerb() as debate:
            agree = f"agree on {debate.agree_on}" if debate.agree_on else "give the same answer"
            yield f"debate on {debate.topic.canonical}: {', '.join(debate.names)}"
            yield f"at most {debate.rounds} rounds, until they {agree}; else {debate.unresolved}"
            yield f"concluded by {debate.synthesize}"
        case HumanVerb() as human:
            yield f"ask a person: {json.dumps(human.question, ensure_ascii=False)} -> {describe(human.answer)}"
            yield from (f"  show {label}: {shown.canonical}" for label, shown in human.show.items())
            if human.timeout_s is not None:
                lapsed = "fails" if human.on_timeout is None else f"is {human.on_timeout}"
                yield f"  after {human.timeout_s} s without an answer it {lapsed}"
        case _:
            assert_never(step.verb)


def _call(call: CallVerb) -> str:
    given = ", ".join(f"{name}: {value.canonical}" for name, value in call.inputs.items())
    return f"{call.target}({given})"


def _returns(returns: Returns) -> str:
    if isinstance(returns, Mapping):
        return "{" + ", ".join(f"{name}: {value.canonical}" for name, value in returns.items()) + "}"
    return returns.canonical


# --- types and functions ------------------------------------------------------------------------------------------


def _signatures(flows: list[FlowSpec], functions: list[FunctionSpec]) -> Iterator[Parameter]:
    """Yield every parameter and output."""
    for spec in (*flows, *functions):
        yield from spec.inputs
        yield Parameter(name="output", type=spec.output)


def _records(kinds: list[Type]) -> list[RecordType]:
    """Return the named contracts within types, each once, outer ones first."""
    found: dict[str, RecordType] = {}
    queue = list(kinds)
    for kind in queue:
        match kind:
            case RecordType(name=name, fields=fields):
                if name not in found:
                    queue += [field.type for field in fields]
                if name:
                    found[name] = kind
            case (
                OptionalType(inner=inner)
                | OpaqueType(inner=inner)
                | ProbabilisticType(inner=inner)
                | ListType(item=inner)
                | MapType(value=inner)
            ):
                queue.append(inner)
            case _:
                pass
    return list(found.values())


def _contract(kind: RecordType) -> Iterator[str]:
    yield kind.name
    yield from (f"  {field.name}: {_limited(field)}" for field in kind.fields)


def _limited(field: Field) -> str:
    """Return a field's type with the limits its short form leaves out."""
    limits = "".join(f", {limit}" for limit in _limits(field.type))
    return f"{describe(field.type)}{limits}" + (f"  # {field.description}" if field.description else "")


def _limits(kind: Type) -> Iterator[str]:
    match kind:
        case StringType():
            low, high, unit = kind.min_length, kind.max_length, "characters"
            if kind.pattern is not None:
                yield f"matches {kind.pattern}"
        case ListType():
            low, high, unit = kind.min_length, kind.max_length, "items"
            yield from _limits(kind.item)
        case OptionalType(inner=inner) | OpaqueType(inner=inner):
            yield from _limits(inner)
            return
        case _:
            return
    if low is not None or high is not None:
        yield f"{0 if low is None else low:,}..{'' if high is None else f'{high:,}'} {unit}"


def _function(spec: FunctionSpec, models: Mapping[str, str]) -> Iterator[str]:
    mode = "infer" if isinstance(spec, InferSpec) else "compute"
    yield f"{mode} {spec.name}({_parameters(spec.inputs)}) -> {describe(spec.output)}  {spec.function_hash}"
    yield from (f"  given {condition.canonical}: else the call fails" for condition in spec.given)
    match spec:
        case ComputeSpec(expression=None, python=python):
            yield f"  runs {python}, registered by the operator"
        case ComputeSpec(expression=expression):
            yield f"  = {_returns(cast('Returns', expression))}"
        case InferSpec():
            yield from (f"  {line}" for line in _asked(spec, models))
        case _:
            assert_never(spec)
    broken = f"asked again, up to {spec.retries} times" if isinstance(spec, InferSpec) else "the call fails"
    yield from (f"  ensure {condition.canonical}: else {broken}" for condition in spec.ensure)


def _asked(spec: InferSpec, models: Mapping[str, str]) -> Iterator[str]:
    """Yield who answers a function and how often it is asked."""
    chain = [models[name] for name in models if name == spec.name or name.startswith(f"{spec.name}.")]
    yield f"model {', else '.join(chain)}; at most {max_answer_tokens(spec):,} tokens an answer"
    quorum, refine = spec.quorum, spec.refine
    if quorum is not None:
        yield f"{quorum.votes} votes, {quorum.threshold} of them equal in {quorum.agree_on}"
    if refine is not None:
        check = f" with {refine.check}" if refine.check else ""
        yield f"refined until {refine.until.canonical}{check}, at most {refine.max_iterations} times"
    if spec.cache != "none":
        yield f"equal questions are asked once ({spec.cache})"
    yield f"at most {max_attempts(spec)} requests for each " + ("vote" if quorum else "answer")


def _parameters(inputs: tuple[Parameter, ...]) -> str:
    return ", ".join(f"{part.name}: {describe(part.type)}" for part in inputs)


# --- budgets and prompts ------------------------------------------------------------------------------------------


def _budgets(
    record: Mapping[str, JsonValue], flows: list[FlowSpec], functions: list[FunctionSpec]
) -> Iterator[str]:
    """Yield every cap from the outside in, then what each step is likely to cost and can cost at most."""
    yield f"whole run: at most {format_usd(cast('int', record['cap_nusd']))}"
    for spec in (*flows, *functions):
        budget = None if isinstance(spec, ComputeSpec) else spec.budget
        if budget is not None:
            yield f"{spec.name}: {_caps(budget)}"
    figures = cast("Mapping[str, JsonValue]", record["figures"])
    for step in cast("list[Mapping[str, JsonValue]]", figures["steps"]):
        likely, worst = (format_usd(cast("int", step[name])) for name in ("likely_nusd", "worst_nusd"))
        yield (
            f"{step['flow']}.{step['step']} ({step['function']}): "
            f"likely calls {step['likely_calls']}, {likely}; at most {step['most_calls']}, {worst}"
        )


def _caps(budget: Budget) -> str:
    caps = (
        None if budget.nusd is None else format_usd(budget.nusd),
        None if budget.tokens is None else f"{budget.tokens:,} tokens",
        None if budget.calls is None else f"{budget.calls:,} requests",
        None if budget.ms is None else f"{budget.ms / _MS_PER_S:g} s",
    )
    return ", ".join(cap for cap in caps if cap)


def _prompt(spec: InferSpec) -> Iterator[str]:
    """Yield the first request of a function as it is compiled, with types for values."""
    prompt = compile_prompt(spec, {part.name: _type_for_value(part.type) for part in spec.inputs})
    yield f"{spec.name}  template {prompt.template_hash}"
    for role, text in (("system", prompt.system), ("user", prompt.user)):
        yield f"  {role}"
        yield from (f"    {line}" for line in text.splitlines())
    yield f"  schema {json.dumps(prompt.output_schema, ensure_ascii=False)}"


def _type_for_value(kind: Type) -> JsonValue:
    """Return the type's name in the shape of its value, so that the prompt is laid out as with a value."""
    match kind:
        case RecordType(fields=fields):
            return {field.name: _type_for_value(field.type) for field in fields}
        case ListType(item=item):
            return [_type_for_value(item)]
        case MapType(value=value):
            return {"<key>": _type_for_value(value)}
        case OptionalType(inner=RecordType() | ListType() | MapType() as inner):
            return _type_for_value(inner)
        case _:
            return f"<{describe(kind)}>"
