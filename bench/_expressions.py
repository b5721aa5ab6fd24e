"""Evaluating the expressions of a flow: microseconds each, beside CPython's own evaluation of the same text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench._measure import Row, cpu_ms
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.specs import Expression

__all__ = ["measure"]

_ROUNDS = 2_000
_DOCUMENT = """\
stratum: "1"
contracts:
  Item: { label: string, confidence: float }
  Report: { few: bool, many: int }
flows:
  main:
    input: { items: list<Item>, limit: float }
    output: Report
    steps: [{ id: count, compute: len(input.items) }]
    return:
      few: input.items[0].confidence < input.limit and count > 2
      many: sum(1 for item in input.items if item.confidence < 0.7)
"""
_ITEMS = [{"confidence": number / 100} for number in range(100)]


def measure() -> list[Row]:
    """Return the time of a condition and of a sum over 100 items."""
    program = check(_DOCUMENT).program
    assert program is not None
    returns = program.flows["main"].returns
    assert isinstance(returns, Mapping)
    items: list[JsonValue] = [{"label": "good", **item} for item in _ITEMS]
    scope: dict[str, JsonValue] = {"input": {"items": items, "limit": 0.7}, "count": 100}
    return [
        _row("a condition", returns["few"], scope, lambda: _ITEMS[0]["confidence"] < 0.7 and len(_ITEMS) > 2),
        _row(
            "a sum over 100 items",
            returns["many"],
            scope,
            lambda: sum(1 for item in _ITEMS if item["confidence"] < 0.7),
        ),
    ]


def _row(
    name: str, expression: Expression, scope: Mapping[str, JsonValue], native: Callable[[], object]
) -> Row:
    """Return the microseconds of one evaluation of both."""
    return Row(
        area=f"evaluate {name}",
        ours=cpu_ms(lambda: [expression.evaluate(scope) for _ in range(_ROUNDS)]) * 1000 / _ROUNDS,
        unit="us",
        peer="the same in Python",
        theirs=cpu_ms(lambda: [native() for _ in range(_ROUNDS)]) * 1000 / _ROUNDS,
    )
