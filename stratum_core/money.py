"""Exact money: integer nano-dollars inside, `Decimal` where a person or a document writes dollars.

One nano-dollar (nusd) is 1e-9 US dollars: fine enough that one token at any published price is a whole number of
nano-dollars, so sums are exact and order-free.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import NewType

__all__ = ["NUSD_PER_USD", "Nusd", "format_usd", "to_nusd", "to_usd"]

Nusd = NewType("Nusd", int)
"""An amount of money in nano-dollars."""

NUSD_PER_USD = 1_000_000_000
_CENT = 10_000_000


def to_nusd(usd: Decimal | float | str) -> Nusd:
    """Return dollars as nano-dollars, rounded up.

    A float is read through its shortest decimal text, so `0.1` means exactly ten cents.
    """
    return Nusd(int((Decimal(str(usd)) * NUSD_PER_USD).to_integral_value(ROUND_CEILING)))


def to_usd(nusd: int) -> Decimal:
    """Return nano-dollars as an exact decimal number of dollars."""
    return Decimal(nusd) / NUSD_PER_USD


def format_usd(nusd: int) -> str:
    """Return an amount as people write it: cents from one dollar up, else at least two significant digits.

    Rounds up, so that an amount shown as "at most" is never below the real one.
    """
    sign, amount = ("-", -nusd) if nusd < 0 else ("", nusd)
    if amount == 0:
        return "$0.00"
    step = _CENT
    while amount < step * 10 and step > 1 and amount % _CENT:
        step //= 10
    step = min(step, _CENT)
    shown = Decimal(-(-amount // step) * step) / NUSD_PER_USD
    places = max(2, len(f"{NUSD_PER_USD // step}") - 1)
    return f"{sign}${shown:,.{places}f}"
