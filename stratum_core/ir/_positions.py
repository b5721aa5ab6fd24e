"""Where every part of a document stands, looked up by path and only when asked.

A path is the way from the root: `("functions", "classify", "ensure", 0)`. Spans are on one line; a value over several
lines is shown by its first. Offsets inside an expression map to the document for plain, quoted and literal block
scalars; where the mapping is not certain the whole value is given and marked as not exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml

from stratum_core.ir._diagnostics import Fix
from stratum_core.ir._scalars import NotJsonNumberError, resolve
from stratum_core.ir._source import Source, Span
from stratum_core.ir._yaml import MappingMark, Mark, ScalarMark, SequenceMark, read_yaml

__all__ = ["Path", "Positions", "format_path"]

Path: TypeAlias = Sequence[str | int]

Entries: TypeAlias = "Mapping[str, str | Entries]"
"""Names with texts, or with more of the same."""

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|[^\\]", re.DOTALL)
_SINGLE = re.compile(r"''|[^']", re.DOTALL)
_PLAIN_KEY = re.compile(r"[^\s.\[\]]+")
_BLOCK_STYLES = ("|", ">")


def format_path(path: Path) -> str:
    """Return a path as diagnostics show it, e.g. `functions.classify.ensure[0]`; `$` for the whole document."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif part.isidentifier() or _PLAIN_KEY.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            shown += f"[{json.dumps(part[:80], ensure_ascii=False)}]"
    return shown or "$"


