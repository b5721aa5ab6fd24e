"""The document: what a `.stratum.yaml` says, as frozen data, before any of it is given a meaning.

Stands between the YAML reader and `stratum_core.checks`. Field names are the document's own (`return` and `validate`
carry an underscore). Defaults are filled in, so a written-out default and an absent key give equal documents.
Expressions and types are kept as written.

`load` guarantees the shape of every part: key names, kinds of values, ids, ranges, durations, exactly one verb for
each step, modifiers only where they mean something. It does not know names, types of expressions or rules that
join two parts (`quorum` with `threshold`, `on_timeout` with `options`); those are checks.

A part with a diagnostic is replaced by `INVALID`, so that its neighbours are still checked and nothing about it is
reported twice. A document that loaded without errors holds no `INVALID`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias

from stratum_core.contracts import JsonScalar, JsonValue

__all__ = [
    "INVALID",
    "VERBS",
    "AwaitHuman",
    "Branch",
    "BudgetForm",
    "ComputeFunction",
    "Contract",
    "Debate",
    "Document",
    "Expr",
    "Flow",
    "Function",
    "InferFunction",
    "Invalid",
    "LongType",
    "Parallel",
    "Race",
    "Refine",
    "Step",
    "TypeForm",
    "VerbName",
]


class Invalid(Enum):
    """The type of `INVALID`."""

    INVALID = "invalid"

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = Invalid.INVALID
"""Stands where a part has a diagnostic already; it fits everywhere and is never reported again."""

Expr: TypeAlias = JsonScalar | Sequence[JsonValue] | Invalid
"""A text is an expression; a number, boolean, null or list is a literal."""

VerbName: TypeAlias = Literal["function", "flow", "compute", "parallel", "race", "debate", "await_human"]

VERBS: Final[tuple[VerbName, ...]] = (
    "function",
    "flow",
    "compute",
    "parallel",
    "race",
    "debate",
    "await_human",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongType:
    """A type in long form; None means the key is absent. What fits what is decided by `parse_type`."""

    type: str | None = None
    min: int | float | None = None
    max: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[JsonScalar, ...] | None = None
    description: str = ""


TypeForm: TypeAlias = str | LongType | Invalid
"""A type as written: `list<Review>`, or the long form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetForm:
    """A cap as written; None leaves an axis open."""

    usd: float | None = None
    """US dollars, above 0."""
    ms: int | None = None
    """Wall-clock milliseconds, above 0."""
    tokens: int | None = None
    """Input and output tokens together, above 0."""
    calls: int | None = None
    """Requests on the wire, retries counted, above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A named record type; the order of fields is meaningful, it reaches the model."""

    fields: Mapping[str, TypeForm] = field(default_factory=dict[str, TypeForm])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """Ask again with feedback until a condition holds."""

    check: str | None = None
    """A compute function over `result` and any of the inputs; its value is `check` in the expressions."""
    until: Expr
    feedback: Expr
    max_iterations: int = 5
    """1 to 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferFunction:
    """A model call."""

    mode: Literal["infer"] = "infer"
    description: str = ""
    intent: str = ""
    context: tuple[str, ...] = ()
    input: Mapping[str, TypeForm] | Invalid = field(default_factory=dict[str, TypeForm])
    output: TypeForm
    given: tuple[Expr, ...] = ()
    ensure: tuple[Expr, ...] = ()
    model: str | None = None
    fallbacks: tuple[str, ...] = ()
    temperature: float | None = None
    """0 to 2."""
    max_tokens: int | None = None
    budget: BudgetForm | None = None
    retries: int = 3
    """0 to 10."""
    cache: Literal["none", "session", "global"] = "none"
    stable: bool = True
    quorum: int | None = None
    """2 to 15."""
    agree_on: str | None = None
    threshold: int | None = None
    refine: Refine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeFunction:
    """A deterministic function: an expression (or one for each output field), or a registered Python function."""

    mode: Literal["compute"] = "compute"
    description: str = ""
    input: Mapping[str, TypeForm] | Invalid = field(default_factory=dict[str, TypeForm])
    output: TypeForm
    given: tuple[Expr, ...] = ()
    ensure: tuple[Expr, ...] = ()
    expression: Expr | Mapping[str, Expr] = None
    """None when `python` stands in its place."""
    python: str | None = None


Function: TypeAlias = InferFunction | ComputeFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One branch of `parallel` or `race`: exactly one of `function` and `flow`, unless it has a diagnostic."""

    function: str | None = None
    flow: str | None = None
    inputs: Mapping[str, Expr] | Invalid = field(default_factory=dict[str, Expr])


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Branches that run together."""

    branches: Mapping[str, Branch | Invalid]
    require: Literal["all", "any"] | int = "all"
    validate_: Expr = None
    """Over `results`; None when absent."""
    concurrency: int | None = None
    """None: automatic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Branches of which the first acceptable value wins."""

    branches: Mapping[str, Branch | Invalid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debate:
    """Agents argue about a topic, then one function concludes."""

    agents: tuple[str | Invalid, ...]
    topic: Expr
    rounds: int = 2
    """1 to 8."""
    agree_on: str | None = None
    synthesize: str | Invalid
    unresolved: Literal["synthesize", "human", "fail"] = "synthesize"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitHuman:
    """A question to a person."""

    question: str
    show: Mapping[str, Expr] = field(default_factory=dict[str, Expr])
    options: tuple[str, ...] = ()
    """The answers to choose from; empty: `type` says what fits."""
    type: TypeForm | None = None
    """The type of the answer, never beside options; None without options: free text."""
    timeout: str | None = None
    """`90s`, `15m`, `24h` or `7d`; None waits without end."""
    on_timeout: str = "fail"
    """`fail`, or one of the answers to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a flow."""

    id: str
    """Empty when it has a diagnostic."""
    description: str = ""
    when: Expr = None
    """None when absent."""
    for_each: Expr = None
    """None when absent."""
    validate_: Expr = None
    """Over `results` of a for_each or parallel; None when absent."""
    concurrency: int | None = None
    """Items in flight; None: automatic."""
    require: int | str = "all"
    """`all`, a count, or a share such as `95%`; see `parse_require`."""
    on_error: Literal["fail", "drop", "none", "keep"] = "fail"
    """`drop` is the default of a for_each, `fail` of a single step."""
    after: tuple[str | Invalid, ...] = ()
    verb: VerbName | Invalid = INVALID
    """Which one of the seven below is present."""
    function: str | None = None
    flow: str | None = None
    inputs: Mapping[str, Expr] | Invalid = field(default_factory=dict[str, Expr])
    """Of `function` and `flow`."""
    compute: Expr = None
    parallel: Parallel | None = None
    race: Race | None = None
    debate: Debate | None = None
    await_human: AwaitHuman | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Steps in order, and what they return."""

    description: str = ""
    input: Mapping[str, TypeForm] | Invalid = field(default_factory=dict[str, TypeForm])
    output: TypeForm
    budget: BudgetForm | None = None
    steps: tuple[Step | Invalid, ...] = ()
    return_: Expr | Mapping[str, Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole `.stratum.yaml`."""

    stratum: Literal["1"] = "1"
    name: str = ""
    description: str = ""
    contracts: Mapping[str, Contract | Invalid] = field(default_factory=dict[str, "Contract | Invalid"])
    functions: Mapping[str, Function | Invalid] = field(default_factory=dict[str, "Function | Invalid"])
    flows: Mapping[str, Flow | Invalid] = field(default_factory=dict[str, "Flow | Invalid"])
