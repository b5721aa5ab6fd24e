"""Token bounds and expectations, from bytes alone.

A provider's tokenizer never makes more tokens than the text has UTF-8 bytes, so bytes bound a prompt for every model,
offline and without a tokenizer file. The bound is loose (about four times the usual count of English text) and is only
ever used for reservations and the worst case; what is expected, and what is paid, come from `likely_tokens` and from
the provider's own counts. See docs/decisions/0010-bytes-bound-prompt-tokens.md.
"""

from __future__ import annotations

from typing import assert_never

from stratum_core.contracts import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NeverType,
    NullType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
)

__all__ = [
    "ANSWER_ALLOWANCE_TOKENS",
    "ANSWER_BYTES_PER_TOKEN",
    "REQUEST_OVERHEAD_TOKENS",
    "TRANSPORT_RETRIES",
    "default_max_tokens",
    "likely_tokens",
    "prompt_tokens_bound",
]

ANSWER_BYTES_PER_TOKEN = 8
"""An answer longer than `max_tokens` times this is refused, so that text made by one call bounds the next prompt."""

REQUEST_OVERHEAD_TOKENS = 128
"""Role marks, separators and the provider's own structured-output preamble, in tokens for each request."""

ANSWER_ALLOWANCE_TOKENS = 200
"""Added to what the output type needs, for white space and a model that words things at length."""

TRANSPORT_RETRIES = 2
"""Requests the infer loop may add to one call after rate limits, server faults and timeouts."""

_BYTES_PER_LIKELY_TOKEN = 3.6
_SCALAR_TOKENS = 10
_FREE_TEXT_TOKENS = 300
_FREE_LIST_ITEMS = 20
_FREE_JSON_TOKENS = 1000
_MIN_TOKENS = 256
_MAX_TOKENS = 8192


def prompt_tokens_bound(byte_count: int) -> int:
    """Return the most prompt tokens a request of so many UTF-8 bytes (schema included) can be charged for."""
    return byte_count + REQUEST_OVERHEAD_TOKENS


def likely_tokens(byte_count: int) -> int:
    """Return the expected tokens of text of so many UTF-8 bytes.

    3.6 bytes a token is what current tokenizers give on mixed English prose and JSON; other scripts need more.
    """
    return round(byte_count / _BYTES_PER_LIKELY_TOKEN)


def default_max_tokens(output: Type) -> int:
    """Return the output limit of a function that states none: what its output type needs plus a stated allowance.

    The result lies between 256 and 8,192 tokens and never depends on what is left of a budget.
    """
    return max(_MIN_TOKENS, min(_MAX_TOKENS, _answer_tokens(output) + ANSWER_ALLOWANCE_TOKENS))


def _answer_tokens(kind: Type) -> int:
    """Return a generous count of the tokens a full answer of the type takes."""
    match kind:
        case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return _answer_tokens(inner)
        case RecordType(fields=fields):
            return sum(_answer_tokens(field.type) + len(field.name) // 2 + 4 for field in fields)
        case ListType(item=item, max_length=longest):
            return (_FREE_LIST_ITEMS if longest is None else longest) * (_answer_tokens(item) + 2)
        case MapType(value=value):
            return _FREE_LIST_ITEMS * (_answer_tokens(value) + _SCALAR_TOKENS)
        case StringType(max_length=longest):
            return _FREE_TEXT_TOKENS if longest is None else longest // 2 + 2
        case EnumType(values=values):
            return max(len(str(value)) for value in values) // 2 + 2 if values else _SCALAR_TOKENS
        case JsonType() | AnyType() | BytesType():
            return _FREE_JSON_TOKENS
        case IntType() | FloatType() | BoolType() | NullType() | DateType() | DateTimeType() | NeverType():
            return _SCALAR_TOKENS
        case _:
            assert_never(kind)
