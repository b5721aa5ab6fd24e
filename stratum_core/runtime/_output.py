"""Writing a result where the person asked for it: CSV, JSON Lines or JSON, whole or not at all.

A table file holds the rows of the one list a result returns; nested values are JSON in their cell. Text that a
spreadsheet would run as a formula gets an apostrophe in front, because results carry text strangers wrote.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.errors import InputError

__all__ = ["replace_file", "rows_of", "write_result"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_result(path: Path, value: JsonValue) -> int:
    """Write a value to a file, replacing it whole; the format follows the suffix (.csv, .jsonl, else JSON).

    Returns:
        The number of rows written (1 for JSON).

    Raises:
        InputError: The folder does not exist or cannot be written.
    """
    rows = rows_of(value)
    match path.suffix.lower():
        case ".csv":
            text, count = _csv_text(rows), len(rows)
        case ".jsonl" | ".ndjson":
            text, count = "".join(f"{_json(row)}\n" for row in rows), len(rows)
        case _:
            text, count = json.dumps(value, ensure_ascii=False, indent=2) + "\n", 1
    try:
        replace_file(path, text)
    except OSError as fault:
        raise InputError(
            f"the result cannot be written to {path}: {fault.strerror}",
            remedy="it is still in the run (`stratum show`); choose another `out` file",
        ) from fault
    return count


def replace_file(path: Path, text: str) -> None:
    """Write a file beside its place and move it there; it keeps the modes of the file that was there.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as file:
            if path.exists():
                beside.chmod(path.stat().st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def rows_of(value: JsonValue) -> list[JsonValue]:
    """Return the rows a table of the value has: the value itself, or its longest list of records."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    if isinstance(value, Mapping):
        tables = [table for part in value.values() if (table := _table(part))]
        if tables:
            return max(tables, key=len)
    return [value]


def _table(part: JsonValue) -> list[JsonValue]:
    """Return the rows of a list of records; nothing for anything else."""
    if isinstance(part, str) or not isinstance(part, Sequence):
        return []
    return list(part) if all(isinstance(row, Mapping) for row in part) else []


def _csv_text(rows: Sequence[JsonValue]) -> str:
    """Return rows as CSV with a header of every field that occurs, in order of appearance."""
    records: list[Mapping[str, JsonValue]] = [
        row if isinstance(row, Mapping) else {"value": row} for row in rows
    ]
    names = list(dict.fromkeys(name for record in records for name in record))
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return "".join(lines.texts)


class _Lines:
    """Ends rows with a line feed although the writer, to quote both kinds of line break, is told CR LF."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, row: str) -> None:
        """Take one row."""
        self.texts.append(f"{row[:-2]}\n")


def _cell(value: JsonValue) -> str:
    """Return one cell: empty for null, text as it is, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    return _json(value)


def _json(value: JsonValue) -> str:
    """Return compact JSON with characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
