"""What the offline model does when it is told that its answer was not accepted.

It reads the violated conditions as they are written (`result.confidence > 0.7`, `len(result.text) <= 200`,
`not matches(result.text, "...")`) and changes the fields they name so that they hold. A condition in another form is
left alone: the answer then stays as it is, as a model's may.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.llm.offline._language import clip, sentences
from stratum_core.llm.offline._patterns import matches
from stratum_core.llm.offline._schema import Schema, clamp, inner, items, kind_of, properties

__all__ = ["correct"]

_PATH = r"result(?P<path>(?:\.\w+)*)"
_BOUND = r"\s*(?P<sign>>=|<=|>|<|==)\s*(?P<bound>-?\d+(?:\.\d+)?)"
_TEXT = r"(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
_LENGTH = re.compile(rf"len\({_PATH}\){_BOUND}")
_VALUE = re.compile(rf"(?<!len\(){_PATH}{_BOUND}")
_NO_MATCH = re.compile(rf"not matches\({_PATH}, {_TEXT}\)")
_NOT_IN = re.compile(rf"{_TEXT} not in (?:lower\()?{_PATH}")
_IN = re.compile(rf"{_TEXT} in (?:lower\()?{_PATH}")
_PADDING = "No further detail is given."
_SLACK = 0.01
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


Edit: TypeAlias = Callable[[JsonValue, Schema, "re.Match[str]"], JsonValue]
"""Makes one condition true for the value it names."""


def correct(answer: JsonValue, schema: Schema, violations: Sequence[str]) -> JsonValue:
    """Return the answer with every condition it can read made true."""
    for line in violations:
        condition = line.partition(" must be true")[0]
        for form, edit in _EDITS:
            for found in form.finditer(condition):
                path = found["path"].split(".")[1:]
                wrapped = isinstance(answer, Mapping) and set(answer) == {"value"}
                answer = _changed(answer, ["value", *path] if wrapped else path, schema, edit, found)
    return answer


def _changed(
    value: JsonValue, path: Sequence[str], node: Schema, edit: Edit, found: re.Match[str]
) -> JsonValue:
    """Return a value with the part at a path edited; an unknown path changes nothing."""
    if not path:
        return edit(value, inner(node), found)
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    below = properties(inner(node)).get(path[0], {})
    return {**value, path[0]: _changed(value[path[0]], path[1:], below, edit, found)}


def _moved(value: JsonValue, node: Schema, found: re.Match[str]) -> JsonValue:
    """Move a number to the right side of a bound."""
    sign, limit = found["sign"], float(found["bound"])
    if isinstance(value, bool) or not isinstance(value, (int, float)) or _COMPARE[sign](value, limit):
        return value
    step = 1.0 if kind_of(node) == "integer" else _SLACK
    moved = clamp(limit + {">": step, "<": -step}.get(sign, 0.0), node)
    return round(moved) if kind_of(node) == "integer" else round(moved, 6)


def _resized(value: JsonValue, _: Schema, found: re.Match[str]) -> JsonValue:
    """Bring a text or list to the wanted side of a length."""
    sign, limit = found["sign"], int(float(found["bound"]))
    least, most = limit + (sign == ">"), max(0, limit - (sign == "<"))
    shortens = sign in {"<", "<="}
    if isinstance(value, str):
        if shortens:
            return clip(value, most) if len(value) > most else value
        while len(value) < least:
            value = f"{value} {_PADDING}".strip()
        return value
    if not isinstance(value, list):
        return value
    listed = items(value)
    return listed[:most] if shortens else listed + listed[-1:] * (least - len(listed))


def _without(value: JsonValue, _: Schema, found: re.Match[str]) -> JsonValue:
    """Leave out what matches a forbidden expression: its sentence, else the words themselves."""
    if not isinstance(value, str):
        return value
    pattern = _quoted(found)
    kept = " ".join(part for part in sentences(value) if not matches(pattern, part))
    return kept or " ".join(word for word in value.split() if not matches(pattern, word))


def _without_text(value: JsonValue, _: Schema, found: re.Match[str]) -> JsonValue:
    """Leave out a forbidden text, in any case."""
    if not isinstance(value, str):
        return value
    unwanted = _quoted(found).lower()
    kept = " ".join(part for part in sentences(value) if unwanted not in part.lower())
    return kept or re.sub(re.escape(unwanted), "", value, flags=re.IGNORECASE).strip()


def _with_text(value: JsonValue, _: Schema, found: re.Match[str]) -> JsonValue:
    """Add a demanded text."""
    wanted = _quoted(found)
    return f"{value} {wanted}".strip() if isinstance(value, str) and wanted not in value else value


def _quoted(found: re.Match[str]) -> str:
    """Return the text of a quoted literal."""
    literal = found["text"]
    body = literal if literal[0] == '"' else f'"{literal[1:-1].replace(chr(34), chr(92) + chr(34))}"'
    try:
        text: object = json.loads(body)
    except ValueError:
        return literal[1:-1]
    return str(text)


_EDITS: tuple[tuple[re.Pattern[str], Edit], ...] = (
    (_LENGTH, _resized),
    (_VALUE, _moved),
    (_NO_MATCH, _without),
    (_NOT_IN, _without_text),
    (_IN, _with_text),
)
