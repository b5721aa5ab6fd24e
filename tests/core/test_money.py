"""Money is exact inside and never shown below what it is."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.money import NUSD_PER_USD, format_usd, to_nusd, to_usd


@pytest.mark.parametrize(
    ("usd", "nusd"),
    [
        (0.1, 100_000_000),
        ("0.1", 100_000_000),
        (Decimal("5.00"), 5_000_000_000),
        (0, 0),
        ("0.0000000001", 1),
        (Decimal("1.0000000001"), 1_000_000_001),
        (1e-9, 1),
        (-0.5, -500_000_000),
    ],
)
def test_dollars_become_whole_nano_dollars_rounded_up(usd: Decimal | float | str, nusd: int) -> None:
    assert to_nusd(usd) == nusd


@given(st.integers(-(10**18), 10**18))
def test_nano_dollars_survive_the_way_to_dollars_and_back(nusd: int) -> None:
    assert to_nusd(to_usd(nusd)) == nusd


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        (0, "$0.00"),
        (NUSD_PER_USD, "$1.00"),
        (1_234_560_000_000, "$1,234.56"),
        (1_001_000_000, "$1.01"),
        (20_000_000, "$0.02"),
        (1_500_000, "$0.0015"),
        (1_234_567, "$0.0013"),
        (1, "$0.000000001"),
        (-20_000_000, "-$0.02"),
    ],
)
def test_an_amount_is_shown_as_people_write_it(nusd: int, text: str) -> None:
    assert format_usd(nusd) == text


@given(st.integers(0, 10**13))
def test_what_is_shown_is_never_below_the_amount_and_near_it(nusd: int) -> None:
    shown = Decimal(format_usd(nusd).replace("$", "").replace(",", ""))
    exact = to_usd(nusd)
    assert exact <= shown
    assert shown - exact <= max(exact / 10, Decimal("0.000000001"))


_TO_NANO = st.decimals(0, 10**6, places=9)


@given(st.lists(_TO_NANO, max_size=50), st.randoms(use_true_random=False))
def test_sums_are_exact_in_any_order(amounts: list[Decimal], chance: Random) -> None:
    shuffled = [*amounts]
    chance.shuffle(shuffled)
    assert sum(map(to_nusd, shuffled)) == to_nusd(sum(amounts, Decimal(0)))
    assert to_usd(sum(map(to_nusd, amounts))) == sum(amounts, Decimal(0))


@given(st.decimals(0, 10**6, places=15), st.decimals(0, 10**6, places=15))
def test_parts_are_never_less_than_their_sum(one: Decimal, other: Decimal) -> None:
    assert 0 <= to_nusd(one) + to_nusd(other) - to_nusd(one + other) <= 1