class Positions:
    """Spans of a document's values and keys.

    A text that was read without marks is read again, with them, when the first span is asked for.
    """

    __slots__ = ("_marks", "_source")

    def __init__(self, source: Source, root: Mark | None = None) -> None:
        self._source = source
        self._marks = root

    @property
    def _root(self) -> Mark:
        """The marks of the whole document."""
        if self._marks is None:
            self._marks = read_yaml(self._source).mark
        return self._marks

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the span of a value, or of its key; of the nearest part above when the path leads nowhere.

        A value without text of its own (a block, an empty value) is shown by its key.
        """
        mark, key_mark, found = self._find(path)
        if key_mark is not None and (key or not found):
            return self._source.span(key_mark[0], key_mark[1], exact=found)
        return self._value_span(mark)

    def offset_span(self, path: Path, start: int, end: int) -> Span:
        """Return the span of the characters `start` to `end` of a text value, where 0 is its first character.

        When the place is not certain (folded text, several lines) the whole value is given with `exact=False`.
        """
        mark, _, found = self._find(path)
        if not found or not isinstance(mark, tuple):
            return _near(self.span(path))
        offsets = self._offsets(mark)
        if offsets is None or not 0 <= start <= end < len(offsets):
            return _near(self._value_span(mark))
        return self._source.span(offsets[start], offsets[end])

    def edit(self, path: Path, start: int, end: int, text: str) -> Fix | None:
        """Return the edit that replaces the characters `start` to `end` of a text value by `text`.

        The edit is proved by reading the changed value again. Where quoting would change, the edit covers the whole
        value; None when no edit on one line is certain.
        """
        mark, _, found = self._find(path)
        if not found or not isinstance(mark, tuple):
            return None
        offsets = self._offsets(mark)
        if offsets is None or not 0 <= start <= end < len(offsets):
            return None
        first, last = offsets[start], offsets[end]
        in_braces = self._is_in_flow(path)
        source = self._source.text
        value = _read_back(source[mark[0] : mark[1]], mark[2], in_braces=in_braces)
        if value is None:
            return None
        wanted = value[:start] + text + value[end:]
        span = self._source.span(first, last)
        changed = source[mark[0] : first] + text + source[last : mark[1]]
        if span.exact and "\n" not in text and _read_back(changed, mark[2], in_braces=in_braces) == wanted:
            empty = first == last
            return Fix(
                line=span.line,
                column=span.column,
                end_column=span.column if empty else span.end_column,
                text=self._source.restore(text),
            )
        return self._requoted(mark, wanted)

    def replace(self, path: Path, text: str, *, key: bool = False) -> Fix | None:
        """Return the edit that replaces a whole scalar value (or a key) as written, or None when it spans lines."""
        mark, key_mark, found = self._find(path)
        place = key_mark if key else mark
        if not found or not isinstance(place, tuple) or place[2] in _BLOCK_STYLES or place[0] == place[1]:
            return None
        span = self._source.span(place[0], place[1])
        if not span.exact:
            return None
        return Fix(line=span.line, column=span.column, end_column=span.end_column, text=text)

    def insert(self, path: Path, entries: Entries, *, before: str) -> Fix | None:
        """Return the edit that puts entries in front of a key of a mapping, in the style of both; None: they are there.

        Args:
            path: The mapping.
            entries: Names, each with the text of an expression or a mapping; in braces they stay on the key's line.
            before: The key.
        """
        mark, _, found = self._find(path)
        if not found or not isinstance(mark, MappingMark) or before not in mark.keys:
            return None
        if not mark.keys.keys().isdisjoint(entries):
            return None
        start, end, style = mark.keys[before]
        span = self._source.span(start, end)
        if not span.exact:
            return None
        lines = [f"{_entry(name, style)}: {_entry(value, style)}" for name, value in entries.items()]
        stop = self._source.line_end(end)
        line_end = self._source.text[stop : self._next_line(stop)] or "\n"
        between = ", " if mark.flow_style else line_end + " " * (span.column - 1)
        text = "".join(line + between for line in lines)
        return Fix(line=span.line, column=span.column, end_column=span.column, text=text)

    def text(self, path: Path) -> str:
        """Return a scalar value as it is written, quotes included; empty when there is none."""
        mark, _, found = self._find(path)
        if not found or not isinstance(mark, tuple):
            return ""
        return self._source.restore(self._source.text[mark[0] : mark[1]])

    def rename_key(self, path: Path, name: str) -> None:
        """Let `path` be found under the key `name` too (a misspelled key that is read as the right one)."""
        parent, _, found = self._find(path[:-1])
        old = path[-1]
        if found and isinstance(parent, MappingMark) and isinstance(old, str) and name not in parent.keys:
            parent.keys[name] = parent.keys[old]
            parent.values[name] = parent.values[old]

    def _requoted(self, mark: ScalarMark, value: str) -> Fix | None:
        """Return the edit that writes a whole one-line value in quotes."""
        span = self._source.span(mark[0], mark[1])
        if not span.exact or mark[2] in _BLOCK_STYLES or not value.isprintable():
            return None
        quoted = json.dumps(value, ensure_ascii=False)
        if '"' in value or "\\" in value:
            quoted = "'" + value.replace("'", "''") + "'"
        return Fix(line=span.line, column=span.column, end_column=span.end_column, text=quoted)

    def _find(self, path: Path) -> tuple[Mark, ScalarMark | None, bool]:
        """Walk down a path as far as it goes: the value's mark, its key's mark, and whether the end was reached."""
        mark = self._root
        key_mark: ScalarMark | None = None
        for part in path:
            if isinstance(mark, MappingMark) and isinstance(part, str) and part in mark.values:
                mark, key_mark = mark.values[part], mark.keys[part]
            elif isinstance(mark, SequenceMark) and isinstance(part, int) and part < len(mark.items):
                mark, key_mark = mark.items[part], None
            else:
                return mark, key_mark, False
        return mark, key_mark, True

    def _is_in_flow(self, path: Path) -> bool:
        """Return whether a value stands inside `{ }` or `[ ]`."""
        mark = self._root
        for part in path:
            if isinstance(mark, (MappingMark, SequenceMark)) and mark.flow_style:
                return True
            if isinstance(mark, MappingMark) and isinstance(part, str):
                mark = mark.values[part]
            elif isinstance(mark, SequenceMark) and isinstance(part, int):
                mark = mark.items[part]
        return False

    def _value_span(self, mark: Mark) -> Span:
        """Return the span of a value's first line of text."""
        if isinstance(mark, tuple):
            if mark[2] in _BLOCK_STYLES:
                offsets = self._block_start(mark)
                return self._source.span(offsets, max(offsets + 1, mark[1]), exact=False)
            return self._source.span(mark[0], mark[1])
        return self._source.span(mark.start, mark.end)

    def _block_start(self, mark: ScalarMark) -> int:
        """Return the offset of the first character of a block scalar's content."""
        text = self._source.text
        offset = self._source.line_end(mark[0])
        while offset < mark[1] and text[offset] in " \r\n":
            offset += 1
        return offset if offset < mark[1] else mark[0]

    def _offsets(self, mark: ScalarMark) -> list[int] | None:
        """Return the document offset of each character of a scalar's value and of its end, or None if unclear."""
        start, end, style = mark
        if style == "|":
            return self._literal_offsets(mark)
        if style == ">" or self._source.line_end(start) < end:
            return None
        if not style:
            return list(range(start, end + 1))
        pattern = _SINGLE if style == "'" else _ESCAPE
        offsets = [found.start() for found in pattern.finditer(self._source.text, start + 1, end - 1)]
        offsets.append(end - 1)
        return offsets

    def _literal_offsets(self, mark: ScalarMark) -> list[int] | None:
        """Map a literal block: each line stands as written, after the indentation of the first."""
        text = self._source.text
        header = self._source.line_end(mark[0])
        if any(char.isdigit() for char in text[mark[0] : header]):
            return None
        first = self._block_start(mark)
        indent = first - self._source.line_start(first)
        offsets: list[int] = []
        offset = self._next_line(header)
        while offset < mark[1]:
            stop = self._source.line_end(offset)
            offsets.extend(range(min(offset + indent, stop), min(stop, mark[1])))
            offsets.append(stop)
            offset = self._next_line(stop)
        return offsets

    def _next_line(self, stop: int) -> int:
        """Return the offset behind the line break at `stop`."""
        return stop + (2 if self._source.text[stop : stop + 2] == "\r\n" else 1)


def _entry(value: str | Entries, style: str) -> str:
    """Return a key or a value as it is written beside keys of a style; quoted where it would read as something else."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_entry(k, style)}: {_entry(v, style)}" for k, v in value.items()) + " }"
    return value if not style and _is_text(value) else json.dumps(value)


def _near(span: Span) -> Span:
    """Return a span marked as not exact."""
    return Span(span.line, span.column, span.end_column, exact=False)


def _read_back(written: str, style: str, *, in_braces: bool) -> str | None:
    """Return the text a scalar reads as where it stands, or None when it would not be one scalar."""
    around = "{x: " + written + "}" if in_braces else "x: " + written
    if style in _BLOCK_STYLES:
        around = "x: " + written
    try:
        events = list(yaml.parse(around + "\n", yaml.CSafeLoader))
    except yaml.YAMLError:
        return None
    if any(isinstance(event, yaml.SequenceStartEvent) for event in events):
        return None
    match [event for event in events if isinstance(event, yaml.ScalarEvent)]:
        case [_, yaml.ScalarEvent(tag=None, value=value)] if style or _is_text(value):
            return value
        case _:
            return None


def _is_text(value: str) -> bool:
    """Return whether an unquoted scalar reads as text."""
    try:
        return isinstance(resolve(value), str)
    except NotJsonNumberError:
        return False
