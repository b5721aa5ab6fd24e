"""The figures of `python -m bench anchors` that take seconds; those of killed runs are the chaos suite's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bench import _anchors
from bench._measure import Row
from bench._refusals import refusals

pytestmark = pytest.mark.slow


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "measured", [_anchors._cap_worth_five, _anchors._closed_account, _anchors._rate_limited]
)
async def test_what_reaches_the_provider_is_what_is_promised(
    measured: Callable[[], Awaitable[list[Row]]],
) -> None:
    rows = await measured()
    assert [row.area for row in rows if not row.met] == []


def test_a_yes_for_something_else_and_a_model_without_a_price_are_refused_before_anything_is_sent() -> None:
    rows = refusals()
    assert [row.area for row in rows if not row.met] == []
    assert len(rows) == 4
