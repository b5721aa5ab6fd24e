"""The audit trail: who agreed to what, when and how, and whether a run's record is still what was written.

The trail is put together from the control file and the run's journal. The journal is chained; the rows of the control
file are not, so the trail says what stands there, and the chain what cannot have been changed without showing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.engine._approvals import audit_line, decision_line, raise_line
from stratum_core.engine._library import is_flow
from stratum_core.engine._log import LogEntry, entries_of, review_words
from stratum_core.engine._removed import is_removed
from stratum_core.engine._settings import Settings
from stratum_core.errors import InputError, RunError
from stratum_core.journal import ControlStore, Logbook, Purse, RunReader, RunRecord

__all__ = ["AuditCheck", "AuditDesk"]

_HEX = frozenset("0123456789abcdef")
_HEAD_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What a look at a run's record found."""

    run_id: str
    ok: bool
    """Whether the chain is whole and every noted head is one of its links."""
    events: int
    """How many events are in order."""
    first_bad_seq: int | None
    head: str
    """The hash of the last event in order, in hex."""
    noted: Mapping[str, int | None]
    """For each noted head the event it is the hash of; None: of none."""
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "run_id": self.run_id,
            "ok": self.ok,
            "events": self.events,
            "first_bad_seq": self.first_bad_seq,
            "head": self.head,
            "noted": dict(self.noted),
            "reason": self.reason,
        }


class AuditDesk:
    """Looks into the records of one state directory; changes nothing."""

    def __init__(self, control: ControlStore, settings: Settings) -> None:
        """Look into a control file and the runs beside it."""
        self._control = control
        self._purse = Purse(control.path, clock=time.time)  # nothing here depends on the time
        self._logbook = Logbook(control.path, clock=time.time)
        self._settings = settings

    def log(self, *, since_ms: int = 0) -> tuple[LogEntry, ...]:
        """Return what people decided and which runs began and ended since a moment, oldest first, one line each.

        Args:
            since_ms: Milliseconds since the Unix epoch.

        Raises:
            JournalError: The control file cannot be read.
        """
        return entries_of(self._logbook.since(since_ms), since_ms)

    def verify(self, run_id: str, *, head: str = "") -> AuditCheck:
        """Return whether no event of a run was changed, removed or moved, since a head was noted.

        The chain is walked, the figures are compared with it, and the heads that were noted are looked for: the one
        the runner left in the control file, and the given one, from a receipt.

        Args:
            run_id: The run.
            head: From a receipt, 64 hex; empty: only what the control file noted.

        Raises:
            RunError: There is no such run, or it has no journal (any more).
            InputError: The head is not one.
            JournalError: The journal cannot be read at all.
        """
        stored = self._noted(run_id)
        given = _checked_head(head)
        with RunReader.open(self._settings.state_dir, run_id) as reader:
            found = reader.verify()
            noted = {each: reader.seq_of(each) for each in (stored, given) if each}
        lost = [each for each, seq in noted.items() if seq is None]
        reason = found.reason
        if found.ok and lost:
            source = "given" if given in lost else "noted in the control file at the run's end"
            reason = (
                f"no event has the head {lost[-1]}, which was {source}: the record was written anew, or cut"
            )
        return AuditCheck(
            run_id=run_id,
            ok=found.ok and not lost,
            events=found.events,
            first_bad_seq=found.first_bad_seq,
            head=found.head,
            noted=noted,
            reason=reason,
        )

    def _noted(self, run_id: str) -> str:
        """Return the head in the control file, which knows nothing of flows in Python."""
        try:
            run = self._control.run(run_id)
        except RunError:
            if not is_flow(self._settings.state_dir, run_id):
                raise
            return ""
        _require_there(run, self._settings)
        return str((run.receipt or {}).get("chain_head") or "")

    def trail(self, run_id: str) -> tuple[str, ...]:
        """Return what happened around a run, oldest first: who, when, how.

        Raises:
            RunError: There is no such run.
            JournalError: Its journal cannot be read.
        """
        run = self._control.run(run_id)
        if is_removed(run):
            return tuple(cast("list[str]", (run.receipt or {}).get("trail") or []))
        lines = [*self._of_the_plan(run), *self._of_people(run), *self._of_the_run(run)]
        return tuple(line for _, line in sorted(lines, key=lambda each: each[0]))

    def _of_the_plan(self, run: RunRecord) -> Iterator[tuple[int, str]]:
        plan = self._control.plan(run.plan_id)
        yield (
            plan.created_at_ms,
            audit_line(plan.created_at_ms, f"plan {plan.plan_id} made by {plan.principal}"),
        )
        for decision in self._control.decisions(run.plan_id):
            yield decision.at_ms, decision_line(decision)
        yield run.created_at_ms, audit_line(run.created_at_ms, f"run created, plan hash {run.plan_hash[:12]}")

    def _of_people(self, run: RunRecord) -> Iterator[tuple[int, str]]:
        for answer in self._purse.raises(run.run_id):
            yield answer.at_ms, raise_line(answer)
        for command in self._control.commands(run.run_id):
            yield command.at_ms, audit_line(command.at_ms, f"{command.kind} asked by {command.principal}")
        for review in self._control.reviews(run.run_id):
            yield (
                review.created_at_ms,
                audit_line(
                    review.created_at_ms, f"asked: {json.dumps(review.question.text, ensure_ascii=False)}"
                ),
            )
            if review.decision is not None:
                yield (
                    review.decision.at_ms,
                    audit_line(review.decision.at_ms, review_words(review, review.decision)),
                )

    def _of_the_run(self, run: RunRecord) -> Iterator[tuple[int, str]]:
        try:
            reader = RunReader.open(self._settings.state_dir, run.run_id)
        except RunError:
            return
        with reader:
            for event in reader.events_of("opened", "finished"):
                told = event.data
                if event.kind == "opened":
                    owner = cast("Mapping[str, JsonValue]", json.loads(str(told["owner"])))
                    words = f"worked on by process {owner['pid']} on {owner['host']}, opening {told['epoch']}"
                else:
                    words = f"ended as {str(told['state']).replace('_', ' ')}"
                yield event.at_ms, audit_line(event.at_ms, words)


def _checked_head(head: str) -> str:
    lowered = head.strip().lower()
    if lowered and (len(lowered) != _HEAD_CHARS or not set(lowered) <= _HEX):
        raise InputError(
            f"{head[:80]!r} is not the head of a chain", remedy="give the 64 hex digits of a receipt"
        )
    return lowered


def _require_there(run: RunRecord, settings: Settings) -> None:
    if is_removed(run):
        raise RunError(
            f"the record of run {run.run_id} was removed by `stratum gc`: there is nothing to verify",
            remedy=f"what is left of it: {settings.command('audit', 'show', run.run_id)}",
        )
