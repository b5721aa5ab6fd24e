"""From the bytes of a file to typed but unchecked rows, each with its number and line.

Formats: csv (one header), json (a list gives rows), jsonl (one value a line) and text (the whole file is
one value). All are UTF-8; a byte order mark is dropped. The rows of csv and jsonl are read one by one; json and text
are read whole.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, TypeAlias

from stratum_core.contracts import (
    JsonValue,
    ListType,
    NullType,
    OptionalType,
    RecordType,
    Type,
    describe,
    is_text,
    without_opaque,
)
from stratum_core.errors import InputError
from stratum_core.plan._cells import Row, cell_value, loose_name, read_table
from stratum_core.plan._files import OpenFile

__all__ = ["FileFormat", "ReadRow", "ReadRows", "format_of", "read_rest", "read_rows", "read_value"]

FileFormat: TypeAlias = Literal["csv", "json", "jsonl", "text"]

_SUFFIXES: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".md": "text",
}
_ROW = "row"
"""Stands for the number of the row where a column name is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """One row as read."""

    number: int
    """From 1."""
    line: int | None
    """The line of the file it starts on; None where the format has no lines."""
    value: JsonValue
    fault: str = ""
    """Why there is no value, e.g. too many cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows:
    """The rows of a file, read as they are asked for."""

    rows: Iterator[ReadRow]
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    """For csv: the column each field is read from; `row` is the row's number."""


def format_of(path: str, kind: Type) -> FileFormat:
    """Return the format a file name says, else text where text is wanted.

    Raises:
        InputError: The ending says nothing.
    """
    name = path.rpartition("/")[2]
    found = _SUFFIXES.get(("." + name.rpartition(".")[2]).lower()) if "." in name else None
    if found is None and is_text(kind):
        return "text"
    if found is None:
        raise InputError(
            f"the name of {path!r} does not say what the file holds",
            remedy='add "format": "csv", "json", "jsonl" or "text"',
        )
    return found


def read_value(file: OpenFile, form: FileFormat, kind: Type) -> JsonValue:
    """Return the one value of a json or text file.

    Raises:
        InputError: It is not UTF-8 or not JSON, or a table is bound to something that is not a list.
    """
    text = _decode(file)
    if form == "text":
        if not is_text(kind):
            raise InputError(
                f"{file.shown} is read as text, but a value of type {describe(kind)} is wanted",
                remedy="bind it to a string, or give it as csv, json or jsonl",
            )
        return text
    if form == "json":
        return _parse_json(text, file.shown, None)
    raise InputError(
        f"{file.shown} holds rows, but one value of type {describe(kind)} is wanted",
        remedy="bind it to an input that is a list, or give the value as json",
    )


def read_rows(file: OpenFile, form: FileFormat, kind: ListType, columns: Mapping[str, str]) -> ReadRows:
    """Return the rows of a file for a list of this type.

    Raises:
        InputError: The file cannot be read as its format, or a column is missing.
    """
    if form == "csv":
        return _csv_rows(file, kind.item, columns)
    if form == "jsonl":
        return ReadRows(rows=_jsonl_rows(file))
    if form == "json":
        value = _parse_json(_decode(file), file.shown, None)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InputError(
                f"{file.shown} does not hold a list, but {describe(kind)} is wanted",
                remedy="write a JSON list: [ ... ]",
            )
        return ReadRows(rows=(ReadRow(number=at, line=None, value=part) for at, part in enumerate(value, 1)))
    raise InputError(
        f"{file.shown} is read as text, but {describe(kind)} is wanted",
        remedy='give the rows as csv, json or jsonl, or say "format"',
    )


def read_rest(file: OpenFile) -> None:
    """Read a file to its end, whatever was taken from it: its digest is that of all of it.

    Raises:
        InputError: What is left is not UTF-8, or too much.
    """
    with _naming_line(file):
        file.rest()


def _decode(file: OpenFile) -> str:
    with _naming_line(file):
        return file.text(newline="").read()


@contextmanager
def _naming_line(file: OpenFile) -> Generator[None]:
    """Turn a fault of the encoding into an error that names its line.

    Raises:
        InputError: The file is not UTF-8.
    """
    try:
        yield
    except UnicodeDecodeError as fault:
        data = file.again()
        start = _first_fault(data, fault)
        line = data.count(b"\n", 0, start) + 1
        raise InputError(
            f"{file.shown} is not UTF-8 text (line {line}, byte {start + 1})",
            remedy="save it as UTF-8",
        ) from None


