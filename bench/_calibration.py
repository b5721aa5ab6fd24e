"""Worlds whose distributions the estimator does not know, and how often a cost falls in the range that was quoted.

Each world runs one piece of work again and again with the real planner and the real runtime; only the model is made
up. Its answers' lengths have heavy tails or drift, its retries, faults and truncations come and go, a new version may
talk half as much again from one run to the next, and the data has other sizes and other shares every time. Nothing of
this is told to the planner: it sees what it always sees, its own record of the runs before.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio

from bench._worlds import World
from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import MemoryJournal, TrackRecord, outcome_of, work_of
from stratum_core.llm import ModelReply, ModelRequest, PriceTable, TokenUsage
from stratum_core.plan import Plan, PlanContext, Roots, build_plan
from stratum_core.runtime import RunContext, RunOutcome, run_program

__all__ = ["Quoted", "coverage", "live"]

_MODEL = "anthropic/claude-haiku-4-5"
_NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
_WORDS = ("slow", "kind", "broken", "late", "lovely", "again", "parcel", "refund", "never", "colour")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """One run: what was quoted, and what it did cost."""

    world: str
    number: int
    likely_nusd: int
    low_nusd: int
    high_nusd: int
    worst_nusd: int
    actual_nusd: int
    learned: bool

    @property
    def inside(self) -> bool:
        """Whether the cost fell in the range."""
        return self.low_nusd <= self.actual_nusd <= self.high_nusd

    @property
    def width(self) -> float:
        """The high end as a multiple of the low one."""
        return self.high_nusd / max(1, self.low_nusd)


def coverage(runs: Sequence[Quoted]) -> float:
    """Return the share of runs whose cost fell in the range."""
    return sum(run.inside for run in runs) / len(runs)


def live(world: World, directory: Path, *, runs: int, seed: int, prices: PriceTable) -> list[Quoted]:
    """Plan, run and remember a world's work so many times.

    Args:
        world: What happens.
        directory: Empty; the track record is kept in it.
        runs: How many.
        seed: Of everything that is drawn.
        prices: What tokens cost.
    """
    chance = random.Random(f"{seed} {world.name}")  # noqa: S311 - a repeatable simulation
    record = TrackRecord.open(directory)
    found: list[Quoted] = []
    level = 0.0
    for number in range(runs):
        level += chance.gauss(0, world.drift) + world.trend
        if number == world.jump_at:
            level += math.log(1.5)
        day = _Day(
            world=world,
            chance=chance,
            level=level,
            labels=_shares(world, chance),
            broken=world.broken * chance.lognormvariate(0, 0.5),
            cached=chance.random() < world.cached,
        )
        quoted = _lived(day, record, number, prices)
        found.extend([quoted] if quoted is not None else [])
    return found


def _shares(world: World, chance: random.Random) -> list[float]:
    """Draw how usual each label is in a run."""
    drawn = [chance.gammavariate(share * world.evenness, 1) for share in world.labels]
    return [share / sum(drawn) for share in drawn]


def _reviews(world: World, chance: random.Random) -> list[JsonValue]:
    """Draw the data of a run."""
    low, high = world.rows
    count = round(math.exp(chance.uniform(math.log(low), math.log(high))))
    texts = (
        " ".join(chance.choices(_WORDS, k=1 + round(chance.lognormvariate(3, 0.7)))) for _ in range(count)
    )
    return [{"id": number, "text": text} for number, text in enumerate(texts)]


@dataclass(slots=True, kw_only=True)
class _Day:
    """One run's model: a client."""

    world: World
    chance: random.Random
    level: float
    labels: Sequence[float]
    broken: float
    cached: bool
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer, or fail."""
        await anyio.lowlevel.checkpoint()
        world, dice = self.world, self.chance.random()
        if dice < world.lost:
            raise TransportError("lost on the way")
        if dice < world.lost + world.busy:
            raise TransportError("busy", detail={"paid": "no"})
        if self.chance.random() < world.cut:
            return self._reply(request, "{", request.max_tokens, finish_length=True)
        tokens = world.answer_tokens * math.exp(self.level) * self.chance.lognormvariate(0, world.tail)
        if self.chance.random() < world.pareto:
            tokens *= self.chance.paretovariate(1)
        text = "nonsense" if self.chance.random() < self.broken else self._answer(request)
        return self._reply(request, text, max(4, min(request.max_tokens, round(tokens))))

    def _answer(self, request: ModelRequest) -> str:
        """Return an answer of the type that was asked for."""
        properties = request.output_schema.get("properties")
        names = properties.keys() if isinstance(properties, Mapping) else ()
        if "value" in names:
            return '{"value":"So sorry."}'
        if "parts" in names:
            return json.dumps({"parts": ["a claim"] * min(30, 1 + round(self.chance.lognormvariate(2, 0.5)))})
        label = self.chance.choices(("good", "bad", "mixed"), self.labels)[0]
        return json.dumps({"label": label, "why": "because " * self.chance.randint(1, 9)})

    def _reply(
        self, request: ModelRequest, text: str, tokens: int, *, finish_length: bool = False
    ) -> ModelReply:
        prompt = sum(len(block.encode()) for message in request.messages for block in message.blocks)
        prompt += len(json.dumps(request.output_schema))
        counted = round(prompt / self.world.bytes_per_token) + self.world.preamble_tokens
        usage = TokenUsage(
            input_tokens=counted,
            output_tokens=tokens,
            cache_read_tokens=counted * 3 // 4 if self.cached else 0,
        )
        finish = "length" if finish_length else "stop"
        return ModelReply(text=text, usage=usage, finish=finish, model=request.model)


def _lived(day: _Day, record: TrackRecord, number: int, prices: PriceTable) -> Quoted | None:
    """Plan, run and remember once; None when the run did not come to its end, so that nothing was promised of it."""
    planning = PlanContext(roots=Roots(), prices=prices, now=_NOW, default_model=_MODEL, history=record)
    plan = build_plan(
        day.world.document, inputs={"reviews": _reviews(day.world, day.chance)}, context=planning
    )
    journal = MemoryJournal(f"run_{number:06}")
    context, ended = anyio.run(_walked, plan, day, journal, prices)
    actual = journal.recorded_usage().nusd
    work = work_of(plan.program, plan.flow, plan.models)
    completed = ended.state.startswith("completed")
    outcome = outcome_of(plan.to_record(), run_id=journal.run_id, work=work, actual_nusd=actual)
    record.keep(
        journal.run_id,
        seen=context.tally.seen(plan.program.ir_hash, prices),
        outcome=outcome if completed else None,
    )
    if not completed:
        return None
    estimate = plan.estimate
    return Quoted(
        world=day.world.name,
        number=number,
        likely_nusd=estimate.likely_nusd,
        low_nusd=estimate.low_nusd,
        high_nusd=estimate.high_nusd,
        worst_nusd=estimate.worst.nusd,
        actual_nusd=actual,
        learned=estimate.learned,
    )


async def _walked(
    plan: Plan, day: _Day, journal: MemoryJournal, prices: PriceTable
) -> tuple[RunContext, RunOutcome]:
    """Run a plan without a cap and return the context it ran in."""

    async def no_pause(_: float) -> None: ...

    context = RunContext(
        program=plan.program,
        journal=journal,
        client_for=lambda _: day,
        prices=prices,
        default_model=_MODEL,
        sleep=no_pause,
        jitter=day.chance.random,
    )
    return context, await run_program(context, flow=plan.flow, inputs=plan.values, budget=Budget())
