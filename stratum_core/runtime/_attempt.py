"""One attempt of a call: reserve, write the intent, send, write what came back, settle.

The order is the guarantee. Nothing leaves before its worst case is reserved in every scope and its intent is durable;
nothing that came back is used before it is durable. An attempt that was cut off in between is `possibly_paid` and
stays charged at its reservation, so that the cap holds even where nobody can know the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import anyio

from stratum_core.budget import Meter, Reservation, Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ConfigurationError,
    ModelError,
    ModelRefusal,
    QuotaError,
    TransportError,
)
from stratum_core.journal import Intent, RecordedAttempt, SettledState
from stratum_core.llm import (
    FinishReason,
    ModelReply,
    ModelRequest,
    SchemaEnforcement,
    TokenUsage,
    keeps_prefix,
    prompt_tokens_bound,
    request_bytes,
    request_hash,
)
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._tally import AskTally
from stratum_core.trace import AttemptClass

__all__ = ["AttemptResult", "LostAttempt", "Sending", "outcome_of", "send", "worst_case"]

_ERRORS: Mapping[str, type[ModelError]] = {
    kind.code: kind
    for kind in (ModelError, TransportError, QuotaError, AuthError, BadRequestError, ModelRefusal)
}


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt whose outcome nobody knows: the process died between sending and writing the answer down."""


AttemptResult = ModelReply | ModelError | LostAttempt
"""How one attempt ended, live or replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What identifies one attempt in the journal."""

    path: str
    attempt: int
    input_hash: str
    request: ModelRequest
    template_hash: str
    """Of what its prompt shares with every call of its function."""
    made_for: AttemptClass = "first"
    tally: AskTally = field(default_factory=AskTally)
    """What the attempts of its call have used so far."""

    @property
    def call_id(self) -> str:
        """The attempt's id, unique in its run."""
        return f"{self.path}#{self.attempt}"


async def send(
    context: RunContext, meter: Meter, sending: Sending, held: Reservation | None = None
) -> ModelReply | ModelError:
    """Make one paid request, in a map after the first one that begins as it does (see `_prefix.py`).

    Args:
        context: The run.
        meter: What pays.
        sending: The request and its place in the journal.
        held: Room that was reserved for it before; closed when this returns or raises.

    Returns:
        The reply, or the model error it ended in; both are durable when this returns.

    Raises:
        BudgetExceeded: The worst case of this attempt does not fit a cap; nothing was sent.
        RunStopped: The run ends, or has to because the model has no price; nothing was sent.
    """
    if not _waits_for_prefix(context, meter, sending.request):
        return await _send(context, meter, sending, held)
    try:
        async with context.prefixes.turn(sending.request.model, sending.template_hash, wait=context.wait_for):
            return await _send(context, meter, sending, held)
    finally:
        if held is not None:
            held.release()


def _waits_for_prefix(context: RunContext, meter: Meter, request: ModelRequest) -> bool:
    """Return whether a request may have to let another one go ahead; what has a time cap never has."""
    if not context.together or meter.deadline is not None:
        return False
    price = context.prices.price(request.model)
    return price is not None and keeps_prefix(request, price)


async def _send(
    context: RunContext, meter: Meter, sending: Sending, held: Reservation | None
) -> ModelReply | ModelError:
    """Reserve, unless that was done before, and send when the pace allows; `held` is closed when this returns."""
    try:
        needed = worst_case(context, sending.request)
    except ConfigurationError as fault:
        if held is not None:
            held.release()
        raise context.stop("failed", fault.message, remedy=fault.remedy, cause=fault.code) from fault
    if held is not None and not held.covers(needed):
        held.release()  # a dearer model stands in for the one it was reserved for
        held = None
    if held is None:
        context.raise_if_stopped()
        held = await meter.reserve(needed)
    context.checkpoint.pass_by(context.journal, meter)
    if not context.paced:
        return await _send_reserved(context, held, sending)
    try:
        async with context.paces.of(sending.request.model).slot():
            return await _send_reserved(context, held, sending)
    finally:
        held.release()


async def _send_reserved(
    context: RunContext, reservation: Reservation, sending: Sending
) -> ModelReply | ModelError:
    """Write the intent down and make the request; the reservation is closed when this returns or raises."""
    reserved = reservation.usage
    intent = Intent(
        call_id=sending.call_id,
        path=sending.path,
        attempt=sending.attempt,
        input_hash=sending.input_hash,
        request_hash=request_hash(sending.request),
        model=sending.request.model,
        reserved=reserved,
    )
    try:
        context.raise_if_stopped()
        await context.journal.intent(intent)
    except BaseException:
        reservation.release()
        raise
    if context.call is not None:
        context.call.sent(intent, sending.made_for)
    return await _exchange(context, reservation, sending, reserved)


