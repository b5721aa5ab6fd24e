"""What has to hold after every round, whatever was done to the runners: measured at the provider and in the record.

The provider's count is taken on arrival and knows nothing of the record, so the two vouch for each other.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from stratum_core.contracts import JsonValue
from stratum_core.engine import RunView
from stratum_core.journal import RecordedAttempt
from tests.chaos._provider import Key
from tests.chaos._world import PATIENCE_S, World, result_of

__all__ = ["CHECKS", "Calm", "Check", "Finding", "calm_run", "judge", "judge_paused"]

Check: TypeAlias = Literal[
    "recorded and paid calls run again",
    "bill above the journal",
    "bill or journal above the cap",
    "stuck reservations",
    "broken audit chains",
    "results unlike the undisturbed run's",
    "other surprises",
]
"""What is looked for after every round."""
CHECKS: tuple[Check, ...] = get_args(Check)
_ITEM = re.compile(r"^(tones|replies)\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """The undisturbed run over the same notes."""

    result: JsonValue
    answers: Counter[Key]
    """How many answers each item takes."""


@dataclass(slots=True)
class Finding:
    """What one round came to."""

    violations: list[tuple[Check, str]] = field(default_factory=list[tuple[Check, str]])
    billed_nusd: int = 0
    journal_nusd: int = 0
    cap_nusd: int = 0
    arrivals: int = 0
    possibly_paid: int = 0
    disturbances: int = 0
    refused: bool = False
    """Whether the run was refused rather than continued, where that is allowed."""

    def require(self, check: Check, held: bool, otherwise: str) -> None:
        """Note a violation unless a condition held."""
        if not held:
            self.violations.append((check, otherwise))


def calm_run(world: World, *, first: int = 0, patience_s: float = PATIENCE_S) -> Calm:
    """Run undisturbed."""
    view = world.ended(world.begin(first=first), patience_s=patience_s)
    assert view.state == "completed", view.message
    return Calm(
        result=result_of(view),
        answers=_by_item(world.attempts(view.run_id), first, frozenset({"answered"})),
    )


def judge_paused(world: World, run_id: str, finding: Finding) -> None:
    """Look at a run between a disturbance and its resumption."""
    bill = world.provider.bill_nusd()
    with world.reading(run_id) as reader:
        if reader is None:
            finding.require(
                "bill above the journal", bill == 0, f"{bill} nano-dollars are billed and there is no journal"
            )
            return
        snapshot, chain = reader.snapshot(), reader.verify()
    known = snapshot.usage.nusd + snapshot.reserved.nusd
    finding.require(
        "bill above the journal", bill <= known, f"while interrupted: bill {bill} > journal {known}"
    )
    finding.require("broken audit chains", chain.ok, f"while interrupted: audit chain broken, {chain.reason}")


def judge(world: World, view: RunView, calm: Calm, finding: Finding, *, first: int = 0) -> None:
    """Look at a run that has ended, and add what is not as promised."""
    run_id, notes = view.run_id, range(first, first + world.items)
    attempts = world.attempts(run_id)
    finding.require("other surprises", view.state == "completed", f"ended as {view.state}: {view.message}")
    finding.require(
        "results unlike the undisturbed run's",
        result_of(view) == calm.result,
        "the result is not that of the undisturbed run",
    )
    _judge_repeats(world, attempts, calm, finding, first=first)
    _judge_money(world, view, finding, notes=notes)
    checked = world.engine.audit.verify(run_id)
    finding.require("broken audit chains", checked.ok, f"audit chain broken: {checked.reason}")
    finding.require(
        "broken audit chains",
        checked.head == view.chain_head,
        "the receipt's head is not that of the chain",
    )
    finding.possibly_paid += sum(attempt.state == "possibly_paid" for attempt in attempts)


def _judge_repeats(
    world: World, attempts: tuple[RecordedAttempt, ...], calm: Calm, finding: Finding, *, first: int
) -> None:
    """Count calls that were paid and on record, and were run again all the same."""
    notes = range(first, first + world.items)
    answered = _by_item(attempts, first, frozenset({"answered"}))
    sent = _by_item(attempts, first, frozenset({"answered", "failed", "possibly_paid", "open"}))
    again = answered - calm.answers
    finding.require(
        "recorded and paid calls run again", not again, f"recorded answers were bought again: {dict(again)}"
    )
    unknown = world.provider.counted(notes=notes) - sent
    finding.require(
        "bill above the journal", not unknown, f"requests arrived that no intent tells of: {dict(unknown)}"
    )


def _judge_money(world: World, view: RunView, finding: Finding, *, notes: range) -> None:
    """Compare the bill with the record, the cap and what is held."""
    bill = world.provider.bill_nusd(notes=notes)
    with world.reading(view.run_id) as reader:
        assert reader is not None
        snapshot = reader.snapshot()
    cap = world.engine._control.run(view.run_id).cap_nusd or 0
    journal = snapshot.usage.nusd
    finding.require("bill above the journal", bill <= journal, f"bill {bill} > journal {journal}")
    finding.require("bill or journal above the cap", bill <= cap, f"bill {bill} > cap {cap}")
    finding.require("bill or journal above the cap", journal <= cap, f"journal {journal} > cap {cap}")
    finding.require(
        "stuck reservations",
        snapshot.reserved.nusd == 0,
        f"{snapshot.reserved.nusd} nano-dollars stay reserved in the run",
    )
    held = [hold.run_id for hold in world.engine.money.spend().holds if hold.run_id == view.run_id]
    finding.require(
        "stuck reservations", not held, "the run has ended and still holds money of the day's limit"
    )
    finding.billed_nusd += bill
    finding.journal_nusd += journal
    finding.cap_nusd += cap
    finding.arrivals += sum(world.provider.counted(notes=notes).values())


def _by_item(attempts: tuple[RecordedAttempt, ...], first: int, states: frozenset[str]) -> Counter[Key]:
    """Return how many attempts in some states each item has."""
    found: Counter[Key] = Counter()
    for attempt in attempts:
        place = _ITEM.match(attempt.path)
        assert place is not None, attempt.path
        if attempt.state in states:
            found[(place[1], first + int(place[2]))] += 1
    return found
