from __future__ import annotations

from decimal import Decimal

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError
from stratum_core.plan import PlanOptions


def test_nothing_given_means_every_default() -> None:
    assert PlanOptions.from_json(None) == PlanOptions() == PlanOptions.from_json({})


def test_options_survive_a_round_trip() -> None:
    options = PlanOptions(
        model="offline",
        mode="persistent",
        rows=3,
        out="a.csv",
        cap_usd=Decimal("0.05"),
        background=False,
        seed=7,
    )

    assert PlanOptions.from_json(options.to_json()) == options
    assert options.cap_nusd == 50_000_000
    assert PlanOptions().cap_nusd is None


def test_an_unknown_option_is_named_with_the_one_probably_meant() -> None:
    with pytest.raises(
        PlanError, match=r"there is no option `bakground` \(did you mean `background`\?\);"
    ) as caught:
        PlanOptions.from_json({"bakground": "x", "rows": 0})

    assert [item["path"] for item in caught.value.detail["violations"]] == ["rows", "bakground"]
    assert "background" in caught.value.remedy


@pytest.mark.parametrize(
    "value", [[], "x", {"rows": "3"}, {"cap_usd": "0.05"}, {"mode": "fast"}, {"background": 1}]
)
def test_options_are_typed_strictly(value: JsonValue) -> None:
    with pytest.raises(PlanError, match="options are wrong"):
        PlanOptions.from_json(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"rows": "many"}, '`rows` must be a whole number; it is "many"'),
        ({"rows": 0}, "`rows` must be a whole number from 1 to 10000000; it is 0"),
        ({"cap_usd": -1}, "`cap_usd` must be a number from 0 to 1000000; it is -1"),
        ({"model": ""}, '`model` must have 1 to 200 characters, got 0; it is ""'),
        ({"background": 1}, "`background` must be true or false; it is 1"),
        ({"qqq": 1}, "there is no option `qqq`; the options are"),
        (5, "they must be a record with model, "),
    ],
)
def test_an_option_that_does_not_fit_says_what_it_must_be(value: JsonValue, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        PlanOptions.from_json(value)
    assert said in str(caught.value)
