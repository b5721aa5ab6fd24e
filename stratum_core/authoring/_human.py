"""`await_human`: a flow waits until a person has decided; a resumed flow takes the decision from its record."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar, cast, overload

import anyio

from stratum_core.authoring._codec import Codec
from stratum_core.authoring._session import Session, session_of
from stratum_core.authoring._sinks import ConsoleReviewSink, Waiting, as_json
from stratum_core.authoring._types import codec_of
from stratum_core.contracts import EnumType, JsonScalar, JsonValue, Type, canonical_json
from stratum_core.errors import StratumCompileError, StratumError
from stratum_core.journal import Question, ReviewDecision, ReviewRecord, review_id_of
from stratum_core.results import HumanDecision, HumanReviewContext, PendingReview
from stratum_core.runtime import ask_person
from stratum_core.trace import TraceRecord

__all__ = ["Desk", "await_human"]

T = TypeVar("T")

_ASKED = "library_asked"


class _Lapse(Enum):
    """What becomes of a question nobody answers in time."""

    RAISE = "raise"


_RAISE: Final = _Lapse.RAISE


@overload
async def await_human(
    context: HumanReviewContext | str,
    decision_type: type[T],
    options: Sequence[T] = (),
    timeout: timedelta | float | None = None,  # noqa: ASYNC109 - the wall clock of a question, not of a task
    on_timeout: T | _Lapse = _RAISE,
) -> HumanDecision[T]: ...
@overload
async def await_human(
    context: HumanReviewContext | str,
    decision_type: object,
    options: Sequence[object] = (),
    timeout: timedelta | float | None = None,  # noqa: ASYNC109
    on_timeout: object = _RAISE,
) -> HumanDecision[Any]: ...
async def await_human(
    context: HumanReviewContext | str,
    decision_type: object,
    options: Sequence[object] = (),
    timeout: timedelta | float | None = None,  # noqa: ASYNC109
    on_timeout: object = _RAISE,
) -> HumanDecision[object]:
    """Ask a person and wait for the decision.

    The question goes to the sink of `configure(review_sink=...)`, by default to the terminal. Other tasks of the flow
    go on meanwhile, and no budget's clock runs. In a durable flow the decision is on record before it is used.

    Args:
        context: What is asked and shown; a text is a question that shows nothing.
        decision_type: The type of the decision: `bool`, `str`, a contract, a `Literal`, ...
        options: The answers to choose from: text, numbers or bools. None: whatever is of the type.
        timeout: Seconds of wall-clock time from the first asking, also while no process runs; None: for ever.
        on_timeout: The decision when nobody answers in time. Default: an error.

    Raises:
        HITLTimeoutError: Nobody answered in time, and there is no `on_timeout`; `detail` holds `review_id`.
        StratumCompileError: The options, or `on_timeout`, are not of the type.
        DeterminismError: The record holds a decision on another question here.
    """
    asked = HumanReviewContext(question=context) if isinstance(context, str) else context
    codec = codec_of(decision_type, where="await_human: decision_type")
    limit_s = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    choices = tuple(codec.dump(option) for option in options)
    async with session_of() as session:
        path = session.next_place("await_human", (asked, options))
        desk = Desk(
            session=session,
            asked=asked,
            options=tuple(options),
            limit_s=limit_s,
            lapse=None if on_timeout is _RAISE else _Answered(codec.dump(on_timeout)),
        )
        with _traced(session, asked, path) as record:
            found = await ask_person(
                replace(session.context, reviews=desk),
                asked.question,
                {label: as_json(value) for label, value in asked.artifacts.items()},
                tuple(one if isinstance(one, str) else canonical_json(one) for one in choices),
                _answer_type(codec.type, choices),
                path=path,
                timeout_s=None if limit_s is None else math.ceil(limit_s),
                on_timeout=None if desk.lapse is None else canonical_json(desk.lapse.value),
            )
            record["output"] = found["value"]
        return _decision(found, codec, review_id_of(session.context.journal.run_id, path))


@contextmanager
def _traced(session: Session, asked: HumanReviewContext, path: str) -> Generator[dict[str, JsonValue]]:
    """Tell the tracer of a question when it is over; the block notes its `output`.

    What was shown is not in the record: some of it may be opaque.
    """
    context = session.context
    noted: dict[str, JsonValue] = {"output": None}
    started, at_ns = time.perf_counter(), time.time_ns()
    message, code = "", ""
    try:
        yield noted
    except StratumError as error:
        message, code = error.message, error.code
        raise
    except BaseException:
        message, code = "the question was taken back", "cancelled"
        raise
    finally:
        if context.tracer is not None:
            context.tracer.call_ended(
                TraceRecord(
                    kind="human",
                    function="await_human",
                    path=path,
                    flow=context.flow,
                    inputs={"question": asked.question, "shown": list(asked.artifacts)},
                    output=noted["output"],
                    error=message,
                    error_code=code,
                    started_at_ns=at_ns,
                    duration_ms=(time.perf_counter() - started) * 1000,
                    cost_usd=Decimal(0),
                    review_id=review_id_of(context.journal.run_id, path),
                )
            )


def _decision(found: Mapping[str, JsonValue], codec: Codec, review_id: str) -> HumanDecision[object]:
    """Return what the runtime gives as the library's value."""
    reviewer, rationale = found["reviewer"], found["rationale"]
    return HumanDecision(
        value=codec.load(found["value"]),
        reviewer=None if reviewer is None else str(reviewer),
        rationale=None if rationale is None else str(rationale),
        decided_at=datetime.fromisoformat(str(found["decided_at"])),
        review_id=review_id,
    )


