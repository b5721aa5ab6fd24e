"""The infer loop: one model call, its attempts, and the one owner of every retry.

Three kinds of retry, never mixed: transport faults are sent again after a pause and never shown to the model; an
answer that breaks its contract is asked for again with the violations appended; a model that cannot answer is
replaced by the next of the function's `fallbacks`. Nothing else is retried. At most
`retries + 1 + TRANSPORT_RETRIES + len(fallbacks)` requests leave for one call in one process; attempts lost to a crash
are charged but not counted, because the crash was not the call's fault.

A replayed call walks the same loop over its recorded attempts, so a resumed run decides exactly as the first did and
buys nothing that is on record. Only what said nothing about the call is not taken over: rate limits, server faults, an
empty account and a refused key ended with the process that met them, so a resumed call has its transport retries anew.

Conditions, budgets, votes, iterations and answers on record are not this file's business: see `_ask.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stratum_core.budget import Meter, Reservation, Usage
from stratum_core.contracts import JsonValue, content_hash
from stratum_core.errors import (
    AuthError,
    DeterminismError,
    ModelError,
    ModelRefusal,
    ParseFailure,
    PostconditionFailed,
    QuotaError,
    TransportError,
)
from stratum_core.journal import REJECTED, RecordedAttempt
from stratum_core.llm import (
    TRANSPORT_RETRIES,
    ModelReply,
    ModelRequest,
    Prompt,
    compile_prompt,
    max_answer_tokens,
    retry_block,
)
from stratum_core.runtime._answer import Accepted, Rejected, judge
from stratum_core.runtime._attempt import AttemptResult, LostAttempt, Sending, outcome_of, send, worst_case
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._doubt import require_sendable
from stratum_core.runtime._tally import AskTally
from stratum_core.specs import InferSpec
from stratum_core.trace import AttemptClass, AttemptOutcome

__all__ = ["first_worst", "infer"]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LONGEST_ASKED_S = 120.0
_REASON_CHARACTERS = 600
"""A provider that asks for more than this is not busy but closed; waiting would only look like a hang."""


@dataclass(slots=True, kw_only=True)
class _Call:
    """The state of one logical call between its attempts."""

    spec: InferSpec
    inputs: Mapping[str, JsonValue]
    path: str
    feedback: str
    input_hash: str
    recorded: Sequence[RecordedAttempt]
    models: tuple[str, ...]
    """The function's model and those that stand in for it, in order."""
    held: Reservation | None = None
    """Room for the first request, when it was reserved before."""
    model: int = 0
    """Who is asked now."""
    attempt: int = 0
    contract_retries: int = 0
    transport_retries: int = 0
    violations: str = ""
    history: tuple[Rejected, ...] = ()
    recorded_faults: int = 0
    given_up: TransportError | None = None
    """What the call ended in for an earlier process; stands when it cannot be tried again."""
    made_for: AttemptClass = "first"
    """Why the next attempt is made."""
    call_id: str = ""
    """The latest attempt."""
    _prompt: Prompt | None = None

    @property
    def prompt(self) -> Prompt:
        """The prompt, compiled when it is first needed: a replayed call sends nothing."""
        if self._prompt is None:
            self._prompt = compile_prompt(self.spec, self.inputs)
        return self._prompt

    tally: AskTally = field(default_factory=AskTally)
    """What its attempts have used."""


async def infer(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    feedback: str = "",
    held: Reservation | None = None,
) -> JsonValue:
    """Make one model call and return an answer that satisfies its contract.

    Args:
        context: The run.
        spec: The function; only its prompt, models, retries, output and `ensure` are looked at.
        inputs: A checked value for each of its inputs.
        path: Where in the run.
        meter: What pays.
        feedback: The block of a further iteration.
        held: Room for the first request; closed when this returns or raises.

    Raises:
        PostconditionFailed: An `ensure` was still false after the last attempt.
        ParseFailure: No attempt gave a value of the output type, or the answer was cut off.
        ModelError: Every model of the chain refused or failed.
        BudgetExceeded: The next attempt does not fit a cap.
        DeterminismError: The journal holds an answer for other inputs at this path.
        RunStopped: The run ends.
    """
    try:
        call = _open(context, spec, inputs, path, feedback)
        call.held = held
        if context.call is not None:
            context.call.prompt = context.call.prompt or call.prompt
        try:
            return await _attempts(context, call, meter)
        finally:
            context.tally.asked(spec, call.models[0], call.tally)
    finally:
        if held is not None:
            held.release()


def first_worst(
    context: RunContext, spec: InferSpec, inputs: Mapping[str, JsonValue], *, path: str, feedback: str
) -> Usage | None:
    """Return the most the first request of a call can use; None when the call has attempts on record."""
    if context.journal.attempts(path):
        return None
    call = _open(context, spec, inputs, path, feedback)
    return worst_case(context, _request(context, call, 0))


