"""Rows of the `reviews` table, read and written one at a time.

The columns stand in the order of `_Row`; a migration may only append.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import cast

from stratum_core.contracts import JsonValue, type_from_json
from stratum_core.journal._encoding import decode_object, encode
from stratum_core.journal._reviews import Question, ReviewChannel, ReviewDecision, ReviewRecord

__all__ = [
    "insert_review",
    "next_number",
    "read_review",
    "read_review_at",
    "read_reviews",
    "read_reviews_since",
    "reopen_review",
    "save_review_decision",
]

_Row = tuple[
    str, str, str, int, str, int, str | None, ReviewChannel | None, str | None, str | None, int | None
]


def insert_review(connection: sqlite3.Connection, review: ReviewRecord) -> None:
    """Add a question nobody has answered."""
    row = (
        review.review_id,
        review.run_id,
        review.path,
        review.number,
        encode(review.question.to_json(), where="question"),
        review.created_at_ms,
    )
    connection.execute("INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL)", row)


def save_review_decision(connection: sqlite3.Connection, review_id: str, decision: ReviewDecision) -> None:
    """Write the answer of a question that has none."""
    row = (
        encode(decision.value, where="answer"),
        decision.channel,
        decision.reviewer,
        decision.rationale,
        decision.at_ms,
        review_id,
    )
    connection.execute(
        "UPDATE reviews SET value = ?, channel = ?, reviewer = ?, rationale = ?, decided_at_ms = ? "
        "WHERE review_id = ? AND value IS NULL",
        row,
    )


def reopen_review(connection: sqlite3.Connection, review_id: str) -> None:
    """Let a question wait again that was withdrawn."""
    connection.execute(
        "UPDATE reviews SET value = NULL, channel = NULL, reviewer = NULL, rationale = NULL, decided_at_ms = NULL "
        "WHERE review_id = ? AND channel = 'withdrawn'",
        (review_id,),
    )


def next_number(connection: sqlite3.Connection, run_id: str) -> int:
    """Return the number of a run's next question."""
    (last,) = connection.execute("SELECT max(number) FROM reviews WHERE run_id = ?", (run_id,)).fetchone()
    return int(last or 0) + 1


def read_review(connection: sqlite3.Connection, review_id: str) -> ReviewRecord | None:
    """Return a question by its id."""
    found = connection.execute("SELECT * FROM reviews WHERE review_id = ?", (review_id,)).fetchone()
    return None if found is None else _review(found)


def read_review_at(connection: sqlite3.Connection, run_id: str, path: str) -> ReviewRecord | None:
    """Return the question a run asked at a path."""
    found = connection.execute(
        "SELECT * FROM reviews WHERE run_id = ? AND path = ?", (run_id, path)
    ).fetchone()
    return None if found is None else _review(found)


def read_reviews(connection: sqlite3.Connection, run_id: str) -> tuple[ReviewRecord, ...]:
    """Return every question of a run in the order of asking."""
    found = connection.execute("SELECT * FROM reviews WHERE run_id = ? ORDER BY number", (run_id,))
    return tuple(_review(row) for row in found)


def read_reviews_since(connection: sqlite3.Connection, since_ms: int) -> tuple[ReviewRecord, ...]:
    """Return the questions of all runs that were decided since a moment, in the order of deciding."""
    found = connection.execute(
        "SELECT * FROM reviews WHERE decided_at_ms >= ? ORDER BY decided_at_ms, run_id, number", (since_ms,)
    )
    return tuple(_review(row) for row in found)


def _review(found: object) -> ReviewRecord:
    row = cast("_Row", found)
    review_id, run_id, path, number, question, created_at_ms = row[:6]
    value, channel, reviewer, rationale, decided_at_ms = row[6:]
    decision = None
    if value is not None and channel is not None:
        decision = ReviewDecision(
            value=cast("JsonValue", json.loads(value)),
            channel=channel,
            reviewer=reviewer or "",
            rationale=rationale or "",
            at_ms=decided_at_ms or 0,
        )
    return ReviewRecord(
        review_id=review_id,
        run_id=run_id,
        path=path,
        number=number,
        question=_question(decode_object(question)),
        created_at_ms=created_at_ms,
        decision=decision,
    )


def _question(record: dict[str, JsonValue]) -> Question:
    return Question(
        text=str(record["text"]),
        show=cast("dict[str, JsonValue]", record["show"]),
        opaque=tuple(cast("Sequence[str]", record["opaque"])),
        options=tuple(cast("Sequence[str]", record["options"])),
        answer=type_from_json(cast("dict[str, JsonValue]", record["answer"])),
        timeout_s=cast("int | None", record["timeout_s"]),
        on_timeout=cast("str | None", record["on_timeout"]),
    )
