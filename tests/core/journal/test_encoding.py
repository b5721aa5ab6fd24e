"""What the journal stores is JSON and nothing else, and it says where it is not."""

from __future__ import annotations

import json
from datetime import date
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.errors import JournalError
from stratum_core.journal._encoding import decode_object, encode

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(_json)
def test_json_comes_back_as_it_went_in(value: object) -> None:
    assert decode_object(encode({"value": value}, where="data")) == {"value": value}


def test_other_mappings_and_sequences_are_stored_as_objects_and_lists() -> None:
    empty: MappingProxyType[str, int] = MappingProxyType({})
    value: MappingProxyType[str, object] = MappingProxyType({"a": (1, empty), "b": range(2)})
    assert json.loads(encode(value, where="data")) == {"a": [1, {}], "b": [0, 1]}


def test_no_text_is_an_empty_object() -> None:
    assert decode_object(None) == {}


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"a": [0, {"when": date(2026, 1, 31)}]}, "data.a[1].when", "a date"),
        ({"a": float("nan")}, "data.a", "the number nan"),
        ([1, float("-inf")], "data[1]", "the number -inf"),
        ({"a": b"x"}, "data.a", "a bytes"),
        ({"a": {("b",): 1}}, "data.a.('b',)", "keyed by a tuple"),
        (object(), "data", "a object"),
    ],
)
def test_what_is_not_json_is_named_with_its_path(value: object, path: str, said: str) -> None:
    with pytest.raises(JournalError) as refused:
        encode(value, where="data")
    assert refused.value.detail == {"path": path}
    assert said in refused.value.message


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(JournalError, match="nested more than 200 levels deep"):
        encode(loop, where="data")


def test_a_number_too_long_to_write_is_refused() -> None:
    with pytest.raises(JournalError, match="digits"):
        encode({"a": 10**5000}, where="data")