def _open(
    context: RunContext, spec: InferSpec, inputs: Mapping[str, JsonValue], path: str, feedback: str
) -> _Call:
    """Find what the journal already knows about this call."""
    identity: dict[str, JsonValue] = {"function": spec.function_hash, "inputs": inputs}
    input_hash = content_hash({**identity, "feedback": feedback} if feedback else identity)
    recorded = context.journal.attempts(path)
    for attempt in recorded:
        if attempt.input_hash != input_hash:
            raise DeterminismError(
                f"{path}: attempt {attempt.attempt} is on record for other inputs",
                remedy="make a new plan; an answer to another question is never reused",
            )
    return _Call(
        spec=spec,
        inputs=inputs,
        path=path,
        feedback=feedback,
        input_hash=input_hash,
        recorded=recorded,
        models=(context.model_of(spec), *spec.fallbacks),
    )


async def _attempts(context: RunContext, call: _Call, meter: Meter) -> JsonValue:
    """Attempt until an answer is accepted or a kind of retry is used up."""
    while True:
        replayed = call.attempt < len(call.recorded)
        if not replayed and context.stopped is not None:
            raise call.given_up or context.stopped
        result = _replay(context, call, meter) if replayed else await _ask(context, call, meter)
        call.attempt += 1
        if call.attempt >= len(call.recorded):
            await require_sendable(
                context, call.path, call.attempt - 1, result, model=call.models[call.model]
            )
        match result:
            case ModelReply(finish="refusal"):
                _note(context, call, "refused", "the model declined to answer")
                refusal = ModelRefusal(f"{call.path}: the model declined to answer", detail={"paid": "yes"})
                _stand_in(context, call, refusal)
            case ModelReply():
                verdict = _judged(context, call, result)
                if isinstance(verdict, Accepted):
                    return verdict.value
                _write_down(context, call, verdict, replayed=replayed)
                _count_contract_retry(context, call, verdict)
            case LostAttempt():
                call.made_for = "resumed"
            case _ if replayed:
                _after_recorded_fault(context, call, result)
            case _:
                await _after_fault(context, call, result)


def _after_recorded_fault(context: RunContext, call: _Call, fault: ModelError) -> None:
    """Go on after a fault on record: what ended with its process is tried anew.

    Raises:
        ModelError: Nothing is left to try.
    """
    if isinstance(fault, (AuthError, QuotaError)):
        call.made_for = "resumed"
    elif isinstance(fault, TransportError):
        context.census.retries["transport"] += 1
        call.made_for = "transport"
        _keep_given_up(call, fault)
    else:
        _stand_in(context, call, fault)


async def _after_fault(context: RunContext, call: _Call, fault: ModelError) -> None:
    """Prepare the next attempt after a fault that was met just now, or give up.

    Raises:
        ModelError: Nothing is left to try.
        RunStopped: Every account is closed.
    """
    if isinstance(fault, TransportError):
        await _pause_for_transport(context, call, fault)
        return
    if isinstance(fault, (AuthError, QuotaError)):
        context.shut_models.add(call.models[call.model])
        if call.model + 1 == len(call.models):
            raise context.stop("stopped_limit", fault.message, remedy=fault.remedy) from fault
    _stand_in(context, call, fault)


def _stand_in(context: RunContext, call: _Call, error: ModelError) -> None:
    """Let the next model of the chain go on, or give up.

    Raises:
        ModelError: This was the last one.
    """
    if call.model + 1 == len(call.models):
        raise error
    call.model += 1
    call.made_for = "fallback"
    context.census.retries["fallback"] += 1


def _note(context: RunContext, call: _Call, outcome: AttemptOutcome, reason: str = "") -> None:
    """Tell the trace what became of the latest answer."""
    if context.call is not None:
        context.call.judged(call.call_id, outcome, reason)


def _replay(context: RunContext, call: _Call, meter: Meter) -> AttemptResult:
    """Return the outcome of the next attempt on record, charged to the scopes inside the run."""
    recorded = call.recorded[call.attempt]
    meter.charge_recorded(recorded.usage)
    if recorded.model in call.models:
        model = call.models.index(recorded.model)
        if model > call.model:
            context.census.retries["fallback"] += model - call.model
            call.made_for = "fallback"
        call.model = model
    context.census.count_replayed(recorded)
    call.call_id = recorded.call_id
    if context.call is not None:
        context.call.replayed(recorded, call.made_for)
    outcome = outcome_of(recorded)
    if recorded.usage.tokens and recorded.outcome.get("kind") in {"reply", "error"}:
        call.tally.add(
            reserved=recorded.reserved,
            max_tokens=max_answer_tokens(call.spec),
            used=recorded.usage,
            counted=outcome.usage if isinstance(outcome, ModelReply) else None,
        )
    return outcome


