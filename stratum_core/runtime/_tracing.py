"""Tracing: what one call tried, collected while it is under way, and told to the tracer when it is over.

Without a tracer nothing here runs. Nothing a run decides depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast

import anyio

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue, Type, contract_hash
from stratum_core.errors import (
    ComputeFailed,
    ContractViolation,
    ExpressionError,
    ParseFailure,
    PostconditionFailed,
    StepFailed,
    StratumError,
)
from stratum_core.journal import AttemptState, Intent, RecordedAttempt
from stratum_core.llm import PriceTable, Prompt, template_hash
from stratum_core.money import to_usd
from stratum_core.specs import InferSpec
from stratum_core.trace import (
    OPAQUE,
    AttemptClass,
    AttemptOutcome,
    AttemptRecord,
    Enforcement,
    FlowScope,
    TraceRecord,
    holds_opaque,
    masked,
)

__all__ = ["OpenCall", "traced"]

_QUOTES_VALUES = (ExpressionError, ContractViolation, StepFailed, ComputeFailed)
_QUOTES_ANSWER = (ParseFailure, PostconditionFailed)
_NOT_JUDGED = "the answer was not judged"
_NO_COUNTS = "the provider sent no token counts, so its budget was charged the most it can have cost"
_NO_PRICE = "its model has no known price"
_NO_ANSWER = "no answer came back, so nobody knows whether it was billed"


class OpenCall:
    """One call that is under way: whoever does a part of it says so here."""

    def __init__(
        self, spec: InferSpec, inputs: Mapping[str, JsonValue], *, model: str, path: str, prices: PriceTable
    ) -> None:
        """Begin now."""
        self.cache_hit = False
        """Whether the answer was on record already; set by whoever finds it."""
        self.prompt: Prompt | None = None
        """The first one that was made."""
        self._spec = spec
        self._inputs = inputs
        self._model = model
        self._path = path
        self._prices = prices
        self._started = _Moment.now()
        self._began: dict[str, _Moment] = {}
        self._attempts: dict[str, AttemptRecord] = {}

    def sent(self, intent: Intent, made_for: AttemptClass) -> None:
        """Take note of a request that leaves."""
        began = self._began[intent.call_id] = _Moment.now()
        self._attempts[intent.call_id] = AttemptRecord(
            path=intent.path,
            number=intent.attempt,
            made_for=made_for,
            model=intent.model,
            outcome="lost",
            reason=_NO_ANSWER,
            charged_nusd=intent.reserved.nusd,
            cost_known=False,
            request_hash=intent.request_hash,
            started_at_ns=began.at_ns,
        )

    def settled(
        self, call_id: str, *, state: AttemptState, usage: Usage, outcome: Mapping[str, JsonValue]
    ) -> None:
        """Take note of how a request ended, before its answer is judged."""
        attempt = _with_outcome(self._attempts[call_id], state, usage, outcome)
        self._attempts[call_id] = replace(attempt, duration_ms=self._began[call_id].elapsed_ms())

    def replayed(self, recorded: RecordedAttempt, made_for: AttemptClass) -> None:
        """Take note of an attempt on record that is not made again."""
        taken = AttemptRecord(
            path=recorded.path,
            number=recorded.attempt,
            made_for=made_for,
            model=recorded.model,
            outcome="lost",
            request_hash=recorded.request_hash,
            started_at_ns=_Moment.now().at_ns,
            replayed=True,
        )
        self._attempts[recorded.call_id] = _with_outcome(
            taken, recorded.state, recorded.usage, recorded.outcome
        )

    def judged(self, call_id: str, outcome: AttemptOutcome, reason: str = "") -> None:
        """Take note of what became of an answer."""
        shown = OPAQUE if reason and holds_opaque(self._spec.output) else reason
        self._attempts[call_id] = replace(self._attempts[call_id], outcome=outcome, reason=shown)

    def ended(self, flow: FlowScope | None, value: JsonValue, error: BaseException | None) -> TraceRecord:
        """Return the record of the call."""
        spec = self._spec
        attempts = tuple(self._priced(attempt) for attempt in self._attempts.values())
        unknown = next((attempt for attempt in attempts if not attempt.cost_known), None)
        enforced: list[Enforcement] = [attempt.enforcement for attempt in attempts if attempt.enforcement]
        message, code = _told(spec, error)
        return TraceRecord(
            function=spec.name,
            model=self._model,
            path=self._path,
            flow=flow,
            inputs={part.name: masked(part.type, self._inputs.get(part.name)) for part in spec.inputs},
            opaque=tuple(part.name for part in spec.inputs if holds_opaque(part.type)),
            output=masked(spec.output, value),
            error=message,
            error_code=code,
            function_hash=spec.function_hash,
            template_hash=self.prompt.template_hash if self.prompt else template_hash(spec),
            prompt_hash=self.prompt.prompt_hash if self.prompt else "",
            contract_hash=_contract_hash(spec.output),
            attempts=attempts,
            started_at_ns=self._started.at_ns,
            duration_ms=self._started.elapsed_ms(),
            cost_usd=None if unknown else to_usd(sum(attempt.charged_nusd for attempt in attempts)),
            cost_unknown="" if unknown is None else self._why_unknown(unknown),
            cache_hit=self.cache_hit,
            schema_enforcement=enforced[-1] if enforced else "",
            simulated=any(attempt.simulated for attempt in attempts),
        )

    def _priced(self, attempt: AttemptRecord) -> AttemptRecord:
        """Return an attempt whose cost nobody knows, where its model has no price and somebody may have answered."""
        if attempt.outcome == "failed" or self._prices.price(attempt.model) is not None:
            return attempt
        return replace(attempt, cost_known=False)

    def _why_unknown(self, attempt: AttemptRecord) -> str:
        """Return why nobody knows what a call cost, by the first attempt of which nobody does."""
        why = _NO_COUNTS if attempt.response_model else _NO_ANSWER
        if self._prices.price(attempt.model) is None:
            why = _NO_PRICE
        return f"{attempt.path}#{attempt.number}: {why}"


async def traced(
    call: OpenCall,
    make: Callable[[], Awaitable[JsonValue]],
    *,
    flow: FlowScope | None,
    tell: Callable[[TraceRecord], None],
) -> JsonValue:
    """Make a call and tell of it, however it ends."""
    try:
        value = await make()
    except BaseException as error:
        tell(call.ended(flow, None, error))
        raise
    tell(call.ended(flow, value, None))
    return value


@dataclass(frozen=True, slots=True)
class _Moment:
    """A point in time on both clocks: the one people read and the one that never goes back."""

    at_ns: int
    ticks: float

    @classmethod
    def now(cls) -> _Moment:
        return cls(time.time_ns(), time.perf_counter())

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.ticks) * 1000


def _with_outcome(
    attempt: AttemptRecord, state: AttemptState, usage: Usage, outcome: Mapping[str, JsonValue]
) -> AttemptRecord:
    """Return an attempt with what the journal says of its end."""
    match outcome.get("kind"):
        case "reply":
            counted = cast("Mapping[str, int] | None", outcome["usage"])
            tokens = counted or {}
            return replace(
                attempt,
                outcome="rejected",
                reason=_NOT_JUDGED,
                response_model=str(outcome["model"]),
                finish=cast('Literal["stop", "length", "refusal"]', outcome["finish"]),
                enforcement=cast("Enforcement", outcome["enforcement"]),
                input_tokens=tokens.get("input_tokens"),
                output_tokens=tokens.get("output_tokens"),
                cache_read_tokens=tokens.get("cache_read_tokens", 0),
                cache_write_tokens=tokens.get("cache_write_tokens", 0),
                charged_nusd=usage.nusd,
                cost_known=counted is not None,
                simulated=bool(outcome["simulated"]),
            )
        case "error":
            return replace(
                attempt,
                outcome="failed",
                reason=str(outcome["message"]),
                error_code=str(outcome["code"]),
                charged_nusd=usage.nusd,
                cost_known=state == "failed",
            )
        case _:
            return replace(
                attempt, outcome="lost", reason=_NO_ANSWER, charged_nusd=usage.nusd, cost_known=False
            )


def _told(spec: InferSpec, error: BaseException | None) -> tuple[str, str]:
    """Return an error's sentence, masked where it may quote what is opaque, and its code."""
    if error is None:
        return "", ""
    if isinstance(error, anyio.get_cancelled_exc_class()):
        return "the call was cancelled", "cancelled"
    if not isinstance(error, StratumError):
        return f"the call ended in a fault ({type(error).__name__})", "fault"
    opaque_output = holds_opaque(spec.output)
    hides = opaque_output or any(holds_opaque(part.type) for part in spec.inputs)
    quotes = (isinstance(error, _QUOTES_VALUES) and hides) or (
        isinstance(error, _QUOTES_ANSWER) and opaque_output
    )
    return OPAQUE if quotes else error.message, error.code


@lru_cache(maxsize=256)
def _contract_hash(kind: Type) -> str:
    """Return the hash of an output type; a run asks for the same few again and again."""
    return contract_hash(kind)