async def _exchange(
    context: RunContext,
    reservation: Reservation,
    sending: Sending,
    reserved: Usage,
) -> ModelReply | ModelError:
    """Send the request and settle it, whatever happens to this task meanwhile."""
    pace = context.paces.of(sending.request.model)
    cuts = pace.cuts
    try:
        reply = await context.client_for(sending.request.model).complete(sending.request)
    except ModelError as error:
        if pace.learn(error, cuts=cuts):
            context.journal.note("slowed", data={"model": sending.request.model, "limit": int(pace.limit)})
        await _settle_error(context, reservation, sending, error)
        return error
    except BaseException:
        context.census.calls_possibly_paid += 1
        await _settle(context, reservation, sending, state="possibly_paid", outcome={"kind": "cut_off"})
        raise
    pace.learn(reply, cuts=cuts)
    usage = _usage(context, sending.request.model, reply, reserved)
    await _settle(context, reservation, sending, state="answered", usage=usage, outcome=_reply_record(reply))
    _count(sending, reserved, usage, reply.usage)
    if reservation.overrun:
        context.stop(
            "stopped_budget",
            f"{sending.path}: the provider counted more than was reserved for the request, so no cap can be promised",
            remedy="report the model and the request; its price or token bound is wrong",
        )
    context.census.calls_answered += 1
    context.census.simulated = context.census.simulated or reply.simulated
    return reply


async def _settle_error(
    context: RunContext,
    reservation: Reservation,
    sending: Sending,
    error: ModelError,
) -> None:
    """Charge nothing when the provider cannot have charged, else the whole reservation.

    What a stranger wrote stays out of the journal: a provider's words may repeat the prompt.
    """
    record: dict[str, JsonValue] = {
        "kind": "error",
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "detail": {name: value for name, value in error.detail.items() if name != "provider_says"},
    }
    if error.detail.get("paid") == "no":
        await _settle(context, reservation, sending, state="failed", usage=Usage(calls=1), outcome=record)
        return
    context.census.calls_possibly_paid += 1
    await _settle(context, reservation, sending, state="possibly_paid", outcome=record)
    _count(sending, reservation.usage, reservation.usage, None)


def _count(sending: Sending, reserved: Usage, used: Usage, counted: TokenUsage | None) -> None:
    """Add an attempt to the tally of its call."""
    sending.tally.add(reserved=reserved, max_tokens=sending.request.max_tokens, used=used, counted=counted)


async def _settle(
    context: RunContext,
    reservation: Reservation,
    sending: Sending,
    *,
    state: SettledState,
    outcome: Mapping[str, JsonValue],
    usage: Usage | None = None,
) -> None:
    """Write down how an attempt ended, then charge it, whatever happens to this task meanwhile.

    Without `usage` the whole reservation is charged, as it is when the journal cannot be written: the reservation is
    closed in any case, because other calls may wait for its room.
    """
    try:
        with anyio.CancelScope(shield=True):
            await context.journal.settle(
                sending.call_id, state=state, usage=usage or reservation.usage, outcome=outcome
            )
            if context.call is not None:
                context.call.settled(
                    sending.call_id, state=state, usage=usage or reservation.usage, outcome=outcome
                )
    except BaseException:
        reservation.keep()
        raise
    reservation.settle(usage or reservation.usage)


def outcome_of(recorded: RecordedAttempt) -> AttemptResult:
    """Return what a recorded attempt ended in, so that the infer loop takes the same way again."""
    outcome = recorded.outcome
    match outcome.get("kind"):
        case "reply":
            usage = cast("Mapping[str, int] | None", outcome["usage"])
            return ModelReply(
                text=str(outcome["text"]),
                usage=None if usage is None else TokenUsage(**usage),
                finish=cast("FinishReason", outcome["finish"]),
                model=str(outcome["model"]),
                enforcement=cast("SchemaEnforcement", outcome["enforcement"]),
                simulated=bool(outcome["simulated"]),
            )
        case "error":
            kind = _ERRORS.get(str(outcome["code"]), ModelError)
            detail = cast("Mapping[str, JsonValue]", outcome["detail"])
            return kind(str(outcome["message"]), remedy=str(outcome["remedy"]), detail=detail)
        case _:
            return LostAttempt()


def worst_case(context: RunContext, request: ModelRequest) -> Usage:
    """Return the most one attempt can use, by the same bounds the plan's worst case is made of.

    Raises:
        ConfigurationError: The model has no known price, so no cap could hold.
    """
    prompt_tokens = prompt_tokens_bound(request_bytes(request))
    price = context.prices.price(request.model)
    if price is None and context.allow_unpriced:
        return Usage(tokens=prompt_tokens + request.max_tokens, calls=1)
    if price is None:
        raise ConfigurationError(
            f"model `{request.model}` has no known price, so its cost cannot be capped",
            remedy="name a priced model, or give its price in the operator's price file",
        )
    prompt_tokens += price.overhead_tokens
    return Usage(
        nusd=price.worst_nusd(prompt_tokens, request.max_tokens),
        tokens=prompt_tokens + request.max_tokens,
        calls=1,
    )


def _usage(context: RunContext, model: str, reply: ModelReply, reserved: Usage) -> Usage:
    """Return what to charge for a reply: the provider's counts, or the reservation when it sent none."""
    price = context.prices.price(model)
    if reply.usage is None:
        return reserved
    counted = reply.usage
    return Usage(
        nusd=reserved.nusd if price is None else price.cost_nusd(counted),
        tokens=counted.input_tokens + counted.output_tokens,
        calls=1,
    )


def _reply_record(reply: ModelReply) -> dict[str, JsonValue]:
    """Return a reply as the journal keeps it."""
    usage: dict[str, JsonValue] | None = None
    if reply.usage is not None:
        usage = {
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cache_read_tokens": reply.usage.cache_read_tokens,
            "cache_write_tokens": reply.usage.cache_write_tokens,
        }
    return {
        "kind": "reply",
        "text": reply.text,
        "usage": usage,
        "finish": reply.finish,
        "model": reply.model,
        "enforcement": reply.enforcement,
        "simulated": reply.simulated,
    }
