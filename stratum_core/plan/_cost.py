"""Costs of one call and of many: the worst case in exact integers, the expected range beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stratum_core.budget import Budget, Usage
from stratum_core.llm import (
    RETRY_BLOCK_BYTES,
    Price,
    TokenUsage,
    kept_tokens,
    likely_tokens,
    max_answer_tokens,
    max_attempts,
    prefix_bytes,
    prompt_bytes,
    prompt_tokens_bound,
)
from stratum_core.plan._history import CallForecast
from stratum_core.plan._priors import FEEDBACK_BYTES, extra_attempts, iterations, likely_answer_bytes
from stratum_core.specs import InferSpec

__all__ = ["FREE", "ONCE", "Cost", "CostSum", "Times", "attempt_worst", "call_cost", "first_worst"]

_LOW_INPUT, _HIGH_INPUT = 0.8, 1.35
_LOW_OUTPUT, _HIGH_OUTPUT = 0.5, 2.0
_HIGH_RETRIES = 3.0
_OVERHEAD_SHARE = 0.18
"""How much of the most that is added to a prompt on its way usually is."""
_BYTES_PER_ANSWER_TOKEN = 3.5
_NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Times:
    """How often something happens: at most, and the expected, low and high counts."""

    most: int = 1
    likely: float = 1.0
    low: float = 1.0
    high: float = 1.0

    def __mul__(self, other: Times) -> Times:
        if self is ONCE:
            return other
        return Times(
            self.most * other.most, self.likely * other.likely, self.low * other.low, self.high * other.high
        )


ONCE = Times()


@dataclass(frozen=True, slots=True)
class Cost:
    """What happens once: its worst case, and dollars, tokens and calls expected."""

    worst: Usage = _NO_USAGE
    likely: float = 0.0
    low: float = 0.0
    high: float = 0.0
    tokens: float = 0.0
    calls: float = 0.0
    most_calls: int = 0
    attempt: Usage = _NO_USAGE
    """The most that one request in it can use, so that a cap on requests bounds their money and tokens."""

    def __add__(self, other: Cost) -> Cost:
        if other is FREE or self is FREE:
            return self if other is FREE else other
        return Cost(
            self.worst + other.worst,
            self.likely + other.likely,
            self.low + other.low,
            self.high + other.high,
            self.tokens + other.tokens,
            self.calls + other.calls,
            self.most_calls + other.most_calls,
            _larger(self.attempt, other.attempt),
        )

    def __mul__(self, times: Times) -> Cost:
        if times is ONCE:
            return self
        worst = Usage(
            nusd=self.worst.nusd * times.most,
            tokens=self.worst.tokens * times.most,
            calls=self.worst.calls * times.most,
        )
        return Cost(
            worst,
            self.likely * times.likely,
            self.low * times.low,
            self.high * times.high,
            self.tokens * times.likely,
            self.calls * times.likely,
            self.most_calls * times.most,
            self.attempt,
        )

    def under(self, budget: Budget | None) -> Cost:
        """Return the cost under a cap that the runtime enforces."""
        if budget is None:
            return self
        calls = _least(self.worst.calls, budget.calls)
        worst = Usage(
            nusd=min(_least(self.worst.nusd, budget.nusd), calls * self.attempt.nusd),
            tokens=min(_least(self.worst.tokens, budget.tokens), calls * self.attempt.tokens),
            calls=calls,
        )
        return Cost(
            worst,
            min(self.likely, worst.nusd),
            min(self.low, worst.nusd),
            min(self.high, worst.nusd),
            min(self.tokens, worst.tokens),
            min(self.calls, calls),
            self.most_calls,
            self.attempt,
        )


FREE = Cost()


class CostSum:
    """Costs added up in place: the same figures as with `+`, in the same order, at a fifth of the time."""

    __slots__ = (
        "_attempt",
        "_counted",
        "_high",
        "_low",
        "_tokens",
        "_worst",
        "calls",
        "likely",
        "most_calls",
    )

    def __init__(self) -> None:
        """Begin with nothing."""
        self.likely, self.calls, self.most_calls = 0.0, 0.0, 0
        self._worst = (0, 0, 0)
        self._low, self._high, self._tokens = 0.0, 0.0, 0.0
        self._attempt = _NO_USAGE
        self._counted = False

    def add(self, cost: Cost) -> None:
        """Add a cost."""
        if cost is FREE:
            return
        self._counted = True
        nusd, tokens, calls = self._worst
        more = cost.worst
        self._worst = nusd + more.nusd, tokens + more.tokens, calls + more.calls
        self.likely += cost.likely
        self._low += cost.low
        self._high += cost.high
        self._tokens += cost.tokens
        self.calls += cost.calls
        self.most_calls += cost.most_calls
        if cost.attempt is not self._attempt:
            self._attempt = _larger(cost.attempt, self._attempt)

    @property
    def worst_nusd(self) -> int:
        """The money of the worst case."""
        return self._worst[0]

    @property
    def total(self) -> Cost:
        """The sum, as a cost made anew."""
        if not self._counted:
            return FREE
        nusd, tokens, calls = self._worst
        return Cost(
            Usage(nusd=nusd, tokens=tokens, calls=calls),
            self.likely,
            self._low,
            self._high,
            self._tokens,
            self.calls,
            self.most_calls,
            self._attempt,
        )


def _least(amount: int, cap: int | None) -> int:
    return amount if cap is None else min(amount, cap)


def _larger(one: Usage, other: Usage) -> Usage:
    """Return the most of two on each axis."""
    if one.nusd >= other.nusd and one.tokens >= other.tokens and one.calls >= other.calls:
        return one  # as nearly always: the requests of a step are alike
    return Usage(
        nusd=max(one.nusd, other.nusd),
        tokens=max(one.tokens, other.tokens),
        calls=max(one.calls, other.calls),
    )


def attempt_worst(spec: InferSpec, prices: Sequence[Price], value_bytes: int, *, blocks: int = 0) -> Usage:
    """Return the most that one attempt can use, by the bounds the runtime reserves by.

    Args:
        spec: The function.
        prices: Of each model that may be asked; the dearest counts.
        value_bytes: The most bytes of the compact JSON of its input values, added up.
        blocks: Blocks of corrections or feedback that are appended to the prompt.
    """
    prompt_tokens = prompt_tokens_bound(prompt_bytes(spec, value_bytes) + blocks * RETRY_BLOCK_BYTES)
    answer_tokens = max_answer_tokens(spec)
    return Usage(
        nusd=max(price.worst_nusd(prompt_tokens + price.overhead_tokens, answer_tokens) for price in prices),
        tokens=prompt_tokens + max(price.overhead_tokens for price in prices) + answer_tokens,
        calls=1,
    )


def first_worst(spec: InferSpec, prices: Sequence[Price], value_bytes: int) -> Usage:
    """Return what is reserved before anything is sent: the first attempt of every vote at once."""
    return (Cost(attempt_worst(spec, prices, value_bytes)) * Times(most=_votes(spec))).worst


def call_cost(
    spec: InferSpec,
    prices: Sequence[Price],
    *,
    most_bytes: int,
    likely_bytes: float,
    forecast: CallForecast | None = None,
) -> Cost:
    """Return the cost of one logical call with every vote, iteration and attempt it may make.

    Args:
        spec: The function.
        prices: Of the model it runs on, then of those that stand in for it.
        most_bytes: The most bytes of the compact JSON of its input values, added up.
        likely_bytes: The expected bytes of the same.
        forecast: What earlier runs showed of the function; changes what is likely, no bound and no low or high.
    """
    told = 0 if spec.refine is None else 1
    again = attempt_worst(spec, prices, most_bytes, blocks=told + 1)
    further = Times(most=max_attempts(spec) - 1)
    worst = Cost(attempt_worst(spec, prices, most_bytes, blocks=told)) + Cost(again) * further
    once = replace(_expected(spec, prices[0], worst.worst, likely_bytes, forecast), attempt=again)
    votes = _votes(spec)
    asked = once * Times(votes, votes, votes, votes)
    if spec.refine is not None:
        share = iterations(spec.refine.max_iterations)
        likely = forecast.iterations if forecast is not None and forecast.iterations else share.likely
        asked = asked * Times(spec.refine.max_iterations, likely, share.low, share.high)
    return asked.under(spec.budget)


def _votes(spec: InferSpec) -> int:
    """Return how many answers are asked for at once."""
    return 1 if spec.quorum is None else spec.quorum.votes


def _expected(
    spec: InferSpec, price: Price, worst: Usage, likely_bytes: float, forecast: CallForecast | None
) -> Cost:
    """Return the cost of one vote in one iteration, with the retries that are expected.

    The low end is that of a call whose provider has kept what all calls of the function begin with.
    """
    told = 0 if spec.refine is None else FEEDBACK_BYTES
    prompt = likely_tokens(prompt_bytes(spec, round(likely_bytes)) + told)
    prompt += round(price.overhead_tokens * _OVERHEAD_SHARE)
    limit = max_answer_tokens(spec)
    answer = min(limit, likely_answer_bytes(spec.output) / _BYTES_PER_ANSWER_TOKEN + 4)
    extra = extra_attempts(spec)

    def nusd(prompt_share: float, answer_share: float, attempts: float, kept: int = 0) -> float:
        counted = TokenUsage(
            input_tokens=round(prompt * prompt_share),
            output_tokens=min(limit, round(answer * answer_share)),
            cache_read_tokens=round(kept * prompt_share),
        )
        return price.cost_nusd(counted) * attempts

    likely, tokens = nusd(1, 1, 1 + extra), (prompt + answer) * (1 + extra)
    if forecast is not None:
        bound = prompt_tokens_bound(prompt_bytes(spec, round(likely_bytes))) + price.overhead_tokens
        likely, tokens = forecast.cost_nusd(price, bound), forecast.tokens(bound)
    return Cost(
        worst,
        likely=likely,
        low=nusd(_LOW_INPUT, _LOW_OUTPUT, 1, kept_tokens(*prefix_bytes(spec), price)),
        high=nusd(_HIGH_INPUT, _HIGH_OUTPUT, 1 + _HIGH_RETRIES * extra),
        tokens=tokens,
        calls=1.0,
        most_calls=1,
    )
