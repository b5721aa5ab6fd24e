"""YAML text to plain data with a mark for every value and key, in one pass over libyaml's events.

YAML 1.2 core semantics (JSON is a subset); anchors, aliases, tags, merge keys, duplicate keys and further documents
are refused. Depth and number of parts are limited while the events stream by, so a hostile document costs no more
than the part of it that was read. Marks hold character offsets only; lines and columns are found when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from stratum_core.ir._document import INVALID, Invalid
from stratum_core.ir._scalars import NotJsonNumberError, resolve
from stratum_core.ir._source import Source, SourceFault
from stratum_core.ir._syntax import cause_of

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "MappingMark",
    "Mark",
    "Raw",
    "ReadFault",
    "ScalarMark",
    "SequenceMark",
    "Tree",
    "read_yaml",
]

MAX_DEPTH = 64
MAX_NODES = 200_000
_MAX_FAULTS = 100

Raw: TypeAlias = "str | int | float | bool | list[Raw] | dict[str, Raw] | Invalid | None"
"""Data as read; INVALID where a diagnostic stands already."""

ScalarMark: TypeAlias = tuple[int, int, str]
"""Start, end, style: `'`, `"`, `|`, `>` or empty for plain."""


@dataclass(slots=True)
class MappingMark:
    """Where a mapping, its keys and its values are; repeated keys keep the first place."""

    start: int
    end: int
    flow_style: bool
    keys: dict[str, ScalarMark] = field(default_factory=dict[str, ScalarMark])
    values: dict[str, Mark] = field(default_factory=dict[str, "Mark"])


@dataclass(slots=True)
class SequenceMark:
    """Where a list and its items are."""

    start: int
    end: int
    flow_style: bool
    items: list[Mark] = field(default_factory=list["Mark"])


Mark: TypeAlias = ScalarMark | MappingMark | SequenceMark

_Key: TypeAlias = str | Invalid | None
"""The key that waits for its value; INVALID drops the value."""


@dataclass(frozen=True, slots=True)
class ReadFault:
    """Something YAML allows and a document does not."""

    code: str
    start: int
    end: int
    message: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What was read."""

    data: Raw
    mark: Mark
    faults: tuple[ReadFault, ...]


def read_yaml(source: Source) -> Tree:
    """Return the data of a document with its marks and the faults that did not stop the reading.

    Raises:
        SourceFault: The text is not YAML, is nested too deeply, or has too many parts.
    """
    builder = _Builder(source)
    try:
        builder.run()
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(source, error) from error
    if builder.root is None:
        raise SourceFault("E117", "the document is empty", 'start with:  stratum: "1"', source.span(0, 1))
    data, mark = builder.root
    return Tree(data, mark, tuple(builder.faults))


def _syntax_fault(source: Source, error: yaml.MarkedYAMLError) -> SourceFault:
    """Turn a reader's error into a fault with its usual cause."""
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index if mark else 0, len(source.text))
    problem = source.restore(error.problem or "the text breaks off")
    line = source.text[source.line_start(offset) : source.line_end(offset)]
    return SourceFault(
        "E104", f"not valid YAML: {problem}", cause_of(line, problem), source.span(offset, offset + 1)
    )


def _start(event: Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: Event) -> int:
    return event.end_mark.index if event.end_mark else 0


