"""The estimate: the worst case a run can reach, exactly, and the range it will probably fall in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from stratum_core.budget import Budget, Usage
from stratum_core.contracts import JsonValue
from stratum_core.journal import Outcome
from stratum_core.llm import Price
from stratum_core.plan._cost import Cost
from stratum_core.plan._history import (
    NO_HISTORY,
    TOLD_RUNS,
    UNKNOWN_SPREAD,
    Experience,
    Learner,
    Range,
    accuracy_words,
    basis_words,
    range_of,
)
from stratum_core.plan._priors import BASIS
from stratum_core.plan._sizes import Known
from stratum_core.plan._walk import Walker
from stratum_core.plan._walk_calls import StepRow
from stratum_core.plan._walked import LoopCount
from stratum_core.specs import Program

__all__ = ["Estimate", "StepEstimate", "estimate_program"]


_NO_ANSWERS: Mapping[str, JsonValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEstimate:
    """What one step is expected to cost, all its items together."""

    flow: str
    step: str
    function: str
    model: str
    likely_calls: float
    """Logical calls; retries not counted."""
    most_calls: int
    """The same when every undecided condition holds."""
    likely_nusd: int
    worst_nusd: int
    """With every attempt at its bound, before the caps of flows."""
    reused_calls: float = 0.0
    """Logical calls that are not made because their answer is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run is expected to cost and the most it can cost without any cap on the run."""

    worst: Usage
    likely_nusd: int
    low_nusd: int
    """Five runs in a hundred cost less."""
    high_nusd: int
    """Five runs in a hundred cost more."""
    prior_high_nusd: int
    """The same without any earlier run: what depends on it is the same for equal plans."""
    raw_nusd: int
    """What is likely before the errors of earlier estimates are taken into account."""
    noise: float
    """The variance of the cost's logarithm that comes from the questions of one run being no two alike."""
    learned: bool
    """Whether earlier runs say what is likely, at least in part."""
    likely_tokens: int
    likely_calls: float
    most_calls: int
    """Logical calls when every undecided condition holds; `worst.calls` counts their retries, too."""
    least_attempt_nusd: int
    """The most the cheapest single attempt may cost: a cap below it pays for nothing."""
    dearest_attempt_nusd: int
    """The most the dearest single attempt may cost."""
    steps: tuple[StepEstimate, ...]
    loops: Mapping[str, LoopCount]
    """For each `for_each`, by its step's path."""
    basis: str
    """What the likely range rests on, in words."""
    accuracy: str = ""
    """How near the last estimates came, in words; empty with fewer than five."""
    reused_calls: float = 0.0
    """Logical calls that are not made because the reused run has their answer."""
    saved_nusd: int = 0
    """What those calls would be likely to cost."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the figures as a JSON record."""
        return {
            "likely_nusd": self.likely_nusd,
            "low_nusd": self.low_nusd,
            "high_nusd": self.high_nusd,
            "worst_nusd": self.worst.nusd,
            "worst_tokens": self.worst.tokens,
            "worst_requests": self.worst.calls,
            "likely_tokens": self.likely_tokens,
            "likely_calls": round(self.likely_calls),
            "most_calls": self.most_calls,
            "reused_calls": round(self.reused_calls),
            "saved_nusd": self.saved_nusd,
            "basis": self.basis,
            **({"accuracy": self.accuracy} if self.accuracy else {}),
            **({"raw_nusd": self.raw_nusd, "noise": self.noise} if self.learned else {}),
            "steps": [
                {
                    "flow": step.flow,
                    "step": step.step,
                    "function": step.function,
                    "model": step.model,
                    "likely_calls": round(step.likely_calls),
                    "most_calls": step.most_calls,
                    "likely_nusd": step.likely_nusd,
                    "worst_nusd": step.worst_nusd,
                    "reused_calls": round(step.reused_calls),
                }
                for step in self.steps
            ],
        }


