"""Putting one member into a JSON text and taking it out again, without touching any other character.

Layout, order, number formats and unknown keys stay as they are. What cannot be read without doubt is refused with its
place: text that is not JSON, comments included, because Claude Code does not read them either; a key on our path that
stands twice; a list where an object belongs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError

__all__ = ["empty_pruned", "get", "put", "read_object", "take"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NEWLINE: Final = re.compile(r"\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """Where one member of an object stands; the ends are exclusive."""

    key: str
    key_start: int
    key_end: int
    value_start: int
    value_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """Where an object stands: its braces and what is between them."""

    start: int
    end: int
    members: tuple[_Member, ...]


def read_object(text: str, where: str) -> dict[str, JsonValue]:
    """Return the object a text holds; an empty text holds an empty one. Numbers are read as floats.

    Raises:
        ConfigurationError: It is not JSON, or not an object; `where` is named with line and column.
    """
    if not text.strip(" \t\r\n"):
        return {}
    try:
        value = cast("JsonValue", _DECODER.decode(text))
    except json.JSONDecodeError as error:
        raise _not_json(text, where, error) from error
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ConfigurationError(
            f"{where} was left as it is: {reason}", remedy="repair the file, then run this again"
        ) from error
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{where} was left as it is: it holds {_kind(value)} where an object belongs",
            remedy="repair the file, or move it aside, then run this again",
        )
    return value


def get(text: str, path: Sequence[str], where: str) -> JsonValue:
    """Return the member at a path, or None where there is none.

    Raises:
        ConfigurationError: The text cannot be read without doubt.
    """
    read_object(text, where)
    place = _find(text, path, where)
    if not isinstance(place, _Member):
        return None
    return cast("JsonValue", _DECODER.raw_decode(text, place.value_start)[0])


def put(text: str, path: Sequence[str], value: JsonValue, where: str) -> str:
    """Return the text with a member at a path, and the objects on the way to it; nothing else changes.

    Raises:
        ConfigurationError: The text cannot be read without doubt.
    """
    read_object(text, where)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.strip(" \t\r\n"):
        return json.dumps(_nested(path, value), indent=2, ensure_ascii=False).replace("\n", newline) + newline
    place = _find(text, path, where)
    if isinstance(place, _Member):
        if _DECODER.raw_decode(text, place.value_start)[0] == value:
            return text
        lead = _lead(text, place.key_start)
        written = _written(value, _unit(text), lead, newline)
        return text[: place.value_start] + written + text[place.value_end :]
    parent, missing = place
    return _inserted(text, parent, missing[0], _nested(missing[1:], value), newline)


def take(text: str, path: Sequence[str], where: str) -> str:
    """Return the text without the member at a path, and without objects that hold nothing after that.

    Raises:
        ConfigurationError: The text cannot be read without doubt.
    """
    read_object(text, where)
    for depth in range(len(path), 0, -1):
        place = _find(text, path[:depth], where)
        if not isinstance(place, _Member) or (depth < len(path) and not _is_empty(text, place)):
            return text
        parent = _object_at(text, _parent_start(text, path[:depth], where))
        text = _without(text, parent, place)
    return text


def empty_pruned(value: JsonValue) -> JsonValue:
    """Return a value without objects that hold nothing: what a client leaves behind counts as nothing."""
    if not isinstance(value, Mapping):
        return value
    kept = {key: empty_pruned(each) for key, each in value.items()}
    return {key: each for key, each in kept.items() if each != {}}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not JSON")


# Numbers are only compared, never written: as floats, digits without end do no harm.
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float)


def _find(text: str, path: Sequence[str], where: str) -> _Member | tuple[_Object, tuple[str, ...]]:
    """Return the member at a path, or the innermost object on the way there and the keys that are missing in it."""
    start = _skip(text, 0)
    if start == len(text):
        return _Object(start=0, end=0, members=()), tuple(path)
    member: _Member | None = None
    for depth, key in enumerate(path):
        if text[start] != "{":
            value = cast("JsonValue", _DECODER.raw_decode(text, start)[0])
            raise ConfigurationError(
                f"{where} was left as it is: line {_line(text, start)}: `{'.'.join(path[:depth])}` holds "
                f"{_kind(value)} where an object belongs",
                remedy="repair the file, then run this again",
            )
        found = _object_at(text, start)
        named = [each for each in found.members if each.key == key]
        if len(named) > 1:
            lines = " and ".join(str(_line(text, each.key_start)) for each in named)
            raise ConfigurationError(
                f"{where} was left as it is: {key!r} stands in it twice, in lines {lines}",
                remedy="keep one of the two, then run this again",
            )
        if not named:
            return found, tuple(path[depth:])
        member = named[0]
        start = member.value_start
    assert member is not None  # noqa: S101 - a path has at least one key
    return member


def _parent_start(text: str, path: Sequence[str], where: str) -> int:
    """Return where the object starts that holds the member at a path, which is there."""
    if len(path) == 1:
        return _skip(text, 0)
    place = _find(text, path[:-1], where)
    assert isinstance(place, _Member)  # noqa: S101 - found just before
    return place.value_start


def _object_at(text: str, start: int) -> _Object:
    """Return the members of the object at `start` in a text that is known to be JSON."""
    members: list[_Member] = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        key, key_end = cast("tuple[str, int]", _DECODER.raw_decode(text, at))
        value_start = _skip(text, _skip(text, key_end) + 1)
        value_end = _DECODER.raw_decode(text, value_start)[1]
        members.append(
            _Member(key=key, key_start=at, key_end=key_end, value_start=value_start, value_end=value_end)
        )
        at = _skip(text, value_end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Object(start=start, end=at, members=tuple(members))


def _inserted(text: str, parent: _Object, key: str, value: JsonValue, newline: str) -> str:
    """Return the text with a member added at the end of an object, laid out like the member before it."""
    name = json.dumps(key, ensure_ascii=False)
    if parent.members:
        last = parent.members[-1]
        colon = text[last.key_end : last.value_start]
        lead = _lead(text, last.key_start) or colon.partition(":")[2]
        member = f",{lead}{name}{colon}{_written(value, _unit(text), lead, newline)}"
        return text[: last.value_end] + member + text[last.value_end :]
    if parent.start > 0 and not _NEWLINE.search(text.strip()):
        member = f"{name}: {json.dumps(value, ensure_ascii=False)}"
        return f"{text[: parent.start]}{{{member}}}{text[parent.end + 1 :]}"
    line = text[text.rfind("\n", 0, parent.start) + 1 : parent.start]
    base = line[: len(line) - len(line.lstrip(" \t"))]
    unit = _unit(text)
    lead = f"{newline}{base}{unit}"
    member = f"{lead}{name}: {_written(value, unit, lead, newline)}{newline}{base}"
    return f"{text[: parent.start]}{{{member}}}{text[parent.end + 1 :]}"


def _without(text: str, parent: _Object, member: _Member) -> str:
    """Return the text without a member and the comma that belongs to it."""
    index = parent.members.index(member)
    if len(parent.members) == 1:
        return text[: parent.start + 1] + text[parent.end :]
    if index == 0:
        return text[: member.key_start] + text[parent.members[1].key_start :]
    return text[: parent.members[index - 1].value_end] + text[member.value_end :]


def _written(value: JsonValue, unit: str, lead: str, newline: str) -> str:
    """Return a value as JSON: over several lines where its neighbours stand on lines of their own."""
    if "\n" not in lead:
        separators = (", ", ": ") if lead else (",", ":")
        return json.dumps(value, ensure_ascii=False, separators=separators)
    indent = lead.rsplit("\n", 1)[1]
    return json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", f"{newline}{indent}")


def _lead(text: str, key_start: int) -> str:
    """Return the space before a key, back to its comma or brace."""
    return text[len(text[:key_start].rstrip(" \t\r\n")) : key_start]


def _unit(text: str) -> str:
    """Return what one level of the text is indented by."""
    root = _object_at(text, _skip(text, 0))
    if root.members:
        lead = _lead(text, root.members[0].key_start)
        if "\n" in lead:
            return lead.rsplit("\n", 1)[1] or "  "
    return "  "


def _is_empty(text: str, member: _Member) -> bool:
    return _DECODER.raw_decode(text, member.value_start)[0] == {}


def _nested(path: Sequence[str], value: JsonValue) -> JsonValue:
    for key in reversed(path):
        value = {key: value}
    return value


def _skip(text: str, at: int) -> int:
    """Return where the next character stands that is no space."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _kind(value: JsonValue) -> str:
    """Return what a value is, in the words of JSON."""
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        return "an object"
    return "null" if value is None else "true or false" if isinstance(value, bool) else "a number"


def _not_json(text: str, where: str, error: json.JSONDecodeError) -> ConfigurationError:
    """Return the refusal of a text that is not JSON, with the place and what to do."""
    rest = text[error.pos :].lstrip(" \t\r\n")
    is_comment = rest.startswith(("//", "/*", "#"))
    what = "a comment, which JSON does not have" if is_comment else error.msg
    remedy = (
        "take the comments out (Claude Code ignores the whole file while they are in it), then run this again"
        if is_comment
        else "repair the file, then run this again"
    )
    return ConfigurationError(
        f"{where} was left as it is: line {error.lineno}, column {error.colno}: {what}", remedy=remedy
    )
