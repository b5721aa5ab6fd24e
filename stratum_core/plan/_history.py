"""History: what earlier runs teach an estimate, and how far it can be off for what they have shown.

Pure arithmetic over what `stratum_core.journal` remembers. Only the likely range learns: no cap, no bound and nothing
that an approval covers depends on it, so two plans of equal content have equal hashes whatever was run between them.

A function's tokens, retries and iterations are known by its hash and model, so they outlive edits elsewhere in the
document; how often a condition held and how long a list was are known by the whole document's hash. The width of the
range comes from the errors of the estimates that were made for the same work, see docs/estimates.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stratum_core.contracts import JsonValue
from stratum_core.journal import Outcome, call_subject, step_subject
from stratum_core.llm import Price, TokenUsage
from stratum_core.specs import InferSpec

__all__ = [
    "NO_HISTORY",
    "TOLD_RUNS",
    "UNKNOWN_SPREAD",
    "CallForecast",
    "Experience",
    "Learner",
    "Range",
    "accuracy_words",
    "basis_words",
    "range_of",
]

_CALL_FADE = 0.8
"""What a run weighs beside the next one: models drift, so the last five or six runs say most about the next."""
_ERROR_FADE = 0.93
_FEW_ASKS = 5
"""A run of so many questions weighs half as much as one of very many."""
_FIRST_SPREAD = 0.25
"""How far a cost is from its estimate (as a logarithm) that rests on runs of the functions alone."""
UNKNOWN_SPREAD = 0.4
"""The same for the part of a cost that rests on priors."""
_MISSED, _MET = 0.45, -0.03
"""A miss widens the range (as a logarithm) as much as fifteen hits narrow it: one run in sixteen stays outside."""
_NARROWEST, _WIDEST = 0.6, 4.0
_NORMAL_95 = 1.645
TOLD_RUNS = 12
_LEAST_TOLD_RUNS = 5


class Experience(Protocol):
    """What is remembered of earlier runs; `stratum_core.journal.TrackRecord` is the one on disk."""

    def seen(self, subject: str) -> Sequence[Mapping[str, JsonValue]]:
        """Return what the last runs showed of a subject, oldest first."""
        ...

    def outcomes_of(self, work: str) -> Sequence[Outcome]:
        """Return the last runs of a piece of work, oldest first."""
        ...

    def last_outcomes(self, *, simulated: bool, limit: int) -> Sequence[Outcome]:
        """Return the last runs of any work, oldest first."""
        ...


class _Nothing:
    """No run was ever made."""

    def seen(self, subject: str) -> Sequence[Mapping[str, JsonValue]]:
        del subject
        return ()

    def outcomes_of(self, work: str) -> Sequence[Outcome]:
        del work
        return ()

    def last_outcomes(self, *, simulated: bool, limit: int) -> Sequence[Outcome]:
        del simulated, limit
        return ()


NO_HISTORY: Experience = _Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForecast:
    """What one question to a model is expected to use, all its attempts together."""

    runs: int
    """How many runs this is learned from."""
    input_share: float
    """Prompt tokens of all attempts, as a share of the bound of the first prompt."""
    output_tokens: float
    cost_factor: float
    """What is paid, as a multiple of these tokens at list price: caches, other models, lost requests."""
    spread: float
    """Variance of one question's cost, as a share of the squared mean: how unlike the questions of a run are."""
    iterations: float | None
    """Of a function with `refine`; None while none is known."""

    def cost_nusd(self, price: Price, bound_tokens: int) -> float:
        """Return the expected cost of a question whose first prompt has this bound."""
        prompt = round(bound_tokens * self.input_share)
        whole = math.floor(self.output_tokens)
        less = price.cost_nusd(TokenUsage(input_tokens=prompt, output_tokens=whole))
        more = price.cost_nusd(TokenUsage(input_tokens=prompt, output_tokens=whole + 1))
        return (less + (more - less) * (self.output_tokens - whole)) * self.cost_factor

    def tokens(self, bound_tokens: int) -> float:
        """Return the expected tokens of the same."""
        return bound_tokens * self.input_share + self.output_tokens


@dataclass(slots=True)
class Learner:
    """Looks up for one plan what earlier runs showed; each subject once."""

    experience: Experience
    ir_hash: str
    _calls: dict[str, CallForecast | None] = field(default_factory=dict[str, CallForecast | None])
    _steps: dict[str, float | None] = field(default_factory=dict[str, float | None])

    def call(self, spec: InferSpec) -> CallForecast | None:
        """Return what a function's questions are expected to use on its model, None where no run has shown it."""
        subject = call_subject(spec.function_hash, spec.model or "")
        if subject not in self._calls:
            self._calls[subject] = _call_forecast(self.experience.seen(subject))
        return self._calls[subject]

    def step(self, path: str, part: str) -> float | None:
        """Return how much is expected to happen each time a run comes to a place, None where no run has."""
        place = f"{path}.{part}"
        if place not in self._steps:
            self._steps[place] = _mean_happened(self.experience.seen(step_subject(self.ir_hash, place)))
        return self._steps[place]