def _answer_type(kind: Type, choices: tuple[JsonValue, ...]) -> Type:
    """Return the type of the answer: one of the choices where there are any.

    Raises:
        StratumCompileError: A choice is a list or a record.
    """
    if not choices:
        return kind
    odd = next((one for one in choices if isinstance(one, (list, dict))), None)
    if odd is not None:
        raise StratumCompileError(
            f"await_human: the option {odd!r} is no text, number or bool",
            remedy="let the person choose by name, or leave the options out",
        )
    return EnumType(cast("tuple[JsonScalar, ...]", choices))


@contextmanager
def _clocks_standing(session: Session) -> Generator[None]:
    """Stop the clocks of all flows around."""
    with ExitStack() as stack:
        for clock in session.clocks:
            stack.enter_context(clock.standing())
        yield


@dataclass(frozen=True, slots=True)
class _Answered:
    """A decision in JSON."""

    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Puts questions of a session: what a run of a document keeps in the control file waits here in memory."""

    session: Session
    asked: HumanReviewContext | None = None
    """What is asked and shown, as Python values; None: what the question itself says."""
    options: tuple[object, ...] = ()
    limit_s: float | None = None
    lapse: _Answered | None = None
    """The decision of a lapsed question."""

    async def ask(self, path: str, question: Question) -> ReviewRecord:
        """Ask the person through the sink, and return the question with its decision."""
        run_id = self.session.context.journal.run_id
        asked_at_s = await self._first_asked_s(path)
        expires_at_s = None if self.limit_s is None else asked_at_s + self.limit_s
        review = PendingReview(
            review_id=review_id_of(run_id, path),
            context=self.asked or HumanReviewContext(question=question.text, artifacts=question.show),
            options=self.options if self.asked is not None else question.options,
            expires_at=None if expires_at_s is None else datetime.fromtimestamp(expires_at_s, UTC),
        )
        left_s = None if expires_at_s is None else max(0.0, expires_at_s - time.time())
        decision = ReviewDecision(
            value=None if self.lapse is None else self.lapse.value,
            channel="timeout",
            reviewer="",
            at_ms=int((expires_at_s or 0) * 1000),
        )
        sink = self.session.settings.review_sink or ConsoleReviewSink()
        with _clocks_standing(self.session), anyio.move_on_after(left_s):
            answer = await sink.ask(Waiting(review=review, kind=question.answer))
            decision = ReviewDecision(
                value=answer.value,
                channel="terminal",
                reviewer=answer.reviewer,
                rationale=answer.rationale,
                at_ms=int(answer.at.timestamp() * 1000),
            )
        return ReviewRecord(
            review_id=review.review_id,
            run_id=run_id,
            path=path,
            number=1,
            question=question,
            created_at_ms=int(asked_at_s * 1000),
            decision=decision,
        )

    async def withdraw(self, path: str, reason: str) -> None:
        """Do nothing: a question of a task that is cut off ends with it, and its sink is told."""

    async def _first_asked_s(self, path: str) -> float:
        """Return when the question was asked first, in seconds since 1970; now, where it was not."""
        journal = self.session.context.journal
        recorded = journal.recorded(_ASKED).get(path)
        at_s = None if recorded is None else recorded.get("at_s")
        if isinstance(at_s, float):
            return at_s
        now_s = time.time()
        await journal.event(_ASKED, path=path, data={"at_s": now_s})
        return now_s
