"""What calls used together: the last line of a script, from its trace records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from stratum_core.money import format_usd, to_nusd, to_usd
from stratum_core.trace._record import TraceRecord

__all__ = ["CallsUsage", "usage_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsUsage:
    """What some calls used. As text it is one line: `4 calls, 5 requests, 812 tokens, $0.0013 (simulated)`."""

    calls: int
    """Calls of infer functions, those answered by a cache or a record included."""
    requests: int
    """Requests sent to a model, those for votes, iterations and retries included."""
    tokens: int
    """Prompt and answer tokens of the requests whose counts are known."""
    charged_usd: Decimal
    """Dollars charged to budgets, exact: what the requests cost, and at its worst case one whose cost nobody knows."""
    unknown: int
    """How many calls have a cost that is not known."""
    simulated: bool
    """Whether all of it was answered by the offline model, so that no real money was spent."""

    def __str__(self) -> str:
        said = [
            f"{self.calls} {'call' if self.calls == 1 else 'calls'}",
            f"{self.requests} {'request' if self.requests == 1 else 'requests'}",
            f"{self.tokens:,} tokens",
            format_usd(to_nusd(self.charged_usd)) + (" (simulated)" if self.simulated else ""),
        ]
        if self.unknown:
            said.append(f"{self.unknown} of unknown cost")
        return ", ".join(said)


def usage_of(records: Iterable[TraceRecord]) -> CallsUsage:
    """Return what calls used together; questions to people and what was replayed from a record count nothing.

        print(usage_of(all_records()))

    Args:
        records: Of calls, such as `all_records()` returns; that keeps the newest 1,000.
    """
    calls = [record for record in records if record.kind == "infer"]
    sent = [attempt for record in calls for attempt in record.attempts if not attempt.replayed]
    return CallsUsage(
        calls=len(calls),
        requests=len(sent),
        tokens=sum((attempt.input_tokens or 0) + (attempt.output_tokens or 0) for attempt in sent),
        charged_usd=to_usd(sum(attempt.charged_nusd for attempt in sent)),
        unknown=sum(record.cost_usd is None for record in calls),
        simulated=bool(sent) and all(attempt.simulated for attempt in sent),
    )
