"""A question to a person: stored as a row, waited for by nobody, used once its answer is in the run's journal.

A question without an answer raises `RunWaiting`; whatever does not read its value goes on, then the runner ends. The
next runner walks here again and finds the answer. An answer, or that none came in time, is a fact of its own time: it
is written as a `decided` event before it is used, and from then on the journal is what a replay follows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from stratum_core.commands import command_line
from stratum_core.contracts import JsonValue, Type, held
from stratum_core.errors import DeterminismError, HITLTimeoutError, RunWaiting
from stratum_core.journal import Question, ReviewDecision, ReviewRecord, review_id_of
from stratum_core.llm import has_opaque
from stratum_core.runtime._calls import checked
from stratum_core.runtime._context import RunContext, Scope, evaluate
from stratum_core.specs import HumanVerb
from stratum_core.trace import OPAQUE, TraceRecord, Tracers

__all__ = ["ask_person", "run_human"]

_DECIDED = "decided"
_SHOWN_CHARACTERS = 8_000
"""How much of one shown value is kept for the person."""


async def run_human(context: RunContext, verb: HumanVerb, scope: Scope, path: str) -> Mapping[str, JsonValue]:
    """Ask what a step asks, and return its `HumanDecision` record.

    Raises:
        RunWaiting: Nobody has answered yet.
        HITLTimeoutError: Nobody answered in time, and the step names no answer for that.
    """
    context.raise_if_stopped()
    show = {label: await evaluate(expression, scope) for label, expression in verb.show.items()}
    opaque = tuple(label for label, expression in verb.show.items() if has_opaque(expression.type))
    shown = {label: OPAQUE if label in opaque else value for label, value in show.items()}
    is_news = context.tracer is not None and path not in context.journal.recorded(_DECIDED)
    try:
        found = await ask_person(
            context,
            verb.question,
            show,
            verb.options,
            verb.answer,
            path=path,
            timeout_s=verb.timeout_s,
            on_timeout=verb.on_timeout,
            opaque=opaque,
        )
    except HITLTimeoutError as lapsed:
        if is_news:
            _trace(context, path, shown, opaque, error=lapsed)
        raise
    if is_news:
        _trace(context, path, shown, opaque, output=found["value"])
    return found


def _trace(
    context: RunContext,
    path: str,
    shown: Mapping[str, JsonValue],
    opaque: tuple[str, ...],
    *,
    output: JsonValue = None,
    error: HITLTimeoutError | None = None,
) -> None:
    """Tell the tracer of a question that came to its end; nothing waited for it, so it took no time."""
    record = TraceRecord(
        kind="human",
        function="await_human",
        path=path,
        flow=context.flow,
        inputs=shown,
        opaque=opaque,
        output=output,
        error="" if error is None else error.message,
        error_code="" if error is None else error.code,
        started_at_ns=time.time_ns(),
        duration_ms=0.0,
        cost_usd=Decimal(0),
        review_id=review_id_of(context.journal.run_id, path),
    )
    if context.tracer is not None:
        Tracers(context.tracer).call_ended(record)


async def ask_person(  # noqa: PLR0913 - one argument for each part of a question
    context: RunContext,
    question: str,
    show: Mapping[str, JsonValue],
    options: tuple[str, ...],
    answer: Type,
    *,
    path: str,
    timeout_s: int | None,
    on_timeout: str | None,
    opaque: Collection[str] = (),
) -> Mapping[str, JsonValue]:
    """Ask a person and return `{value, reviewer, rationale, decided_at}`.

    Args:
        context: The run.
        question: What is asked, in plain words.
        show: What the person sees, by label.
        options: The answers to choose from; empty: whatever fits `answer`.
        answer: The type of the value.
        path: Where in the run; one question stands at each path.
        timeout_s: Seconds after the first asking until the question lapses, whether or not a process runs; None: never.
        on_timeout: The value of a lapsed question; None: it fails.
        opaque: Labels of `show` that are told to be data.

    Raises:
        RunWaiting: Nobody has answered yet.
        HITLTimeoutError: Nobody answered in time and there is no `on_timeout`.
        ContractViolation: The stored answer does not fit `answer`.
        DeterminismError: Another question was asked at this path before.
    """
    asked = Question(
        text=question,
        show={label: _bounded(value) for label, value in show.items()},
        opaque=tuple(label for label in show if label in opaque),
        options=options,
        answer=answer,
        timeout_s=timeout_s,
        on_timeout=on_timeout,
    )
    fact = context.journal.recorded(_DECIDED).get(path)
    if fact is None:
        review = await context.reviews.ask(path, asked)
        if review.decision is None:
            raise RunWaiting(
                f"{path}: question {review.number} waits for a person",
                remedy=f"a person answers it with: {command_line('decide', review.run_id)}",
                detail={"state": "waiting", "review_id": review.review_id},
            )
        fact = _fact(review, review.decision, asked)
        await context.journal.event(_DECIDED, path=path, data=fact)
    elif fact.get("question") != asked.hash:
        raise DeterminismError(
            f"{path}: the answer on record is to another question", remedy="plan again and start a new run"
        )
    return _used(fact, answer, path)


def _fact(review: ReviewRecord, decision: ReviewDecision, asked: Question) -> Mapping[str, JsonValue]:
    """Return what the journal keeps of a decision."""
    return {
        "review_id": review.review_id,
        "question": asked.hash,
        "channel": decision.channel,
        "lapsed": review.lapsed,
        "value": decision.value,
        "reviewer": decision.reviewer or None,
        "rationale": decision.rationale or None,
        "decided_at": _moment(decision.at_ms),
    }


def _used(fact: Mapping[str, JsonValue], answer: Type, path: str) -> Mapping[str, JsonValue]:
    """Return the value of a decision on record."""
    if fact["lapsed"]:
        raise HITLTimeoutError(
            f"{path}: nobody answered the question before {fact['decided_at']}",
            remedy="give the question more time, or an `on_timeout` answer",
            detail={"review_id": fact["review_id"]},
        )
    return {
        "value": checked(answer, fact["value"], f"{path}: the person's answer"),
        "reviewer": fact["reviewer"],
        "rationale": fact["rationale"],
        "decided_at": fact["decided_at"],
    }


def _bounded(value: JsonValue) -> JsonValue:
    """Return a shown value, or the start of its text when it is long."""
    value = held(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN_CHARACTERS:
        return value
    return f"{text[:_SHOWN_CHARACTERS]}… (cut; {len(text):,} characters in all)"


def _moment(at_ms: int) -> str:
    """Return a time as values of type datetime write it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
