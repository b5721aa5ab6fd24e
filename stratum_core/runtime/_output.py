"""Writing a result where the person asked for it: CSV, JSON Lines or JSON, whole or not at all.

A table file holds the rows of the one list a result returns; nested values are JSON in their cell. Text that a
spreadsheet would run as a formula gets an apostrophe in front, because results carry text strangers wrote.

Files are written row by row, so a long list is never in memory, into a file beside their place that takes it at the
end: what stands there is the old content or the whole new one.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from stratum_core.contracts import JsonValue, StoredList, held
from stratum_core.errors import InputError, JournalError

__all__ = ["create_file", "replace_file", "rows_of", "write_private", "write_result"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_result(path: Path, value: JsonValue) -> int:
    """Write a value to a file, replacing it whole; the format follows the suffix (.csv, .jsonl, else JSON).

    Args:
        path: Absolute, with its links resolved: a folder on it that has become a link since is not followed.
        value: What to write.

    Returns:
        The number of rows written (1 for JSON).

    Raises:
        InputError: The folder does not exist, was replaced by a link, or cannot be written.
    """
    rows = rows_of(value)
    match path.suffix.lower():
        case ".csv":
            text, count = _csv_lines(rows), len(rows)
        case ".jsonl" | ".ndjson":
            text, count = (f"{_json(row)}\n" for row in rows), len(rows)
        case _:
            text, count = chain(_json_pieces(value, indent=2), "\n"), 1
    try:
        replace_file(path, text)
    except OSError as fault:
        raise InputError(
            f"the result cannot be written to {path}: {fault.strerror}",
            remedy="mend that, then resume the run: it writes the file again and pays nothing",
        ) from fault
    return count


def write_private(path: Path, value: JsonValue) -> None:
    """Write a value as JSON to a file only this account can read, replacing it whole.

    Raises:
        JournalError: It cannot be written; what was there before still is.
    """
    try:
        replace_file(path, _json_pieces(value), mode=0o600)
    except OSError as fault:
        raise JournalError(
            f"the result cannot be kept in {path}: {fault.strerror}",
            remedy="free disk space, then resume the run: what is paid is on record",
        ) from fault


def replace_file(path: Path, text: str | Iterable[str], *, mode: int | None = None) -> None:
    """Write a file beside its place and move it there; without a mode it keeps that of the file that was there.

    The text may come in pieces, which are written as they come.

    Everything happens inside one opened folder, so that nothing can be put in its place meanwhile.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    folder = _opened_folder(path.parent)
    beside = f".{secrets.token_hex(8)}.tmp"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, 0o666 if mode is None else mode, dir_fd=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            kept = _mode_of(path.name, folder) if mode is None else mode
            if kept is not None:
                os.fchmod(descriptor, kept)
            file.writelines((text,) if isinstance(text, str) else text)
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=folder)
        raise
    finally:
        os.close(folder)


def create_file(path: Path, text: str) -> None:
    """Write a file where there is none.

    Raises:
        FileExistsError: Something is there, whatever it is; it stays as it is.
        OSError: It cannot be written; nothing is left behind.
    """
    folder = _opened_folder(path.parent)
    try:
        descriptor = os.open(
            path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder
        )
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
        except BaseException:
            os.unlink(path.name, dir_fd=folder)
            raise
    finally:
        os.close(folder)


def _opened_folder(path: Path) -> int:
    """Open a folder that is where it says, for work inside it.

    Raises:
        OSError: It cannot be opened, or a link stands on the way to it.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    real = os.path.realpath(path)
    if real == str(path) and os.path.samestat(os.fstat(folder), os.lstat(real)):
        return folder
    os.close(folder)
    raise OSError(errno.ELOOP, "a link on the way leads elsewhere now")


def _mode_of(name: str, folder: int) -> int | None:
    """Return the mode of a regular file in an opened folder, None when there is none."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found.st_mode) if stat.S_ISREG(found.st_mode) else None


def rows_of(value: JsonValue) -> Sequence[JsonValue]:
    """Return the rows a table of the value has: the value itself, or its longest list of records."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        tables = [table for part in value.values() if (table := _table(part))]
        if tables:
            return max(tables, key=len)
    return [value]


def _table(part: JsonValue) -> Sequence[JsonValue]:
    """Return the rows of a list of records; nothing for anything else."""
    if isinstance(part, str) or not isinstance(part, Sequence):
        return ()
    return part if all(isinstance(row, Mapping) for row in part) else ()


def _csv_lines(rows: Sequence[JsonValue]) -> Iterator[str]:
    """Yield rows as CSV under a header of every field that occurs, in order of appearance."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(_record(row)))
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in names])
    for row in rows:
        yield lines.line
        record = _record(row)
        writer.writerow([_cell(record.get(name)) for name in names])
    yield lines.line


def _record(row: JsonValue) -> Mapping[str, JsonValue]:
    """Return a row as a record; a single value gets a column of its own."""
    return row if isinstance(row, Mapping) else {"value": row}


class _Lines:
    """Ends rows with a line feed although the writer, to quote both kinds of line break, is told CR LF."""

    def __init__(self) -> None:
        self.line = ""
        """The last row."""

    def write(self, row: str) -> None:
        """Take one row."""
        self.line = f"{row[:-2]}\n"


def _cell(value: JsonValue) -> str:
    """Return one cell: empty for null, text as it is, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    return _json(value)


def _json(value: JsonValue) -> str:
    """Return compact JSON with characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=held)


def _json_pieces(value: JsonValue, *, indent: int | None = None, level: int = 0) -> Iterator[str]:
    """Yield a value as JSON text, long lists item by item."""
    inner = "" if indent is None else "\n" + " " * (indent * (level + 1))
    outer = "" if indent is None else "\n" + " " * (indent * level)
    comma = ", " if indent is None else ","
    if not _is_long(value):
        yield json.dumps(value, ensure_ascii=False, indent=indent, default=held).replace("\n", outer)
    elif isinstance(value, Mapping):
        for number, (name, part) in enumerate(value.items()):
            yield f"{comma if number else '{'}{inner}{json.dumps(name, ensure_ascii=False)}: "
            yield from _json_pieces(part, indent=indent, level=level + 1)
        yield f"{outer}}}"
    elif isinstance(value, StoredList):
        for number, part in enumerate(value):
            yield f"{comma if number else '['}{inner}"
            yield from _json_pieces(part, indent=indent, level=level + 1)
        yield f"{outer}]"


def _is_long(value: JsonValue) -> bool:
    """Return whether a value is a long list, or a record with one in it."""
    if isinstance(value, Mapping):
        return any(map(_is_long, value.values()))
    return isinstance(value, StoredList)
