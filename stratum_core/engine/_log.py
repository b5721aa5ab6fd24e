"""What people decided and which runs began and ended, of a whole state directory, by date: one line each.

It is put together from rows of the control file, which are not chained: it says what stands there. Whether a run's own
record was changed, `AuditDesk.verify` tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.engine._approvals import audit_line, decision_line, raise_line
from stratum_core.journal import ReviewDecision, ReviewRecord, Since
from stratum_core.money import format_usd

__all__ = ["LogEntry", "LogKind", "entries_of", "review_words"]

LogKind: TypeAlias = Literal["answer", "more_money", "question", "cancel", "started", "ended"]
"""An answer to a plan; to a run that wants more money; to a question of a run; a wish to stop; a run's two ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One thing that happened."""

    at_ms: int
    kind: LogKind
    who: str = ""
    """Whoever decided; empty for what a run did by itself."""
    how: str = ""
    """The channel of an answer; empty for anything else."""
    plan_id: str = ""
    run_id: str
    line: str
    """When, which plan or run, what, by whom and how."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "at": datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="seconds"),
            "kind": self.kind,
            "who": self.who,
            "how": self.how,
            "plan_id": self.plan_id,
            "run_id": self.run_id,
            "line": self.line,
        }


def entries_of(found: Since, since_ms: int) -> tuple[LogEntry, ...]:
    """Return what was written since a moment as lines, oldest first.

    Args:
        found: What was written.
        since_ms: The moment; a run that was created before and ended after has only its end in the list.
    """
    entries = [*_of_people(found), *(entry for entry in _of_runs(found) if entry.at_ms >= since_ms)]
    return tuple(sorted(entries, key=lambda entry: entry.at_ms))


def review_words(review: ReviewRecord, decision: ReviewDecision) -> str:
    """Return what was decided about a question, by whom, how and why."""
    if review.withdrawn:
        return f"question {review.number} withdrawn: {decision.rationale}"
    why = f'; "{decision.rationale}"' if decision.rationale else ""
    said = json.dumps(decision.value, ensure_ascii=False)
    who = decision.reviewer or "nobody"
    return f"question {review.number} answered by {who} ({decision.channel}): {said}{why}"


def _of_people(found: Since) -> Iterator[LogEntry]:
    for answer in found.decisions:
        yield LogEntry(
            at_ms=answer.at_ms,
            kind="answer",
            who=answer.principal,
            how=answer.channel,
            plan_id=answer.plan_id,
            run_id=answer.consumed_by or "",
            line=decision_line(answer, of=answer.plan_id),
        )
    for more in found.raises:
        yield LogEntry(
            at_ms=more.at_ms,
            kind="more_money",
            who=more.principal,
            how=more.channel,
            run_id=more.run_id,
            line=raise_line(more, of=more.run_id),
        )
    for review, decision in [(each, each.decision) for each in found.reviews if each.decision is not None]:
        yield LogEntry(
            at_ms=decision.at_ms,
            kind="question",
            who=decision.reviewer,
            how=decision.channel,
            run_id=review.run_id,
            line=audit_line(decision.at_ms, f"{review.run_id} {review_words(review, decision)}"),
        )
    for command in found.commands:
        yield LogEntry(
            at_ms=command.at_ms,
            kind=command.kind,
            who=command.principal,
            run_id=command.run_id,
            line=audit_line(command.at_ms, f"{command.run_id} {command.kind} asked by {command.principal}"),
        )


def _of_runs(found: Since) -> Iterator[LogEntry]:
    for run in found.runs:
        cap = "" if run.planned_cap_nusd is None else f", at most {format_usd(run.planned_cap_nusd)}"
        words = f"{run.run_id} started for {run.plan_id}{cap}"
        yield LogEntry(
            at_ms=run.created_at_ms,
            kind="started",
            plan_id=run.plan_id,
            run_id=run.run_id,
            line=audit_line(run.created_at_ms, words),
        )
        if run.finished_at_ms is not None:
            words = f"{run.run_id} ended as {run.state.replace('_', ' ')}"
            yield LogEntry(
                at_ms=run.finished_at_ms,
                kind="ended",
                plan_id=run.plan_id,
                run_id=run.run_id,
                line=audit_line(run.finished_at_ms, words),
            )
