"""Tables from files: rows of text become records, each cell read as the type of the field it goes to.

A cell is empty or text. Empty is null; text becomes a number, a truth value or an enum value where the
field wants one and the text is one. Text that is not what the field wants stays text, so that the
contract's own check reports it with the row, the column and the actual value.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from stratum_core.contracts import (
    BoolType,
    EnumType,
    FloatType,
    IntType,
    JsonScalar,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    is_text,
    without_opaque,
)

__all__ = ["Row", "Table", "cell_value", "loose_name", "read_table"]

_NO_CELLS: list[str] = []
_START_CHARACTERS = 1 << 16
"""Where the header is looked for."""
_DELIMITERS = ",;\t|"
_WHOLE = re.compile(r"[+-]?\d{1,19}(\.0*)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One data row."""

    number: int
    """From 1, the header and blank lines not counted."""
    line: int
    """The line of the file it starts on, from 1."""
    cells: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file of rows under one header."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


def read_table(file: io.TextIOBase) -> Table:
    """Return the rows of a csv file; the separator is the one of `,` `;` tab `|` that splits the header most.

    Args:
        file: Opened with `newline=""`; it is read as the rows are.

    Raises:
        csv.Error: The text is not csv; also while the rows are read.
    """
    start = file.read(_START_CHARACTERS) + file.readline()
    lines = chain(io.StringIO(start, newline=""), file)
    reader = csv.reader(lines, delimiter=_delimiter(start), strict=True)
    columns = next((cells for cells in reader if cells), _NO_CELLS)
    header_end = reader.line_num

    def rows() -> Iterator[Row]:
        number, end = 0, header_end
        for cells in reader:
            start, end = end + 1, reader.line_num
            if cells:
                number += 1
                yield Row(number=number, line=start, cells=cells)

    return Table(columns=tuple(name.strip() for name in columns), rows=rows())


def _delimiter(text: str) -> str:
    """Return the mark that splits the first line into the most cells; the comma wins a tie."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), _NO_CELLS)))


def loose_name(name: str) -> str:
    """Return a name without case, spaces and punctuation, so that `Review Text` meets `review_text`."""
    return "".join(mark for mark in name.casefold() if mark.isalnum())


def cell_value(kind: Type, cell: str) -> JsonValue:
    """Return the value of one cell for a field of this type; text that does not fit stays text."""
    if not cell:
        return None
    bare = without_opaque(kind)
    if isinstance(bare, OptionalType):
        bare = without_opaque(bare.inner)
    match bare:
        case IntType():
            return _whole(cell)
        case FloatType():
            return float(cell) if _NUMBER.fullmatch(cell.strip()) else cell
        case BoolType():
            return _TRUTH.get(cell.strip().casefold(), cell)
        case EnumType(values=values):
            return _enum_value(values, cell)
        case ListType() | MapType() | RecordType() | JsonType():
            return _json_or_text(cell)
        case _:
            return cell if is_text(bare) else cell.strip()


def _whole(cell: str) -> JsonValue:
    """Read a whole number, also one that a spreadsheet wrote as `4.0`."""
    text = cell.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else cell


def _enum_value(values: Sequence[JsonScalar], cell: str) -> JsonValue:
    """Find the value a cell spells: exactly, else the only one that differs in case alone."""
    spelled = {value if isinstance(value, str) else json.dumps(value): value for value in values}
    text = cell.strip()
    if text in spelled:
        return spelled[text]
    close = [value for name, value in spelled.items() if name.casefold() == text.casefold()]
    return close[0] if len(close) == 1 else cell


def _json_or_text(cell: str) -> JsonValue:
    """Read a cell that holds a list or a record as JSON."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
