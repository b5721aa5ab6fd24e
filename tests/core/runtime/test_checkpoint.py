"""The checkpoint: a run says once that four fifths of its cap are used or reserved, also over a resume."""

from __future__ import annotations

import pytest

from stratum_core.budget import Budget
from stratum_core.engine._receipt import progress_line, receipt_line
from stratum_core.journal import MemoryJournal
from stratum_core.money import Nusd
from tests.core.runtime._gates import events
from tests.core.runtime._trial import HeldClient, Trial, count
from tests.core.runtime.test_budgets import DOCUMENT, NOTES, loud, worst_nusd

pytestmark = pytest.mark.anyio


def trial(journal: MemoryJournal) -> Trial:
    return Trial(document=DOCUMENT, client=HeldClient(loud, held=False), journal=journal)


async def test_a_run_says_once_that_most_of_its_cap_is_used_or_reserved() -> None:
    journal, worst = MemoryJournal(), await worst_nusd()
    outcome = await trial(journal).run({"notes": NOTES[:8]}, budget=Budget(nusd=Nusd(8 * worst)))
    ((path, data),) = events(journal, "checkpoint")
    assert (path, data["cap_nusd"]) == ("", 8 * worst)
    charged, reserved = data["charged_nusd"], data["reserved_nusd"]
    assert isinstance(charged, int)
    assert isinstance(reserved, int)
    assert 8 * worst * 80 <= 100 * (charged + reserved) <= 800 * worst
    assert outcome.census["cap_used_percent"] == count(outcome, "nusd") * 100 // (8 * worst)


async def test_below_four_fifths_and_without_a_cap_nothing_is_said() -> None:
    worst = await worst_nusd()
    for budget in (Budget(nusd=Nusd(1 + 5 * worst)), Budget(), Budget(calls=4)):
        journal = MemoryJournal()
        outcome = await trial(journal).run({"notes": NOTES[:4]}, budget=budget)
        assert events(journal, "checkpoint") == []
        assert ("cap_used_percent" in outcome.census) == (budget.nusd is not None)


async def test_a_resumed_run_does_not_say_it_again_and_one_with_a_higher_cap_says_it_for_that() -> None:
    worst = await worst_nusd()
    first = MemoryJournal()
    cap = Budget(nusd=Nusd(2 * worst))
    outcome = await trial(first).run({"notes": NOTES}, budget=cap)
    assert (outcome.state, outcome.ran_out) == ("stopped_budget", "nusd")
    assert len(events(first, "checkpoint")) == 1
    second = MemoryJournal(after=first)
    await trial(second).run({"notes": NOTES}, budget=cap)
    assert len(events(second, "checkpoint")) == 1
    third = MemoryJournal(after=second)
    await trial(third).run({"notes": NOTES}, budget=Budget(nusd=Nusd(3 * worst)))
    caps = [data["cap_nusd"] for _, data in events(third, "checkpoint")]
    assert caps == [2 * worst, 3 * worst]


def test_progress_and_receipt_say_how_much_of_the_cap_is_used() -> None:
    def line(nusd: int, reserved: int) -> str:
        return progress_line(
            state="running",
            done=31,
            total=124,
            nusd=nusd,
            reserved_nusd=reserved,
            cap_nusd=50_000_000,
            simulated=False,
        )

    assert line(41_000_000, 1_000_000) == "Running: $0.041 of $0.05 (84 % of the cap used), 31/124 items"
    assert line(31_000_000, 1_000_000) == "Running: $0.031 of $0.05, 31/124 items"
    ended = receipt_line(
        state="completed",
        census={"items_done": 3, "nusd": 41_000_000, "cap_used_percent": 82},
        result=None,
        error="",
        out="",
        simulated=False,
    )
    assert ended == "Done. 3 items, $0.041, 82 % of the cap used."
