"""Members put into JSON texts and taken out: everything else keeps its characters, whatever the layout."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.errors import ConfigurationError
from stratum_mcp.install._json_text import empty_pruned, get, put, read_object, take

_PATH = ("outer", "inner")
_KEYS = st.text(max_size=6).filter(lambda key: key not in _PATH)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_KEYS, _VALUES, max_size=4)
_INDENTS = st.sampled_from([None, 0, 1, 2, 4, "\t"])
_NEWLINES = st.sampled_from(["\n", "\r\n"])


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """JSON texts as programs write them, some with the outer object already there."""
    value = draw(_OBJECTS)
    if draw(st.booleans()):
        value["outer"] = draw(_OBJECTS)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(value, indent=draw(_INDENTS), separators=separators, ensure_ascii=draw(st.booleans()))
    return text.replace("\n", draw(_NEWLINES)) + draw(st.sampled_from(["", "\n"]))


@given(text=_texts(), value=_VALUES.filter(lambda value: value is not None))
def test_put_changes_the_value_and_nothing_else_and_take_undoes_it(text: str, value: object) -> None:
    wanted = json.loads(json.dumps(value))
    changed = put(text, _PATH, wanted, "f")
    before, after = json.loads(text), json.loads(changed)
    assert after.pop("outer") == {**before.pop("outer", {}), "inner": wanted}
    assert after == before
    assert list(after) == list(before)
    assert put(changed, _PATH, wanted, "f") == changed
    assert get(changed, _PATH, "f") == read_object(json.dumps({"v": wanted}), "f")["v"]
    taken = take(changed, _PATH, "f")
    if json.loads(text).get("outer") or "outer" not in json.loads(text):
        assert json.loads(taken) == json.loads(text)
    assert empty_pruned(json.loads(taken)) == empty_pruned(json.loads(text))


@given(text=_texts())
def test_nothing_is_lost_of_the_characters_there_were(text: str) -> None:
    changed = put(text, _PATH, "x", "f")
    left = iter(changed)
    assert all(character in left for character in text)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", '{\n  "outer": {\n    "inner": 1\n  }\n}\n'),
        ("{}", '{\n  "outer": {\n    "inner": 1\n  }\n}'),
        ('{"a":1}', '{"a":1,"outer":{"inner":1}}'),
        ('{"a": 1}', '{"a": 1, "outer": {"inner": 1}}'),
        ('{"outer": {}}', '{"outer": {"inner": 1}}'),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"outer": {\n\t\t"inner": 1\n\t}\n}'),
        ('{\n "outer": {}\n}', '{\n "outer": {\n  "inner": 1\n }\n}'),
        ('{\n "outer": {"inner": 2, "b": 3}\n}', '{\n "outer": {"inner": 1, "b": 3}\n}'),
    ],
)
def test_what_is_added_is_laid_out_like_its_neighbours(text: str, changed: str) -> None:
    assert put(text, _PATH, 1, "f") == changed


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": 1, "outer": {"inner": 1}}', '{"a": 1}'),
        ('{"outer": {"inner": 1}, "a": 1}', '{"a": 1}'),
        ('{"outer": {"b": 2, "inner": 1, "c": 3}}', '{"outer": {"b": 2, "c": 3}}'),
        ('{"outer": {"inner": 1}}', "{}"),
        ('{"a": 1}', '{"a": 1}'),
        ('{"outer": {"b": 1}}', '{"outer": {"b": 1}}'),
        ("", ""),
    ],
)
def test_what_is_taken_out_takes_its_comma_and_empty_objects_along(text: str, left: str) -> None:
    assert take(text, _PATH, "f") == left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"outer": [1]}', "line 1: `outer` holds a list"),
        ('{"outer": "x"}', "`outer` holds a text"),
        ('{"outer": 1}', "`outer` holds a number"),
        ('{"outer": true}', "`outer` holds true or false"),
        ('{"outer": null}', "`outer` holds null"),
        ('"x"', "it holds a text"),
        ('{"outer": {},\n\n"outer": {}}', "twice, in lines 1 and 3"),
        ('{"outer": {"inner": 1, "inner": 2}}', "'inner' stands in it twice"),
        ('{"a": Infinity}', "Infinity"),
        ('{"a": 1} // why', "line 1, column 10: a comment"),
        ('{"a": 1}\n# why', "a comment"),
        ("{'a': 1}", "line 1, column 2"),
    ],
)
def test_what_is_not_clear_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        put(text, _PATH, 1, "settings.json")
    assert str(caught.value).startswith("settings.json was left as it is: ")
    assert words in str(caught.value)
    assert caught.value.remedy
