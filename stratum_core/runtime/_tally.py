"""The tally: what a walk shows of its calls, conditions and loops, for the estimates of later plans.

Only sums and counts are kept, so a tally of 100,000 items is as small as one of ten. A resumed run replays what is on
record through the same code, so its tally is that of the whole run. Requests that were cut off in flight are left out:
what they cost follows from the verb that gave them up, and says nothing about the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.journal import call_subject, step_subject
from stratum_core.llm import Price, PriceTable, TokenUsage
from stratum_core.specs import InferSpec

__all__ = ["AskTally", "Tally"]


@dataclass(slots=True)
class AskTally:
    """What one question to a model used, all attempts together."""

    bound_tokens: int = 0
    """The bound of its first prompt; 0 when nothing was sent."""
    input_tokens: int = 0
    output_tokens: int = 0
    nusd: int = 0

    def add(self, *, reserved: Usage, max_tokens: int, used: Usage, counted: TokenUsage | None) -> None:
        """Add an attempt.

        Args:
            reserved: What was reserved for it.
            max_tokens: The limit of its answer.
            used: What it was charged.
            counted: What the provider counted, if it did.
        """
        bound = reserved.tokens - max_tokens
        self.bound_tokens = self.bound_tokens or bound
        if counted is not None:
            self.input_tokens += counted.input_tokens
            self.output_tokens += counted.output_tokens
        elif used.tokens:
            self.input_tokens += bound
            self.output_tokens += used.tokens - bound
        self.nusd += used.nusd


@dataclass(slots=True)
class _Sums:
    """What a function's questions used, with the squares that say how unlike they are."""

    asks: int = 0
    bound_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nusd: int = 0
    bound_squares: int = 0
    nusd_squares: int = 0
    products: int = 0
    calls: int = 0
    """Calls of a function with `refine` that came to an end."""
    iterations: int = 0

    def priced_nusd(self, price: Price) -> int:
        """Return what so many questions of the mean size cost by a list of prices."""
        mean = TokenUsage(
            input_tokens=round(self.input_tokens / self.asks),
            output_tokens=round(self.output_tokens / self.asks),
        )
        return price.cost_nusd(mean) * self.asks

    def add(self, ask: AskTally) -> None:
        self.asks += 1
        self.bound_tokens += ask.bound_tokens
        self.input_tokens += ask.input_tokens
        self.output_tokens += ask.output_tokens
        self.nusd += ask.nusd
        self.bound_squares += ask.bound_tokens * ask.bound_tokens
        self.nusd_squares += ask.nusd * ask.nusd
        self.products += ask.bound_tokens * ask.nusd


@dataclass(slots=True)
class Tally:
    """What one walk has shown so far."""

    _calls: dict[tuple[str, str], _Sums] = field(default_factory=dict[tuple[str, str], _Sums])
    """By function hash and model."""
    _steps: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def asked(self, spec: InferSpec, model: str, ask: AskTally) -> None:
        """Count a question that came to its end; one for which nothing was sent counts for nothing."""
        if ask.bound_tokens:
            self._sums(spec, model).add(ask)

    def refined(self, spec: InferSpec, model: str, iterations: int) -> None:
        """Count a call of a function with `refine` and the iterations it took."""
        sums = self._sums(spec, model)
        sums.calls += 1
        sums.iterations += iterations

    def step(self, path: str, part: str, happened: int) -> None:
        """Count how much happened where a run came to something only it could decide.

        Args:
            path: Where in the document.
            part: `when` (1 when it held), `for_each` (items) or `debate` (rounds).
            happened: How much.
        """
        counts = self._steps.setdefault(f"{path}.{part}", [0, 0, 0])
        counts[0] += 1
        counts[1] += happened
        counts[2] += happened * happened

    def seen(self, ir_hash: str, prices: PriceTable) -> dict[str, Mapping[str, JsonValue]]:
        """Return what was counted, by the subject that a plan looks it up under.

        Args:
            ir_hash: Of the document.
            prices: For what the tokens of a function cost by the list of its model.
        """
        found: dict[str, Mapping[str, JsonValue]] = {}
        for (function, model), sums in self._calls.items():
            price = prices.price(model)
            if price is not None and sums.asks:
                found[call_subject(function, model)] = {
                    **asdict(sums),
                    "priced_nusd": sums.priced_nusd(price),
                }
        for place, (came, happened, squares) in self._steps.items():
            found[step_subject(ir_hash, place)] = {"came": came, "happened": happened, "squares": squares}
        return found

    def _sums(self, spec: InferSpec, model: str) -> _Sums:
        key = (spec.function_hash, model)
        sums = self._calls.get(key)
        if sums is None:
            sums = self._calls[key] = _Sums()
        return sums