def _call_forecast(seen: Sequence[Mapping[str, JsonValue]]) -> CallForecast | None:
    """Return the mean of what runs showed; later ones weigh more, and so do those with many questions."""
    runs = [_numbers(each) for each in seen]
    runs = [run for run in runs if run["asks"] > 0 and run["priced_nusd"] > 0 and run["bound_tokens"] > 0]
    if not runs:
        return None
    weights = [
        _CALL_FADE ** (len(runs) - 1 - index) * run["asks"] / (run["asks"] + _FEW_ASKS)
        for index, run in enumerate(runs)
    ]

    def mean(part: str, of: str) -> float:
        return _mean([run[part] / run[of] for run in runs], weights)

    spreads = [(_spread(run), weight) for run, weight in zip(runs, weights, strict=True) if run["asks"] > 2]  # noqa: PLR2004 - a line takes two
    refined = [
        (run["iterations"] / run["calls"], weight)
        for run, weight in zip(runs, weights, strict=True)
        if run["calls"]
    ]
    return CallForecast(
        runs=len(runs),
        input_share=mean("input_tokens", "bound_tokens"),
        output_tokens=mean("output_tokens", "asks"),
        cost_factor=mean("nusd", "priced_nusd"),
        spread=_mean(*map(list, zip(*spreads, strict=True))) if spreads else UNKNOWN_SPREAD**2,
        iterations=_mean(*map(list, zip(*refined, strict=True))) if refined else None,
    )


def _spread(run: Mapping[str, float]) -> float:
    """Return the variance of a question's cost around the line over its prompt's bound, by the squared mean cost."""
    count, bound, cost = run["asks"], run["bound_tokens"], run["nusd"]
    across = run["bound_squares"] - bound * bound / count
    along = run["products"] - bound * cost / count
    up = run["nusd_squares"] - cost * cost / count
    left = up - along * along / across if across > 0 else up
    return max(0.0, left) / (count - 2) / (cost / count) ** 2


def _mean_happened(seen: Sequence[Mapping[str, JsonValue]]) -> float | None:
    """Return the mean of what runs showed of a place."""
    runs = [run for run in map(_numbers, seen) if run["came"] > 0]
    if not runs:
        return None
    weights = [
        _CALL_FADE ** (len(runs) - 1 - index) * run["came"] / (run["came"] + _FEW_ASKS)
        for index, run in enumerate(runs)
    ]
    return _mean([run["happened"] / run["came"] for run in runs], weights)


def _numbers(seen: Mapping[str, JsonValue]) -> dict[str, float]:
    """Return the numbers of a record."""
    return {name: float(value) for name, value in seen.items() if isinstance(value, int | float)}


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a run is likely to cost."""

    likely_nusd: float
    low_nusd: float
    high_nusd: float

    def within(self, worst_nusd: int) -> Range:
        """Return the range below what a run can cost at all."""
        return Range(
            likely_nusd=min(self.likely_nusd, worst_nusd),
            low_nusd=min(self.low_nusd, worst_nusd),
            high_nusd=min(self.high_nusd, worst_nusd),
        )


def range_of(raw_nusd: float, noise: float, outcomes: Sequence[Outcome]) -> Range:
    """Return the range from the fifth to the ninety-fifth of a hundred runs.

    Args:
        raw_nusd: What the functions' own history says; above 0.
        noise: The variance of the cost's logarithm that comes from the questions of one run being no two alike.
        outcomes: Earlier runs of the same work, oldest first.
    """
    known = [
        each
        for each in outcomes
        if each.learned and min(each.actual_nusd, each.raw_nusd, each.likely_nusd) > 0
    ]
    weights = [_ERROR_FADE ** (len(known) - 1 - index) for index in range(len(known))]
    mass = sum(weights)
    off = [math.log(each.actual_nusd / each.raw_nusd) for each in known]
    bias = sum(error * weight for error, weight in zip(off, weights, strict=True)) / (mass + 1)
    squares = [math.log(each.actual_nusd / each.likely_nusd) ** 2 - each.noise for each in known]
    between = sum(square * weight for square, weight in zip(squares, weights, strict=True))
    level = (_FIRST_SPREAD**2 + max(0.0, between)) / (1 + mass)
    width = _NORMAL_95 * (1 + 1 / (1 + mass)) * math.sqrt(level + noise) * _width_factor(known)
    likely = raw_nusd * math.exp(bias)
    return Range(likely_nusd=likely, low_nusd=likely * math.exp(-width), high_nusd=likely * math.exp(width))


def _width_factor(outcomes: Sequence[Outcome]) -> float:
    """Return how much wider the range has to be than earlier errors say, for the share of runs that missed theirs."""
    factor = 0.0
    for each in outcomes:
        met = each.low_nusd <= each.actual_nusd <= each.high_nusd
        factor = min(math.log(_WIDEST), max(math.log(_NARROWEST), factor + (_MET if met else _MISSED)))
    return math.exp(factor)


def basis_words(runs: Mapping[str, int], priors: str) -> str:
    """Return what the likely range of some functions rests on.

    Args:
        runs: How many runs each function is known from.
        priors: The words for those that are known from none.
    """
    known = {name: count for name, count in runs.items() if count}
    if not known:
        return priors
    if len(runs) == 1:
        return f"from your last {_counted(*known.values())} of this function"
    if len(known) < len(runs):
        new = ", ".join(name for name in runs if name not in known)
        told = ", ".join(f"{_counted(count)} of {name}" for name, count in known.items())
        return f"from your last {told}; for {new}, which has none yet, {priors}"
    if len({*known.values()}) == 1:
        return f"from your last {_counted(next(iter(known.values())))} of these functions"
    told = ", ".join(f"{_counted(count)} of {name}" for name, count in known.items())
    return f"from your last {told}"


def _counted(runs: int) -> str:
    return "run" if runs == 1 else f"{runs} runs"


def accuracy_words(outcomes: Sequence[Outcome]) -> str:
    """Return how near the last estimates came, in words; empty with fewer than five."""
    told = outcomes[-TOLD_RUNS:]
    if len(told) < _LEAST_TOLD_RUNS:
        return ""
    worst = math.ceil(100 * max(each.error for each in told))
    return f"my last {len(told)} estimates were within {worst} %"
