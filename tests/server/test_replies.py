"""Replies stay small, and text nobody vetted cannot steer whoever shows it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import TextContent

from stratum_core.contracts import JsonValue
from stratum_core.engine import RunView
from stratum_core.errors import DiagnosticsError, InputError
from stratum_core.journal import RunState
from stratum_mcp.plain import plain, plain_line
from stratum_mcp.replies import MAX_CHARACTERS, bounded, reply, run_record, tool_error

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(record=st.dictionaries(st.text(max_size=8), _JSON, max_size=6))
def test_a_bounded_record_keeps_its_names_and_a_small_one_is_left_alone(record: dict[str, JsonValue]) -> None:
    size = len(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    assert bounded(record, size) == record
    small = bounded(record, 100)
    assert set(record) <= set(small)
    assert len(str(small)) <= max(1_000, len(str(record)))


def test_a_long_list_keeps_its_head_and_counts_what_was_left_out() -> None:
    small = bounded({"rows": list(range(1_000)), "name": "x"}, 500)
    kept = small["rows"]
    assert isinstance(kept, list)
    assert kept == list(range(len(kept)))
    assert small["omitted"] == {"rows": 1_000 - len(kept)}
    assert small["name"] == "x"


def test_an_error_carries_its_remedy_and_its_diagnostics_in_bounds() -> None:
    found = [{"code": "E211", "line": n, "message": "m" * 500} for n in range(200)]
    text = str(tool_error(DiagnosticsError("200 faults", remedy="mend them", detail={"diagnostics": found})))
    head, remedy, detail = text.split("\n")
    assert (head, remedy) == ("invalid_document: 200 faults", "What to do: mend them")
    assert json.loads(detail)["diagnostics"][0] == found[0]
    assert len(text) < MAX_CHARACTERS


def test_an_error_without_remedy_or_detail_is_one_line() -> None:
    assert str(tool_error(InputError("no file"))) == "invalid_input: no file"


def test_half_a_surrogate_pair_does_not_make_an_answer_unsendable() -> None:
    sent = reply({"text": "broken \ud800 text"})
    assert sent.model_dump_json()
    assert sent.structured_content == {"text": "broken ? text"}


def test_the_text_of_a_reply_is_the_record_with_nothing_that_steers() -> None:
    (block,) = reply({"text": "a\x1b[2Jb\u202ec"}).content
    assert isinstance(block, TextContent)
    assert "\x1b" not in block.text
    assert "\u202e" not in block.text
    assert json.loads(block.text) == {"text": "a\x1b[2Jb\u202ec"}


@pytest.mark.parametrize(
    ("state", "live", "says"),
    [
        ("running", True, "call resume with this run_id to wait"),
        ("interrupted", False, "call resume with this run_id to go on"),
        ("stopped_limit", False, "call resume with this run_id to go on"),
        ("stopped_budget", False, "plan again with a higher cap_usd"),
        ("completed", False, None),
        ("cancelled", False, None),
    ],
)
def test_a_run_says_what_to_call_next(state: RunState, live: bool, says: str | None) -> None:
    view = RunView(
        run_id="run_1", plan_id="plan_1", state=state, message="m", done=0, total=1, usd=0, cap_usd=1,
        simulated=True, live=live, resumable=state in {"interrupted", "stopped_limit"},
    )  # fmt: skip
    told = run_record(view).get("next")
    assert told is None if says is None else says in str(told)


@given(st.text())
def test_plain_text_has_no_character_a_terminal_acts_on(text: str) -> None:
    shown = plain(text)
    assert all(
        character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs"
        for character in shown
    )
    shown.encode("utf-8")


@given(st.text(), st.integers(1, 40))
def test_a_plain_line_is_one_line_of_bounded_length(text: str, limit: int) -> None:
    line = plain_line(text, limit)
    assert "\n" not in line
    assert len(line) <= limit


def test_ordinary_text_in_any_script_is_left_alone() -> None:
    for text in ("plain", "zwölf Boxkämpfer", "三十", "emoji 🎉 ok", "a\tb\nc"):
        assert plain(text) == text
