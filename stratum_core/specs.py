"""Specs: the frozen, checked definitions the planner estimates and the runtime runs.

`stratum_core.checks` makes them from a document that has no errors; the Python library makes the same ones from
decorators. Nothing here reads files, calls models or knows YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, assert_never

from stratum_core.budget import Budget
from stratum_core.contracts import Field, JsonValue, RecordType, Type, without_opaque

__all__ = [
    "Branch",
    "CallVerb",
    "Callee",
    "ComputeSpec",
    "ComputeVerb",
    "DebateVerb",
    "Expression",
    "FlowSpec",
    "ForEach",
    "FunctionSpec",
    "HumanVerb",
    "InferSpec",
    "OnError",
    "ParallelVerb",
    "Parameter",
    "Program",
    "Quorum",
    "RaceVerb",
    "Refine",
    "RegisteredFunction",
    "Require",
    "Returns",
    "StepSpec",
    "Verb",
    "called",
    "reached",
]


class Expression(Protocol):
    """A checked expression: typed, canonical and bounded in work."""

    @property
    def source(self) -> str:
        """The text as written."""
        ...

    @property
    def canonical(self) -> str:
        """The one spelling that is hashed and shown."""
        ...

    @property
    def type(self) -> Type:
        """The static type of the value."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The free names it reads (`input`, step ids, `item`, ...)."""
        ...

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The attribute paths it reads, e.g. `("result", "confidence")`."""
        ...

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        """Return the value.

        Raises:
            ExpressionError: A run-time fault (index out of range, division by zero), or too much work.
        """
        ...


Returns: TypeAlias = Expression | Mapping[str, Expression]
"""One expression, or one for each field of a record."""

OnError: TypeAlias = Literal["fail", "drop", "none", "keep"]
"""What a failure leaves: a failed step, nothing, null, or an Outcome record."""

Require: TypeAlias = Literal["all"] | int | float
"""How many items must succeed: all, a count, or a share between 0.0 and 1.0 (float)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named, typed input of a function or flow."""

    name: str
    type: Type
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """Ask several times; the answer is one whose field has the same value in enough of the votes."""

    votes: int
    """How many answers are asked for, 2 to 15."""
    agree_on: str
    """The field of the output contract that is compared: text, a number, a bool, a date, an enum, or null."""
    threshold: int
    """How many must agree: more than half of `votes`, and no more than all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """Ask again with feedback until a condition holds; an answer without it at the end fails the call."""

    check: str | None
    """A compute function, called with `result` and those inputs it names; its value is `check` below."""
    until: Expression
    """A bool over `result`, the inputs, and `check` when there is one."""
    feedback: Expression
    """What the next iteration is told, any type; over the same names as `until`."""
    max_iterations: int = 5
    """Answers asked for at most, the first included; 1 to 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferSpec:
    """A model call whose answer must satisfy its output type and every `ensure`."""

    name: str
    intent: str
    context: tuple[str, ...] = ()
    inputs: tuple[Parameter, ...]
    output: Type
    given: tuple[Expression, ...] = ()
    ensure: tuple[Expression, ...] = ()
    model: str | None = None
    """None: the plan's model option, else the operator's default."""
    fallbacks: tuple[str, ...] = ()
    """Models to ask, in this order, when the one before cannot answer."""
    temperature: float | None = None
    max_tokens: int | None = None
    """None: derived from the output type."""
    budget: Budget | None = None
    retries: int = 3
    """Contract retries after the first attempt."""
    cache: Literal["none", "session", "global"] = "none"
    """How far answers to equal requests are shared: not at all, within a run, between runs."""
    stable: bool = True
    """False: a step gets a distribution of outputs, `probabilistic<T>`."""
    quorum: Quorum | None = None
    refine: Refine | None = None
    fixed: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue], hash=False)
    """Fields of the answer that are decided already, whatever the model says; for one call, never in a definition."""
    function_hash: str = ""
    """12 hex over the canonical definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSpec:
    """A deterministic, free function: one expression, one for each field of the output record, or Python code."""

    name: str
    inputs: tuple[Parameter, ...]
    output: Type
    expression: Returns | None
    """None when `python` stands in its place."""
    python: str | None = None
    """The name of a function the operator registered; None when `expression` says what to compute."""
    given: tuple[Expression, ...] = ()
    ensure: tuple[Expression, ...] = ()
    function_hash: str = ""