class _Builder:
    """Collects data and marks from events; containers are filled in place, so nothing recurses."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[ReadFault] = []
        self.root: tuple[Raw, Mark] | None = None
        self._stack: list[tuple[dict[str, Raw] | list[Raw], MappingMark | SequenceMark, _Key]] = []
        self._data: dict[str, Raw] | list[Raw] | None = None
        self._mark: MappingMark | SequenceMark | None = None
        self._key: _Key = None
        self._nodes = 0

    def run(self) -> None:
        """Read every event of the first document."""
        loader = yaml.CSafeLoader(self.source.text)
        try:
            while True:
                event = loader.get_event()
                if isinstance(event, ScalarEvent):
                    self._count(event)
                    self._scalar(event)
                elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
                    self._count(event)
                    self._open(event, is_mapping=isinstance(event, MappingStartEvent))
                elif isinstance(event, AliasEvent):
                    self._count(event)
                    self._alias(event)
                elif event is None or isinstance(event, StreamEndEvent):
                    return
                elif isinstance(event, DocumentStartEvent):
                    self._start_document(event)
                elif not isinstance(event, StreamStartEvent) and self._stack:
                    self._close(event)
        finally:
            loader.dispose()

    def _start_document(self, event: Event) -> None:
        if self.root is not None:
            raise SourceFault(
                "E109",
                "the text holds several documents, parted by `---`",
                "send one document at a time, without `---`",
                self.source.span(_start(event), _start(event) + 3),
            )

    def _count(self, event: Event) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SourceFault(
                "E103",
                f"the document has over {MAX_NODES:,} parts",
                "keep data out of the document: bind files to a flow's inputs when you plan",
                self.source.span(_start(event), _start(event) + 1),
            )

    def _fault(self, code: str, start: int, end: int, message: str, suggestion: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(ReadFault(code, start, end, message, suggestion))

    def _scalar(self, event: ScalarEvent) -> None:
        value: Raw = event.value
        if self.source.has_stand_ins:
            value = self.source.restore(event.value)
        start, end, style = _start(event), _end(event), event.style or ""
        if event.anchor is not None or event.tag is not None:
            value = self._decorated(event, value)
        if self._key is None and isinstance(self._mark, MappingMark):
            self._take_key(value, (start, end, style))
            return
        if event.implicit[0] and isinstance(value, str):
            try:
                value = resolve(value)
            except NotJsonNumberError:
                self._fault(
                    "E121",
                    start,
                    end,
                    f"the number {event.value[:40]} is not finite or does not fit 64 bits",
                    "write a smaller number, or quote it if it is text",
                )
                value = INVALID
        self._place(value, (start, end, style))

    def _take_key(self, value: Raw, mark: ScalarMark) -> None:
        """Remember the key whose value comes next."""
        data, marks = self._data, self._mark
        if not isinstance(value, str) or not isinstance(marks, MappingMark) or not isinstance(data, dict):
            self._key = INVALID
            return
        start, end, style = mark
        self._key = value
        if value == "<<" and not style:
            self._fault(
                "E107",
                start,
                end,
                "merge keys (`<<`) are not allowed",
                "write the keys out where they are needed",
            )
            self._key = INVALID
        elif value in marks.keys:
            first, _ = self.source.locate(marks.keys[value][0])
            self._fault(
                "E108",
                start,
                end,
                f"the key `{value[:80]}` is written twice; the first is on line {first}",
                "remove or rename one of them",
            )
            self._key = INVALID
        else:
            marks.keys[value] = mark

    def _place(self, value: Raw, mark: Mark) -> None:
        """Put a value where it belongs."""
        marks = self._mark
        if isinstance(marks, MappingMark):
            key = self._key
            self._key = None
            if isinstance(key, str) and isinstance(self._data, dict):
                self._data[key] = value
                marks.values[key] = mark
        elif marks is not None and isinstance(self._data, list):
            self._data.append(value)
            marks.items.append(mark)
        else:
            self.root = (value, mark)

    def _open(self, event: MappingStartEvent | SequenceStartEvent, *, is_mapping: bool) -> None:
        start = _start(event)
        if len(self._stack) >= MAX_DEPTH:
            raise SourceFault(
                "E102",
                f"the document is nested over {MAX_DEPTH} levels deep",
                "a document needs about ten; close the brackets that stand open",
                self.source.span(start, start + 1),
            )
        if event.anchor is not None or event.tag is not None:
            self._decorated(event, None)
        data: dict[str, Raw] | list[Raw] = {} if is_mapping else []
        kind = MappingMark if is_mapping else SequenceMark
        mark = kind(start, _end(event), bool(event.flow_style))
        if self._key is None and isinstance(self._mark, MappingMark):
            self._fault(
                "E118",
                start,
                start + 1,
                "a key must be plain text, not a list or a map",
                "quote the value: an unquoted `{` or `[` starts a map or a list (there are no `{{ }}` templates)",
            )
            self._key = INVALID
        else:
            self._place(data, mark)
        self._stack.append((data, mark, self._key))
        self._data, self._mark, self._key = data, mark, None

    def _close(self, event: Event) -> None:
        _, closed, self._key = self._stack.pop()
        closed.end = _end(event)
        self._data, self._mark, _ = self._stack[-1] if self._stack else (None, None, None)

    def _alias(self, event: AliasEvent) -> None:
        start = _start(event)
        self._fault(
            "E105",
            start,
            _end(event),
            f"aliases are not allowed (`*{event.anchor}`)",
            "repeat the value; quote an expression that starts with `*`",
        )
        if self._key is None and isinstance(self._mark, MappingMark):
            self._key = INVALID
        else:
            self._place(INVALID, (start, _end(event), ""))

    def _decorated(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, value: Raw) -> Raw:
        """Report an anchor or a tag; a tagged scalar has no agreed value."""
        start, end = _start(event), max(_start(event) + 1, _end(event))
        if event.tag is None:
            self._fault(
                "E105",
                start,
                end,
                f"anchors are not allowed (`&{event.anchor}`)",
                "remove it; quote an expression that starts with `&`",
            )
            return value
        shown = event.tag.removeprefix("tag:yaml.org,2002:")
        self._fault(
            "E106",
            start,
            end,
            f"YAML tags are not allowed (`{shown[:80]}`)",
            "remove it; write an expression that starts with `!` with `not`, in quotes: "
            f'"not {shown.lstrip("!")[:80]}"',
        )
        return INVALID
