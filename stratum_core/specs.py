"""Specs: the frozen, checked definitions the planner estimates and the runtime runs.

`stratum_core.checks` makes them from a document that has no errors; the Python library makes the same ones from
decorators. Nothing here reads files, calls models or knows YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue, RecordType, Type

__all__ = [
    "CallVerb",
    "ComputeSpec",
    "ComputeVerb",
    "Expression",
    "FlowSpec",
    "ForEach",
    "FunctionSpec",
    "InferSpec",
    "LaterFeature",
    "LaterVerb",
    "OnError",
    "Parameter",
    "Program",
    "Require",
    "Returns",
    "StepSpec",
    "Verb",
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
class LaterFeature:
    """A checked modifier that this version does not run yet; `plan` refuses a flow that reaches it."""

    name: str
    """As the document writes it, e.g. `quorum`."""
    path: str
    """Where, e.g. `functions.classify.quorum`."""


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
    temperature: float | None = None
    max_tokens: int | None = None
    """None: derived from the output type."""
    budget: Budget | None = None
    retries: int = 3
    """Contract retries after the first attempt."""
    function_hash: str = ""
    """12 hex over the canonical definition."""
    later: tuple[LaterFeature, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSpec:
    """A deterministic, free function: one expression, or one for each field of the output record."""

    name: str
    inputs: tuple[Parameter, ...]
    output: Type
    expression: Returns | None
    """None only when `later` names what stands in its place (`python`)."""
    given: tuple[Expression, ...] = ()
    ensure: tuple[Expression, ...] = ()
    function_hash: str = ""
    later: tuple[LaterFeature, ...] = ()


FunctionSpec: TypeAlias = InferSpec | ComputeSpec


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
class LaterVerb:
    """A checked verb that this version does not run yet (`parallel`, `race`, `debate`, `await_human`)."""

    name: str
    calls: tuple[str, ...] = ()
    """Functions and flows it would call."""


Verb: TypeAlias = CallVerb | ComputeVerb | LaterVerb


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
    """Over `results` of a for_each; false fails the step."""
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
