"""An id that is taken: a free one is named, and put in its place where nothing below could mean either step."""

from __future__ import annotations

import pytest

from stratum_core.checks import check, repair
from tests.core.checks._support import apply

_DOCUMENT = """\
stratum: "1"
functions:
  judge: {{ mode: infer, intent: Judge, input: {{ text: string }}, output: string }}
flows:
  main:
    input: {{ text: string, texts: list<string> }}
    output: string
    budget: {{ usd: 1 }}
    steps:
      {steps}
    return: {returned}
"""
_FIRST = "- { id: judge, function: judge, inputs: { text: input.text } }"
_AGAIN = "- { id: judge, function: judge, inputs: { text: judge } }"


def _written(*steps: str, returned: str = "input.text") -> str:
    return _DOCUMENT.format(steps="\n      ".join(steps), returned=returned)


def _fixes(text: str) -> list[str | None]:
    found = [one for one in check(text).diagnostics if one.code == "E324"]
    assert found
    assert all(one.fix is None or f"`{one.fix.text}`" in one.suggestion for one in found)
    return [None if one.fix is None else one.fix.text for one in found]


def test_a_second_step_of_an_id_gets_a_free_one_where_nothing_below_reads_either() -> None:
    text = _written(_FIRST, _AGAIN)
    assert _fixes(text) == ["judge_2"]
    mended = repair(text)
    assert mended.checked.ok
    assert mended.text == text.replace(_AGAIN, _AGAIN.replace("id: judge", "id: judge_2"))


def test_every_further_one_gets_another() -> None:
    other = "- { id: judge_2, compute: input.text }"
    text = _written(other, _FIRST, _FIRST, _FIRST)
    assert _fixes(text) == ["judge_3", "judge_4"]
    assert repair(text).checked.ok


@pytest.mark.parametrize(
    "below",
    [
        "- { id: last, compute: len(judge) }",
        "- { id: last, function: judge, inputs: { text: judge } }",
        "- { id: last, when: judge == 'a', compute: '1' }",
        "- { id: last, for_each: input.texts, function: judge, inputs: { text: judge + item } }",
        "- { id: last, compute: '1', after: [judge] }",
        "- { id: last, parallel: { branches: { a: { function: judge, inputs: { text: judge } } } } }",
        "- { id: last, await_human: { question: Which?, show: { it: judge } } }",
    ],
)
def test_where_something_below_reads_the_id_nobody_knows_which_is_meant(below: str) -> None:
    assert _fixes(_written(_FIRST, _FIRST, below)) == [None]
    assert _fixes(_written(_FIRST, _FIRST, returned="judge")) == [None]


def test_a_function_of_the_same_name_is_no_reading() -> None:
    below = "- { id: last, function: judge, inputs: { text: input.text } }"
    assert _fixes(_written(_FIRST, _FIRST, below)) == ["judge_2"]


def test_a_name_that_expressions_use_for_something_else_is_replaced_too() -> None:
    text = _written(_FIRST.replace("id: judge", "id: item"))
    assert _fixes(text) == ["item_step"]
    assert repair(text).checked.ok
    assert _fixes(_written(_FIRST.replace("id: judge", "id: input"))) == [None]


def test_an_id_of_the_greatest_length_gets_one_that_is_no_longer() -> None:
    long = "a" * 64
    text = _written(*[_FIRST.replace("id: judge", f"id: {long}")] * 3)
    (first, second) = (one for one in check(text).diagnostics if one.code == "E324")
    assert first.fix is not None
    assert second.fix is not None
    assert [first.fix.text, second.fix.text] == ["a" * 62 + "_2", "a" * 62 + "_3"]
    assert not [one for one in check(apply(text, first.fix)).diagnostics if one.path == first.path]
