"""Rounds of every scenario, and the table of what came of them."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stratum_core.approval import Policy
from stratum_core.money import format_usd
from tests.chaos._judge import CHECKS, Calm, Check, Finding, calm_run
from tests.chaos._provider import Provider, provider
from tests.chaos._racers import Racers, racing
from tests.chaos._scenarios import SCENARIOS, day_policy
from tests.chaos._warm import warmed
from tests.chaos._world import World, environ_of

__all__ = ["Row", "checks", "run", "table"]

_DAY = "two runners, one day limit"
_FIRSTS = (0, 1000, 2000)
"""The first notes of the plans of a round."""


@dataclass(slots=True, kw_only=True)
class Row:
    """What became of all rounds of one scenario."""

    scenario: str
    rounds: int = 0
    disturbances: int = 0
    requests: int = 0
    possibly_paid: int = 0
    refused: int = 0
    billed_nusd: int = 0
    journal_nusd: int = 0
    cap_nusd: int = 0
    seconds: float = 0.0
    violations: list[tuple[Check, str]] = field(default_factory=list[tuple[Check, str]])

    def add(self, finding: Finding, *, label: str) -> None:
        """Count one round."""
        self.rounds += 1
        self.disturbances += finding.disturbances
        self.requests += finding.arrivals
        self.possibly_paid += finding.possibly_paid
        self.refused += finding.refused
        self.billed_nusd += finding.billed_nusd
        self.journal_nusd += finding.journal_nusd
        self.cap_nusd += finding.cap_nusd
        self.violations.extend((check, f"{label}: {words}") for check, words in finding.violations)

    def to_json(self) -> dict[str, object]:
        """Return the row for a machine."""
        return {
            "scenario": self.scenario,
            "rounds": self.rounds,
            "disturbances": self.disturbances,
            "requests at the provider": self.requests,
            "possibly paid": self.possibly_paid,
            "refused": self.refused,
            "bill": format_usd(self.billed_nusd),
            "journal": format_usd(self.journal_nusd),
            "caps": format_usd(self.cap_nusd),
            "seconds": round(self.seconds, 1),
            "violations": [f"{check}: {words}" for check, words in self.violations],
        }


def run(
    *,
    rounds: int,
    seed: int,
    items: int,
    scenarios: Iterable[str] = SCENARIOS,
    told: Callable[[str], None] = lambda _: None,
    so_far: Callable[[list[Row]], None] = lambda _: None,
) -> list[Row]:
    """Disturb runs in each way that many times, and return one row for each.

    Args:
        rounds: Of each scenario.
        seed: Decides every random moment, of every round by itself.
        items: Of each run's two maps.
        scenarios: Their names.
        told: Called with a line for every round that broke a promise, and for every scenario that is done.
        so_far: Called with the rows after every scenario.
    """
    home = Path(tempfile.mkdtemp(prefix="stratum-chaos-"))
    rows: list[Row] = []
    with (
        provider() as bills,
        warmed(home, environ_of(bills)) as warm,
        racing(warm, environ_of(bills)) as racers,
    ):
        stage = _Stage(home=home, bills=bills, warm=warm, racers=racers, items=items, seed=seed)
        calm = stage.calm()
        for name in scenarios:
            started, row = time.monotonic(), Row(scenario=name)
            rows.append(row)
            for number in range(rounds):
                finding = stage.round(name, number, calm)
                row.add(finding, label=f"seed {seed}, round {number}")
                for check, words in finding.violations:
                    told(f"{name}, seed {seed}, round {number}: {check}: {words}")
            row.seconds = time.monotonic() - started
            told(f"{name}: {row.rounds} rounds, {len(row.violations)} violations, {row.seconds:.0f} s")
            so_far(rows)
    if not any(row.violations for row in rows):
        shutil.rmtree(home)
    else:
        told(f"the files of rounds with violations are in {home}")
    return rows


def table(rows: Iterable[Row]) -> str:
    """Return the rows as text for a terminal."""
    lines = [
        (
            "scenario",
            "rounds",
            "disturbed",
            "requests",
            "in doubt",
            "refused",
            "bill",
            "journal",
            "violations",
        )
    ]
    lines.extend(
        (
            row.scenario,
            str(row.rounds),
            str(row.disturbances),
            str(row.requests),
            str(row.possibly_paid),
            str(row.refused),
            format_usd(row.billed_nusd),
            format_usd(row.journal_nusd),
            str(len(row.violations)),
        )
        for row in rows
    )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def checks(rows: Iterable[Row]) -> dict[Check, int]:
    """Return how often each promise was broken."""
    found = Counter(check for row in rows for check, _ in row.violations)
    return {check: found[check] for check in CHECKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What all rounds share."""

    home: Path
    bills: Provider
    warm: Path
    racers: Racers
    items: int
    seed: int

    def calm(self) -> Mapping[int, Calm]:
        """Run undisturbed over the notes of every plan."""
        found: dict[int, Calm] = {}
        for first in _FIRSTS:
            world = self.world("calm", first)
            found[first] = calm_run(world, first=first)
            world.close()
        return found

    def world(self, name: str, number: int) -> World:
        """Return the fresh world of one round, with a bill of its own."""
        self.bills.forget()
        return World(
            home=self.home / f"{name.split(',', maxsplit=1)[0].replace(' ', '-')}-{number}",
            provider=self.bills,
            moments=random.Random(f"{self.seed} {name} {number}"),  # noqa: S311 - when to strike
            warm=self.warm,
            items=self.items,
            policy=day_policy() if name == _DAY else Policy(),
        )

    def round(self, name: str, number: int, calm: Mapping[int, Calm]) -> Finding:
        """Play one round; an error of any kind is a violation too."""
        world = self.world(name, number)
        try:
            finding = SCENARIOS[name](world, calm, self.racers)
        except Exception:  # noqa: BLE001 - whatever it was, the round did not end as promised
            finding = Finding()
            finding.violations.append(("other surprises", traceback.format_exc(limit=-4).strip()))
        finally:
            world.close()
        if not finding.violations:
            shutil.rmtree(world.home)
        return finding
