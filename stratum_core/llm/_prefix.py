"""The prefix that all calls of a function share, and whether its provider keeps it for the next call.

The prompt's fixed layout puts everything a function's calls have in common first (see `_prompt.py`). Providers keep
such a prefix for some minutes and charge less for it when it comes again: some by themselves, others only up to a mark.
None keeps one that is shorter than its minimum, which the price list names for the models that have one of their own.
"""

from __future__ import annotations

from typing import Final

from stratum_core.llm._keys import provider_of
from stratum_core.llm._port import ModelRequest
from stratum_core.llm._prices import Price
from stratum_core.llm._request import schema_bytes
from stratum_core.llm._tokens import likely_tokens

__all__ = ["MARKED_FROM_BYTES", "MARKING_PROVIDERS", "keeps_prefix", "kept_tokens"]

MARKED_FROM_BYTES: Final = 4_096
"""A system text of so many bytes, about 1,100 tokens, is marked: a mark below a model's minimum costs nothing."""
MARKING_PROVIDERS: Final = frozenset({"anthropic"})
"""Providers that keep only what is marked; the others keep common prefixes by themselves."""


def keeps_prefix(request: ModelRequest, price: Price) -> bool:
    """Return whether the next call of the same function is likely to pay less for what it shares with this one.

    It is a likelihood: no provider promises a hit.
    """
    system = sum(len(block.encode()) for block in request.messages[0].blocks)
    return kept_tokens(system, schema_bytes(request.output_schema), price) > 0


def kept_tokens(system_bytes: int, schema_bytes: int, price: Price) -> int:
    """Return the tokens that the calls of a function are expected to share and to pay less for after the first one.

    0 where the model keeps nothing so short, where no money is spent, or where a login pays.

    Args:
        system_bytes: UTF-8 bytes of the system text.
        schema_bytes: Of the answer's schema as compact JSON.
        price: Of the model.
    """
    if price.simulated or price.allowance or price.rates.cache_read_pusd >= price.rates.input_pusd:
        return 0
    marks = provider_of(price.model) in MARKING_PROVIDERS
    tokens = likely_tokens(system_bytes if marks else system_bytes + schema_bytes)
    too_short = tokens < price.cache_min_tokens or (marks and system_bytes < MARKED_FROM_BYTES)
    return 0 if too_short else tokens