def _first_fault(data: bytes, met: UnicodeDecodeError) -> int:
    """Return where a file stops being UTF-8, counted from its start and not from that of the piece that was read."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return fault.start
    return met.start


def _parse_json(text: str, shown: str, line: int | None) -> JsonValue:
    """Parse JSON; NaN and the infinities become floats that no contract accepts."""
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError(f"{shown} is nested too deeply") from None
    except ValueError as error:
        where = f"line {line}" if line is not None else ""
        if isinstance(error, json.JSONDecodeError):
            where = f"line {line or error.lineno}, column {error.colno}: {error.msg}"
        raise InputError(f"{shown} is not JSON ({where})", remedy="mend the file") from None


def _jsonl_rows(file: OpenFile) -> Iterator[ReadRow]:
    """Give one value for each line that is not blank; only line feeds end a line."""
    number = 0
    with _naming_line(file):
        for line, part in enumerate(file.text(newline="\n"), 1):
            if part.strip():
                number += 1
                value = _parse_json(part.removesuffix("\n"), file.shown, line)
                yield ReadRow(number=number, line=line, value=value)


def _csv_rows(file: OpenFile, item: Type, columns: Mapping[str, str]) -> ReadRows:
    """Map the columns, then read the rows."""
    shown = file.shown
    try:
        with _naming_line(file):
            table = read_table(file.text(newline=""))
    except csv.Error as error:
        raise InputError(f"{shown} is not csv: {error}", remedy="check its quotes") from None
    if not table.columns:
        raise InputError(f"{shown} is empty", remedy="the first line names the columns")
    bare = without_opaque(item)
    if isinstance(bare, RecordType):
        chosen = _match_columns(shown, bare, table.columns, columns)
    else:
        chosen = {"": _only_column(shown, item, table.columns, columns)}
    return ReadRows(rows=_table_rows(file, table.rows, table.columns, bare, chosen), columns=chosen)


def _table_rows(
    file: OpenFile, rows: Iterable[Row], header: Sequence[str], item: Type, chosen: Mapping[str, str]
) -> Iterator[ReadRow]:
    """Turn cells into values."""
    places = {name: header.index(column) if column in header else None for name, column in chosen.items()}
    try:
        with _naming_line(file):
            for row in rows:
                if len(row.cells) != len(header):
                    fault = f"the header names {len(header)} columns, this row has {len(row.cells)}"
                    yield ReadRow(number=row.number, line=row.line, value=None, fault=fault)
                    continue
                yield ReadRow(number=row.number, line=row.line, value=_row_value(row, item, places))
    except csv.Error as error:
        raise InputError(f"{file.shown} is not csv: {error}", remedy="check its quotes") from None


def _row_value(row: Row, item: Type, places: Mapping[str, int | None]) -> JsonValue:
    """Return the record, or the only cell, of a row."""

    def value(kind: Type, place: int | None) -> JsonValue:
        return cell_value(kind, str(row.number) if place is None else row.cells[place])

    if not isinstance(item, RecordType):
        return value(item, places[""])
    return {part.name: value(part.type, places[part.name]) for part in item.fields if part.name in places}


def _only_column(shown: str, item: Type, header: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return the column for a list of single values."""
    if len(columns) == 1:
        return _exact_column(shown, next(iter(columns.values())), header)
    if len(header) == 1:
        return header[0]
    raise InputError(
        f"{shown} has {len(header)} columns, but each item is one {describe(item)}",
        remedy=f'name the column: "columns": {{"item": "{header[0]}"}}',
        detail={"missing": ["item"], "columns": list(header[:50])},
    )


def _match_columns(
    shown: str, item: RecordType, header: Sequence[str], columns: Mapping[str, str]
) -> dict[str, str]:
    """Return the column of each field: the one named, else the one with the field's own name."""
    for name in columns:
        if name not in item.field_names:
            raise InputError(
                f"{shown}: columns names the field {name!r}, which {describe(item)} does not have",
                remedy=_closest(name, item.field_names, "fields"),
            )
    chosen: dict[str, str] = {}
    missing: list[str] = []
    for part in item.fields:
        if part.name in columns:
            chosen[part.name] = _exact_column(shown, columns[part.name], header)
            continue
        own = [column for column in header if column == part.name] or [
            column for column in header if loose_name(column) == loose_name(part.name)
        ]
        if len(own) == 1:
            chosen[part.name] = own[0]
        elif not isinstance(without_opaque(part.type), (NullType, OptionalType)):
            missing.append(part.name)
    if missing:
        raise InputError(
            f"{shown} has no column for {_listed(missing)}",
            remedy=f'map each in "columns", e.g. {{"{missing[0]}": "{header[0]}"}}; {_closest("", header, "columns")}',
            detail={"missing": missing, "columns": list(header[:50])},
        )
    return chosen


def _exact_column(shown: str, column: str, header: Sequence[str]) -> str:
    """Return a column that was asked for by name; `row` is the row's number unless a column has that name."""
    if header.count(column) > 1:
        raise InputError(f"{shown} has {header.count(column)} columns named {column!r}", remedy="rename one")
    if column in header or column == _ROW:
        return column
    raise InputError(
        f"{shown} has no column {column!r}",
        remedy=_closest(column, header, "columns"),
        detail={"columns": list(header[:50])},
    )


def _closest(wanted: str, names: Sequence[str], noun: str) -> str:
    """Say which name was probably meant, and which there are."""
    close = difflib.get_close_matches(wanted, names, n=1) if wanted else []
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}the {noun} are {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    """Quote names, at most 20 of them."""
    shown = ", ".join(repr(name) for name in islice(names, 20))
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"  # noqa: PLR2004 - stated above