def _keep_given_up(call: _Call, fault: TransportError) -> None:
    """Keep the fault on record that used an earlier process's transport retries up."""
    call.recorded_faults += 1
    if call.recorded_faults > TRANSPORT_RETRIES:
        call.given_up = fault


async def _ask(context: RunContext, call: _Call, meter: Meter) -> ModelReply | ModelError:
    """Send the next attempt, past models whose account is known to be closed."""
    while call.model + 1 < len(call.models) and call.models[call.model] in context.shut_models:
        call.model += 1
        call.made_for = "fallback"
        context.census.retries["fallback"] += 1
    attempt = context.answers.number(call.path, call.attempt)
    sending = Sending(
        path=call.path,
        attempt=attempt,
        input_hash=call.input_hash,
        request=_request(context, call, attempt),
        template_hash=call.prompt.template_hash,
        made_for=call.made_for,
        tally=call.tally,
    )
    call.call_id = sending.call_id
    held, call.held = call.held, None
    return await send(context, meter, sending, held)


def _request(context: RunContext, call: _Call, attempt: int) -> ModelRequest:
    """Return the request of an attempt."""
    return call.prompt.request(
        model=call.models[call.model],
        max_tokens=max_answer_tokens(call.spec),
        temperature=call.spec.temperature,
        feedback=call.feedback,
        retry=call.violations,
        idempotency_key=f"{context.journal.run_id}/{call.path}#{attempt}",
    )


def _judged(context: RunContext, call: _Call, reply: ModelReply) -> Accepted | Rejected:
    """Judge a reply.

    Raises:
        ParseFailure: The answer was cut off at the output limit; asking again would cut it again.
    """
    limit = max_answer_tokens(call.spec)
    if reply.finish == "length":
        _note(context, call, "cut_off", f"the answer was cut off at {limit} tokens")
        raise ParseFailure(
            f"{call.path}: the answer was cut off at {limit} tokens",
            remedy=f"give `{call.spec.name}` a larger `max_tokens`",
            detail={"max_tokens": limit},
        )
    verdict = judge(call.spec, call.inputs, reply, limit)
    if isinstance(verdict, Accepted):
        _note(context, call, "accepted")
    else:
        _note(context, call, "rejected", "; ".join(verdict.violations))
    return verdict


def _write_down(context: RunContext, call: _Call, rejected: Rejected, *, replayed: bool) -> None:
    """Keep why an answer was not accepted, once, for people who look at the run; nothing is decided by it."""
    if not replayed:
        reason = "; ".join(rejected.violations)[:_REASON_CHARACTERS]
        context.journal.note(REJECTED, path=call.path, data={"call_id": call.call_id, "reason": reason})


def _count_contract_retry(context: RunContext, call: _Call, rejected: Rejected) -> None:
    """Prepare the next attempt after a broken contract, or give up.

    Raises:
        PostconditionFailed: The last answer had the right type but broke an `ensure`.
        ParseFailure: The last answer did not have the output type.
    """
    call.history = (*call.history, rejected)
    if call.contract_retries < call.spec.retries:
        call.contract_retries += 1
        call.made_for = "contract"
        context.census.retries["contract"] += 1
        call.violations = retry_block(rejected.violations)
        return
    kind = PostconditionFailed if rejected.parsed else ParseFailure
    raise kind(
        f"{call.path}: `{call.spec.name}` gave no acceptable answer in {len(call.history)} "
        f"{'attempt' if len(call.history) == 1 else 'attempts'}; "
        f"the last one: {'; '.join(rejected.violations)}",
        remedy="loosen the condition, allow more retries, or use a stronger model",
        detail={
            "violations": list(rejected.violations),
            "history": [list(r.violations) for r in call.history],
        },
    )


async def _pause_for_transport(context: RunContext, call: _Call, error: ModelError) -> None:
    """Wait before the next transport retry, as long as the provider asks, or let another model go on, or give up.

    Raises:
        ModelError: The transport retries are used up, or the provider asks for too long a pause, on the last model.
    """
    asked = error.detail.get("retry_after_s")
    asked_s = float(asked) if isinstance(asked, (int, float)) else 0.0
    if call.transport_retries >= TRANSPORT_RETRIES or asked_s > _LONGEST_ASKED_S:
        _stand_in(context, call, error)
        return
    call.transport_retries += 1
    call.made_for = "transport"
    context.census.retries["transport"] += 1
    pause_s = _FIRST_PAUSE_S * 2 ** (call.transport_retries - 1) * (0.5 + context.jitter())
    await context.pause(max(asked_s, min(pause_s, _LONGEST_PAUSE_S)))
