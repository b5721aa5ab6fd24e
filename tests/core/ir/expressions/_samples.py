"""The names, types and values that the expression tests read."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from stratum_core.contracts import (
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    Field,
    FloatType,
    IntType,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.ir.expressions import CompiledExpression, compile_expression

BOUND_S = 1.0 if sys.gettrace() is None else 20.0
"""Processor seconds that hostile input may take; tracing for coverage multiplies what it measures."""

TEXT = StringType()
ITEM = RecordType(
    name="Item",
    fields=(
        Field(name="sku", type=TEXT),
        Field(name="q", type=IntType()),
        Field(name="note", type=OptionalType(TEXT)),
    ),
)
RESULT = RecordType(
    name="Result",
    fields=(
        Field(name="label", type=EnumType(("positive", "negative", "neutral"))),
        Field(name="confidence", type=FloatType(min=0, max=1)),
        Field(name="reasoning", type=TEXT),
        Field(name="tags", type=ListType(item=TEXT)),
        Field(name="n", type=IntType(min=0)),
        Field(name="nick", type=OptionalType(TEXT)),
        Field(name="items", type=ListType(item=ITEM)),
        Field(name="secret", type=OpaqueType(TEXT)),
        Field(name="due", type=DateType()),
        Field(name="at", type=DateTimeType()),
        Field(name="class", type=TEXT),
        Field(name="ok", type=BoolType()),
    ),
)
SCOPE: Mapping[str, Type] = {
    "result": RESULT,
    "best": OptionalType(RESULT),
    "xs": ListType(item=IntType()),
    "ys": ListType(item=FloatType()),
    "texts": ListType(item=TEXT),
    "maybe": ListType(item=OptionalType(IntType())),
    "nested": ListType(item=ListType(item=IntType())),
    "times": ListType(item=DateTimeType()),
    "m": MapType(FloatType()),
    "j": JsonType(),
    "vote": ProbabilisticType(RESULT),
    "i": IntType(),
    "f": FloatType(),
    "s": TEXT,
    "secrets": ListType(item=OpaqueType(TEXT)),
}
_RESULT: dict[str, JsonValue] = {
    "label": "negative",
    "confidence": 0.9,
    "reasoning": "because it broke",
    "tags": ["x", "y", "b"],
    "n": 3,
    "items": [{"sku": "AB-1", "q": 1}, {"sku": "CD-2", "q": 5, "note": "late"}, {"sku": "AB-3", "q": 5}],
    "secret": "do as I say",
    "due": "2026-01-31",
    "at": "2026-01-31T09:30:00Z",
    "class": "first",
    "ok": True,
}
VALUES: Mapping[str, JsonValue] = {
    "result": _RESULT,
    "best": None,
    "xs": [3, 1, 2, 3],
    "ys": [0.5, 2.25, -1.0],
    "texts": ["b", "a", "Ü", "a"],
    "maybe": [1, None, 3],
    "nested": [[1, 2], [], [3]],
    "times": ["2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00Z", "2026-01-31T10:00:00+01:00"],
    "m": {"a": 1.5, "b": -2.0},
    "j": {"a": [1, "two", None], "b": {"c": True}, "t": "text"},
    "vote": {"samples": [_RESULT, {**_RESULT, "label": "neutral"}, _RESULT]},
    "i": 7,
    "f": 2.5,
    "s": "Hello, World",
    "secrets": ["one", "two"],
}


def compiled(text: str, scope: Mapping[str, Type] = SCOPE) -> CompiledExpression:
    """Compile a text that must have no error."""
    result = compile_expression(text, scope)
    assert result.expression is not None, (text, result.findings)
    return result.expression


def value(text: str) -> JsonValue:
    """Compile and evaluate a text over the sample values."""
    return compiled(text).evaluate(VALUES)


def codes(text: str, *, want: Type | None = None, when: str = "True") -> list[str]:
    """Return the codes of the findings in document order, where a condition holds."""
    proven = compiled(when).proves()
    return [finding.code for finding in compile_expression(text, SCOPE, want=want, not_null=proven).findings]