def estimate_program(
    program: Program,
    flow: str,
    inputs: Mapping[str, JsonValue],
    *,
    price_of: Mapping[str, Price],
    answers: Mapping[str, JsonValue] = _NO_ANSWERS,
    caps: Budget | None = None,
    history: Experience = NO_HISTORY,
    work: str = "",
) -> Estimate:
    """Estimate one run.

    Args:
        program: A checked program whose infer functions all name their model.
        flow: The outermost flow.
        inputs: A checked value for each of its parameters.
        price_of: The price of each model the flow can reach.
        answers: Answers on record that are taken instead of asking, by key.
        caps: Of the whole run on tokens and requests; None: none.
        history: What earlier runs showed.
        work: Names the work among them.

    Raises:
        PlanError: A call's own budget cannot pay a single attempt, or a fan-out has no bound.
    """
    walker = Walker(program, price_of, answers, Learner(history, program.ir_hash))
    walked = walker.run(program.flows[flow], {name: Known(value) for name, value in inputs.items()})
    walker.calls.refuse_unpayable()
    warnings = walker.warnings()
    if walked.failure:
        warnings.insert(0, f"this run will fail: {walked.failure}")
    cost = walked.cost.under(caps)
    rows = walker.calls.rows()
    simulated = any(price.simulated for price in price_of.values())
    learned = any(row.runs for row in rows)
    noise = _noise(rows) if learned else 0.0
    quoted = _quoted(cost, noise, history.outcomes_of(work) if learned else None)
    return Estimate(
        worst=cost.worst,
        likely_nusd=round(quoted.likely_nusd),
        low_nusd=math.floor(quoted.low_nusd) if learned else round(quoted.low_nusd),
        high_nusd=math.ceil(quoted.high_nusd) if learned else round(quoted.high_nusd),
        prior_high_nusd=round(cost.high),
        raw_nusd=round(cost.likely),
        noise=noise,
        learned=learned,
        likely_tokens=round(cost.tokens),
        likely_calls=cost.calls,
        most_calls=cost.most_calls,
        least_attempt_nusd=walker.calls.least_attempt_nusd,
        dearest_attempt_nusd=walker.calls.dearest_attempt_nusd,
        steps=tuple(_step(row) for row in rows),
        loops=walker.loops(),
        basis=basis_words({row.function: row.runs for row in rows if row.cost.most_calls}, BASIS),
        accuracy=accuracy_words(history.last_outcomes(simulated=simulated, limit=TOLD_RUNS)),
        reused_calls=walker.calls.reused.calls,
        saved_nusd=round(walker.calls.reused.likely),
        warnings=tuple(warnings),
    )


def _quoted(cost: Cost, noise: float, outcomes: Sequence[Outcome] | None) -> Range:
    """Return the likely range: that of priors, or, where calls were seen before, of what came of earlier estimates."""
    if outcomes is None or not cost.likely:
        return Range(likely_nusd=cost.likely, low_nusd=cost.low, high_nusd=cost.high)
    return range_of(cost.likely, noise, outcomes).within(cost.worst.nusd)


def _step(row: StepRow) -> StepEstimate:
    """Return what an estimate tells of a step."""
    return StepEstimate(
        flow=row.flow,
        step=row.step,
        function=row.function,
        model=row.model,
        likely_calls=row.cost.calls,
        most_calls=row.cost.most_calls,
        likely_nusd=round(row.cost.likely),
        worst_nusd=row.cost.worst_nusd,
        reused_calls=row.reused_calls,
    )


def _noise(rows: Sequence[StepRow]) -> float:
    """Return the variance of the whole cost's logarithm, as far as it comes from within a run."""
    total = sum(row.cost.likely for row in rows)
    variance = sum(row.variance if row.runs else (UNKNOWN_SPREAD * row.cost.likely) ** 2 for row in rows)
    return variance / total**2 if total else 0.0
