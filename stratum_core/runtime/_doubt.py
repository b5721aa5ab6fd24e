"""Calls that may have been paid: what the operator's policy says before such a request is sent again.

An attempt is in doubt when the process died between sending it and writing its answer down, or when the provider did
not say whether it charges. Its worst case stays charged in any case. `retry` sends again inside the budget, `fail` lets
the call fail with its cause, `ask` puts a question to a person and parks. An answer is in the journal before it counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.commands import command_line
from stratum_core.contracts import EnumType, JsonValue
from stratum_core.errors import DeterminismError, ModelError, RunWaiting, TransportError
from stratum_core.journal import Question
from stratum_core.runtime._attempt import AttemptResult, LostAttempt
from stratum_core.runtime._context import RunContext

__all__ = ["in_doubt", "require_sendable"]

_KIND = "decided"
_AGAIN, _GIVE_UP = "send again", "give up"


def in_doubt(result: AttemptResult) -> bool:
    """Return whether nobody knows if an attempt was paid."""
    if isinstance(result, ModelError):
        return result.detail.get("paid", "unknown") == "unknown"
    return isinstance(result, LostAttempt)


async def require_sendable(
    context: RunContext, path: str, attempt: int, result: AttemptResult, *, model: str
) -> None:
    """Return when a call whose last attempt is in doubt may be sent again.

    Args:
        context: The run; one that ends asks nobody.
        path: The call.
        attempt: The attempt in doubt, counted from 0 at this path.
        result: How it ended.
        model: Who was asked.

    Raises:
        ModelError: It may not be; the cause of the attempt.
        RunWaiting: A person has to say so first.
    """
    if context.possibly_paid == "retry" or context.stopped is not None or not in_doubt(result):
        return
    cause = result if isinstance(result, ModelError) else _lost(path, attempt)
    if context.possibly_paid == "ask" and await _is_wanted(context, path, attempt, cause, model):
        return
    raise cause


async def _is_wanted(context: RunContext, path: str, attempt: int, cause: ModelError, model: str) -> bool:
    """Return whether a person wants the request sent again.

    Raises:
        RunWaiting: Nobody has answered yet.
        DeterminismError: The answer on record is to another question.
    """
    at = f"{path}#{attempt}/again"
    asked = Question(
        text="Send this request again? It may have been paid for already; nobody knows.",
        show={"call": path, "model": model, "what happened": cause.message},
        options=(_AGAIN, _GIVE_UP),
        answer=EnumType((_AGAIN, _GIVE_UP)),
    )
    fact: Mapping[str, JsonValue] | None = context.journal.recorded(_KIND).get(at)
    if fact is None:
        review = await context.reviews.ask(at, asked)
        if review.decision is None:
            raise RunWaiting(
                f"{path}: question {review.number} waits for a person",
                remedy=f"a person answers it with: {command_line('decide', review.run_id)}",
                detail={"state": "waiting", "review_id": review.review_id},
            )
        fact = {
            "question": asked.hash,
            "value": review.decision.value,
            "channel": review.decision.channel,
            "reviewer": review.decision.reviewer,
        }
        await context.journal.event(_KIND, path=at, data=fact)
    elif fact.get("question") != asked.hash:
        raise DeterminismError(
            f"{at}: the answer on record is to another question", remedy="plan again and start a new run"
        )
    return fact["value"] == _AGAIN


def _lost(path: str, attempt: int) -> TransportError:
    return TransportError(
        f"{path}: attempt {attempt} was cut off after it was sent, so it may have been paid for, and the operator's "
        "policy does not send it again",
        remedy="look at the provider's bill; plan again with `reuse` to ask only what has no answer",
        detail={"paid": "unknown"},
    )
