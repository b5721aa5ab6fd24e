"""Reading without marks gives what reading with marks gives, or leaves the text to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.ir._source import read_source
from stratum_core.ir._yaml import MAX_DEPTH, Raw, read_yaml
from stratum_core.ir._yaml_clean import MOST_EVENTS, read_clean
from tests.core.ir._samples import corpus
from tests.core.ir.test_positions import TREES, Data

SCALARS = ("a", "b", "1", "0x1f", ".5", "1e400", "~", "null", "<<", "'", '"', "# c")
MARKS = ("{", "}", "[", "]", ": ", ":", ", ", "- ", "? ", "&x ", "*x", "!t ", "!!str ", "|\n", ">\n", "---\n")
PIECES = st.sampled_from((*SCALARS, *MARKS, "\n", "\n  ", "\t", "\x85", "...\n"))
UNCLEAN = {
    "anchor on a key": "&x a: 1\n",
    "anchor on a value": "a: &x 1\n",
    "anchor on a map": "a: &x {}\n",
    "alias": "a: *x\n",
    "tag on a value": "a: !!str 1\n",
    "tag on a list": "a: !t []\n",
    "merge key": "a: {<<: {}}\n",
    "a key twice": "a: 1\nb: {a: 1, a: 2}\n",
    "a map as a key": "{a: 1}: 2\n",
    "a number without an end": "a: .inf\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a list": "- a\n",
    "nothing": "",
    "not YAML": "a: [\n",
    "a line end of YAML 1.1": "a: x\x85y\n",
    "too deep": "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    "too many parts": "a: [" + "1," * MOST_EVENTS + "1]",
}


def full(text: str) -> Raw:
    """Return what the reader with marks gives for a text without faults."""
    tree = read_yaml(read_source(text))
    assert not tree.faults
    return tree.data


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_every_document_of_the_corpus_is_read_without_marks_as_with_them(path: object) -> None:
    text = str(getattr(path, "read_text")(encoding="utf-8"))  # noqa: B009
    assert read_clean(read_source(text)) == full(text)


@given(TREES)
def test_generated_data_is_read_without_marks_as_with_them(tree: Data) -> None:
    text = json.dumps({"name": tree}, ensure_ascii=False)
    clean = read_clean(read_source(text))
    assert clean is None or json.dumps(clean) == json.dumps(full(text))


@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_read_without_marks_has_nothing_to_report(text: str) -> None:
    clean = read_clean(read_source(text))
    if clean is not None:
        assert json.dumps(clean) == json.dumps(full(text))


@pytest.mark.parametrize("text", UNCLEAN.values(), ids=UNCLEAN.keys())
def test_a_text_with_something_to_report_is_left_to_the_reader_with_marks(text: str) -> None:
    assert read_clean(read_source(text)) is None


def test_a_text_at_the_limits_is_read() -> None:
    text = "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert read_clean(read_source(text)) == full(text)