FunctionSpec: TypeAlias = InferSpec | ComputeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredFunction:
    """A Python file the operator lets documents run by a name; a document can name nothing else."""

    file: str
    """Where it lies: an absolute path."""
    timeout_s: float = 10.0
    """Seconds one call may take."""
    memory_mb: int = 512
    """Address space of one call, in MiB."""
    environ: tuple[str, ...] = ()
    """Environment variables that are handed to it, beside PATH and LANG."""
    sha256: str = ""
    """64 hex over the file as it was when a plan was made; empty where it was not read yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallVerb:
    """Call a function or a flow."""

    kind: Literal["function", "flow"]
    target: str
    inputs: Mapping[str, Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeVerb:
    """Evaluate an expression over the input and earlier steps."""

    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One named branch of a parallel or race."""

    name: str
    call: CallVerb


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelVerb:
    """Calls that run together. The value follows `require`.

    `all`: a record of the branches by name. 0: the same with null for a failed one. `any`: the value of one.
    A count N: a list of N values.
    """

    branches: tuple[Branch, ...]
    """At least one, in document order."""
    require: Literal["all", "any"] | int = "all"
    """How many must succeed; a count is never above the number of branches."""
    validate: Expression | None = None
    """A bool over `results`, the value; false fails the verb."""
    concurrency: int | None = None
    """Branches in flight at once; None: chosen by the runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceVerb:
    """Calls of which the first that succeeds gives the value."""

    branches: tuple[Branch, ...]
    """At least two, in document order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateVerb:
    """Agents argue in rounds, then one function concludes; the value is its record with `converged` in it.

    Each agent takes `topic` and `arguments` (null before the first round); the synthesizer takes `topic`, `arguments`
    and `converged`. All are infer functions.
    """

    agents: tuple[str, ...]
    """At least two, in document order; one function may stand there more than once."""
    topic: Expression
    rounds: int = 2
    """At most so many, 1 to 8."""
    agree_on: str | None = None
    """A field of the agents' output: equal in all of a round, they have converged. None: the whole output."""
    synthesize: str
    unresolved: Literal["synthesize", "human", "fail"] = "synthesize"
    """Without agreement: conclude all the same, ask a person, or fail."""

    @property
    def names(self) -> tuple[str, ...]:
        """The agents by different names: a function that stands there for the second time is `name#2`."""
        counts = [self.agents[: number + 1].count(agent) for number, agent in enumerate(self.agents)]
        return tuple(
            agent if count == 1 else f"{agent}#{count}"
            for agent, count in zip(self.agents, counts, strict=True)
        )

    def decided_field(self, conclusion: Type) -> Field | None:
        """Return the field of the conclusion that a person decides: the agreed one, where its contract has it.

        None: no person is asked, or what they say is one more argument and the synthesizer decides.
        """
        record = without_opaque(conclusion)
        if self.unresolved != "human" or self.agree_on in {None, "converged"}:
            return None
        return record.field(str(self.agree_on)) if isinstance(record, RecordType) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanVerb:
    """A question to a person; the value is `{value, reviewer?, rationale?, decided_at}`."""

    question: str
    show: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    """What the person sees, by label, in document order."""
    options: tuple[str, ...] = ()
    """The answers to choose from; empty: `answer` says what fits."""
    answer: Type
    """The type of `.value`: an enum of the options, the declared type, or text."""
    timeout_s: int | None = None
    """Seconds until the question lapses; None: never."""
    on_timeout: str | None = None
    """The answer a lapsed question gets; None: it fails."""


Verb: TypeAlias = CallVerb | ComputeVerb | ParallelVerb | RaceVerb | DebateVerb | HumanVerb

Callee: TypeAlias = tuple[Literal["function", "flow"], str]
"""What is called: its kind and its name; a function and a flow may share a name."""


def called(verb: Verb) -> tuple[Callee, ...]:
    """Return the functions and flows a verb names, each once, in document order."""
    match verb:
        case CallVerb(kind=kind, target=target):
            return ((kind, target),)
        case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
            return tuple(dict.fromkeys((branch.call.kind, branch.call.target) for branch in branches))
        case DebateVerb(agents=agents, synthesize=synthesize):
            return tuple(dict.fromkeys(("function", name) for name in (*agents, synthesize)))
        case ComputeVerb() | HumanVerb():
            return ()
        case _:
            assert_never(verb)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach:
    """Run the step's verb once for each item of a list, in input order."""

    items: Expression
    concurrency: int | None = None
    """Items in flight at once; None: chosen by the runtime."""
    require: Require = "all"
    on_error: Literal["drop", "none", "keep"] = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One step of a flow; it reads only `input` and earlier steps."""

    id: str
    path: str
    """Where in the document, e.g. `flows.main.steps[2]`."""
    verb: Verb
    type: Type
    """The type of the step's value as later steps see it."""
    when: Expression | None = None
    for_each: ForEach | None = None
    validate: Expression | None = None
    """Over `results`, the value of a for_each or parallel; false fails the step."""
    on_error: Literal["fail", "none"] = "fail"
    after: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    """Every step whose value (or order, through `after`) this one waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """Steps in document order, and what they return."""

    name: str
    inputs: tuple[Parameter, ...]
    output: Type
    steps: tuple[StepSpec, ...]
    returns: Returns
    budget: Budget | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A checked document: everything the planner and the runtime need from it."""

    name: str = ""
    contracts: Mapping[str, RecordType] = field(default_factory=dict[str, RecordType])
    functions: Mapping[str, FunctionSpec] = field(default_factory=dict[str, FunctionSpec])
    flows: Mapping[str, FlowSpec] = field(default_factory=dict[str, FlowSpec])
    ir_hash: str = ""
    """64 hex over the canonical meaning of the document."""


def reached(program: Program, flow: str) -> tuple[Callee, ...]:
    """Return everything a flow can call, itself first, in the order it is met; a function's check stands behind it."""
    met: dict[Callee, None] = {("flow", flow): None}
    flows = [flow]
    for name in flows:
        for callee in (callee for step in program.flows[name].steps for callee in called(step.verb)):
            if callee in met:
                continue
            if callee[0] == "flow":
                met[callee] = None
                flows.append(callee[1])
            else:
                met.update(dict.fromkeys(("function", each) for each in _with_checks(program, callee[1])))
    return tuple(met)


def _with_checks(program: Program, function: str) -> list[str]:
    """Return a function with the one that checks its candidates, the one that checks those, and so on."""
    found = [function]
    for name in found:
        spec = program.functions[name]
        check = spec.refine.check if isinstance(spec, InferSpec) and spec.refine is not None else None
        if check is not None and check not in found:
            found.append(check)
    return found
