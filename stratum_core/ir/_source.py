r"""The text of a document and the places in it.

Decodes what arrives, refuses what is not text, and turns character offsets into lines and columns as an editor
counts them (1-based; `\n`, `\r\n` and `\r` end a line). Two rewrites make libyaml, a YAML 1.1 reader, read what
YAML 1.2 and JSON mean; both are undone before anything is shown:

- U+0085, U+2028 and U+2029 end a line in YAML 1.1 only, so they travel as private-use characters;
- a JSON escape pair such as `\ud83d\ude00` is one character, written `\U0001f600` in YAML.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

__all__ = ["MAX_BYTES", "Source", "SourceFault", "Span", "read_source"]

MAX_BYTES = 1024 * 1024
"""Largest document; a 1,000-step one is about 0.4 MiB at most. Data belongs in bound files."""

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BREAKS = "\x85\u2028\u2029"
_STAND_INS = "\uf8f1\uf8f2\uf8f3"
_TO_STAND_INS = str.maketrans(_BREAKS, _STAND_INS)
_FROM_STAND_INS = str.maketrans(_STAND_INS, _BREAKS)
_PAIR_SHORTER_BY = 2


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line: 1-based, `end_column` one past the last character."""

    line: int
    column: int
    end_column: int
    exact: bool = True
    """False when the place is only near: no edit may be made from it."""


class SourceFault(Exception):  # internal signal, turned into a diagnostic by `load`
    """The document cannot be read at all."""

    def __init__(self, code: str, message: str, suggestion: str, span: Span) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.suggestion = suggestion
        self.span = span


@dataclass(frozen=True, slots=True)
class Source:
    """A document's text as libyaml gets it, with the way back to what was written."""

    text: str
    has_stand_ins: bool = False
    pairs: tuple[int, ...] = ()
    """Offsets in `text` after which the written document is two characters ahead."""
    _line_starts: list[int] = field(default_factory=list[int])

    def restore(self, value: str) -> str:
        """Return a piece of `text` with the characters that were written."""
        return value.translate(_FROM_STAND_INS) if self.has_stand_ins else value

    def locate(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset into `text`."""
        starts = self._starts()
        line = bisect_right(starts, offset)
        start = starts[line - 1]
        ahead = _PAIR_SHORTER_BY * (bisect_right(self.pairs, offset) - bisect_right(self.pairs, start))
        return line, offset - start + 1 + ahead

    def line_end(self, offset: int) -> int:
        """Return the offset where the line of `offset` ends, before its line break."""
        found = _LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def line_start(self, offset: int) -> int:
        """Return the offset where the line of `offset` starts."""
        starts = self._starts()
        return starts[bisect_right(starts, offset) - 1]

    def span(self, start: int, end: int, *, exact: bool = True) -> Span:
        """Return the span of `text[start:end]`, cut at the end of its first line and never empty."""
        stop = self.line_end(start)
        line, column = self.locate(start)
        _, end_column = self.locate(min(end, stop))
        return Span(line, column, max(end_column, column + 1), exact and end <= stop)

    def _starts(self) -> list[int]:
        """Return the offsets where lines start, found on first use: a clean document never needs them."""
        if not self._line_starts:
            self._line_starts.append(0)
            self._line_starts.extend(found.end() for found in _LINE_END.finditer(self.text))
        return self._line_starts


def read_source(given: str | bytes) -> Source:
    """Return the text of a document.

    Raises:
        SourceFault: It is over `MAX_BYTES`, not UTF-8, or holds characters that no text has.
    """
    text = _decode(given)
    written = Source(text)
    found = _NOT_TEXT.search(text)
    if found:
        char = ord(found.group())
        what = "NUL character" if not char else f"control character U+{char:04X}"
        raise SourceFault(
            "E101",
            f"the document holds a {what}; only text is allowed",
            "remove it, or write it as an escape inside double quotes",
            written.span(found.start(), found.end()),
        )
    has_stand_ins = any(char in text for char in _BREAKS)
    if has_stand_ins:
        text = text.translate(_TO_STAND_INS)
    if "\\u" not in text:
        return Source(text, has_stand_ins)
    return _join_pairs(text, has_stand_ins=has_stand_ins)


def _decode(given: str | bytes) -> str:
    """Return text without a byte order mark, within the size limit."""
    start = Span(1, 1, 2)
    # The limit is judged before anything is decoded: the length in characters never exceeds the length in bytes.
    size = (
        len(given)
        if isinstance(given, bytes) or len(given) > MAX_BYTES
        else len(given.encode(errors="replace"))
    )
    if size > MAX_BYTES:
        raise SourceFault(
            "E100",
            f"the document is too large: {size:,} bytes, at most {MAX_BYTES:,} are read",
            "keep data out of the document: bind files to a flow's inputs when you plan",
            start,
        )
    if isinstance(given, bytes):
        try:
            given = given.decode("utf-8")
        except UnicodeDecodeError as error:
            before = given[: error.start].decode("utf-8")
            raise SourceFault(
                "E101",
                f"the document is not UTF-8: byte 0x{given[error.start]:02x} at offset {error.start}",
                "save it as UTF-8",
                Source(before + "?").span(len(before), len(before) + 1),
            ) from error
    return given.removeprefix("\ufeff")


def _join_pairs(text: str, *, has_stand_ins: bool) -> Source:
    """Write JSON's escape pairs as one YAML escape."""
    parts: list[str] = []
    offsets: list[int] = []
    done = length = 0
    for found in _PAIR.finditer(text):
        high, low = int(found.group(2), 16), int(found.group(3), 16)
        char = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        part = f"{text[done : found.start()]}{found.group(1)}\\U{char:08x}"
        parts.append(part)
        length += len(part)
        offsets.append(length)
        done = found.end()
    parts.append(text[done:])
    return Source("".join(parts), has_stand_ins, tuple(offsets))
