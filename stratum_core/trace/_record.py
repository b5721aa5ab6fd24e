"""Trace records: what is told of a call, of each of its attempts, and of the flow around it, once it is over.

A record is made for every call of an infer function, whether it ended well or not, and for every question to a person.
It holds what explains the call and its bill. Opaque parts of inputs and outputs are not in it, not even shortened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue, held
from stratum_core.money import to_usd

__all__ = [
    "AttemptClass",
    "AttemptOutcome",
    "AttemptRecord",
    "Enforcement",
    "FlowRecord",
    "FlowScope",
    "TraceRecord",
]

AttemptClass: TypeAlias = Literal["first", "contract", "transport", "fallback", "resumed"]
"""Why an attempt was made: it is the first one; the answer before broke its contract; the provider could not be
reached; another model stands in; or an earlier process ended before its answer was known."""

AttemptOutcome: TypeAlias = Literal["accepted", "rejected", "cut_off", "refused", "failed", "lost"]
"""How it ended: accepted; broke its contract; cut off at the output limit; the model declined; the provider failed;
nobody knows, because the call was cancelled or the process died."""

Enforcement: TypeAlias = Literal["strict", "json", "prompt", ""]
"""Who held the model to the schema: the provider, the provider for JSON only, only the prompt; empty: no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowScope:
    """One walk of a flow: what its calls belong to. A resumed run walks again, under the same `flow_id`."""

    flow_id: str
    """The run's id, or an id that a flow outside a run was given."""
    name: str
    started_at_ns: int
    """Nanoseconds since 1970, UTC."""
    parent: FlowScope | None = None
    """The flow that called this one; None: nothing did."""

    @property
    def root(self) -> FlowScope:
        """The outermost flow."""
        return self if self.parent is None else self.parent.root


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One request of a call."""

    path: str
    """Where in the run; votes and iterations have paths of their own inside the call's."""
    number: int
    """Counted from 0 within the path."""
    made_for: AttemptClass
    model: str
    """Who was asked."""
    outcome: AttemptOutcome
    reason: str = ""
    """Why it was not accepted: the violations, or the provider's fault; empty for an accepted one."""
    error_code: str = ""
    """The code of the error it ended in, if any."""
    response_model: str = ""
    """Who answered, as the provider names it."""
    finish: Literal["stop", "length", "refusal", ""] = ""
    enforcement: Enforcement = ""
    input_tokens: int | None = None
    """All prompt tokens, cached ones included; None: the provider sent no counts."""
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    charged_nusd: int = 0
    """Nano-dollars charged to the budget; the whole reservation where nobody knows the cost."""
    cost_known: bool = True
    """Whether what was charged is what it cost."""
    request_hash: str = ""
    started_at_ns: int
    """Nanoseconds since 1970, UTC; for a replayed one, when it was replayed."""
    duration_ms: float = 0.0
    replayed: bool = False
    """Whether it was taken from the record of an earlier process instead of being sent."""
    simulated: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return the attempt as JSON; money as decimal text in dollars."""
        return {
            "path": self.path,
            "number": self.number,
            "made_for": self.made_for,
            "model": self.model,
            "outcome": self.outcome,
            "reason": self.reason,
            "error_code": self.error_code,
            "response_model": self.response_model,
            "finish": self.finish,
            "enforcement": self.enforcement,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "charged_usd": str(to_usd(self.charged_nusd)),
            "cost_known": self.cost_known,
            "request_hash": self.request_hash,
            "started_at_ns": self.started_at_ns,
            "duration_ms": self.duration_ms,
            "replayed": self.replayed,
            "simulated": self.simulated,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRecord:
    """One call of an infer function with everything that was tried for it, or one question to a person."""

    kind: Literal["infer", "human"] = "infer"
    function: str
    """The function's name; `await_human` for a question."""
    model: str = ""
    """The model asked first; `attempts` tells of others. Empty for a question."""
    path: str
    """Where in the run."""
    flow: FlowScope | None = None
    """The flow it belongs to; None: it was called outside any."""
    inputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Its inputs by name, with `(opaque)` in place of each opaque part."""
    opaque: tuple[str, ...] = ()
    """The inputs that have opaque parts."""
    output: JsonValue = None
    """What it gave, masked like the inputs; None when it failed."""
    error: str = ""
    """What it ended in; empty when it gave an output."""
    error_code: str = ""
    """The error's stable code; `cancelled` for a call that was cut short."""
    function_hash: str = ""
    template_hash: str = ""
    """12 hex over the prompt without input values."""
    prompt_hash: str = ""
    """12 hex over the first request's text and schema; empty when no prompt was made."""
    contract_hash: str = ""
    """12 hex over the output type."""
    attempts: tuple[AttemptRecord, ...] = ()
    """Every request in the order they ended, those of votes and iterations included."""
    started_at_ns: int
    """Nanoseconds since 1970, UTC."""
    duration_ms: float
    cost_usd: Decimal | None
    """What it cost in dollars, exact; None when nobody knows."""
    cost_unknown: str = ""
    """Why the cost is unknown; empty when it is known."""
    cache_hit: bool = False
    """Whether the answer was on record already: of an equal call, another run, or the run a plan reuses."""
    schema_enforcement: Enforcement = ""
    """Of the last answer."""
    review_id: str | None = None
    """The question's id, for a question to a person."""
    simulated: bool = False
    """True for the offline model: its dollars are not real."""

    @property
    def ok(self) -> bool:
        """Whether it gave an output."""
        return not self.error_code

    @property
    def flow_id(self) -> str | None:
        """The id of the flow it belongs to."""
        return None if self.flow is None else self.flow.flow_id

    @property
    def charged_usd(self) -> Decimal:
        """What its budget was charged, in dollars: at least what it cost."""
        return to_usd(sum(attempt.charged_nusd for attempt in self.attempts))

    @property
    def attempts_by_class(self) -> Mapping[AttemptClass, int]:
        """How many attempts were made for which reason."""
        return Counter(attempt.made_for for attempt in self.attempts)

    @property
    def retry_reasons(self) -> tuple[str, ...]:
        """Why each attempt that was not accepted was not, in order."""
        return tuple(attempt.reason for attempt in self.attempts if attempt.outcome != "accepted")

    @property
    def replayed(self) -> bool:
        """Whether nothing was sent, because all of it was on record of an earlier process."""
        return bool(self.attempts) and all(attempt.replayed for attempt in self.attempts)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the record as JSON; money as decimal text in dollars."""
        return {
            "kind": self.kind,
            "function": self.function,
            "model": self.model,
            "path": self.path,
            "flow_id": self.flow_id,
            "inputs": held(self.inputs),
            "opaque": list(self.opaque),
            "output": held(self.output),
            "error": self.error,
            "error_code": self.error_code,
            "function_hash": self.function_hash,
            "template_hash": self.template_hash,
            "prompt_hash": self.prompt_hash,
            "contract_hash": self.contract_hash,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "attempts_by_class": {str(name): count for name, count in self.attempts_by_class.items()},
            "retry_reasons": list(self.retry_reasons),
            "started_at_ns": self.started_at_ns,
            "duration_ms": self.duration_ms,
            "cost_usd": None if self.cost_usd is None else str(self.cost_usd),
            "cost_unknown": self.cost_unknown,
            "charged_usd": str(self.charged_usd),
            "cache_hit": self.cache_hit,
            "schema_enforcement": self.schema_enforcement,
            "review_id": self.review_id,
            "replayed": self.replayed,
            "simulated": self.simulated,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecord:
    """One walk of a flow that is over."""

    scope: FlowScope
    duration_ms: float
    state: str
    """How it ended: a run's state, or `completed` and `failed` outside a run."""
    error: str = ""
    error_code: str = ""
    """The code of the error it ended in; empty when it did not end in one."""
    charged_nusd: int = 0
    """Nano-dollars charged to its budget, those of earlier processes included."""
    simulated: bool = False
