"""Long lists whose items stand in a file and are read one at a time.

A list of up to `HELD_ITEMS` items stays an ordinary list. A longer one that the data or a run makes (bound rows, what a
`for_each` gives, what a comprehension over one of these gives) is a `StoredList`: the same items, each as one JSON text
in a file that has no name, twelve bytes for each in memory. It is a sequence, so expressions, checks and writers walk
over it without holding it. The file is private to the process and gone with it; what is paid stands in the journal.
"""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast, overload

from stratum_core.contracts._types import JsonValue
from stratum_core.errors import JournalError

__all__ = ["HELD_ITEMS", "ListBuilder", "StoredList", "held", "stored"]

HELD_ITEMS = 1_000
"""Up to so many items a list is held in memory."""

_FOLDER = "/var/tmp"  # noqa: S108 - the file loses its name at once; /tmp may lie in memory
_BLOCK_BYTES = 1 << 16
_NULL_BYTES = 4
_MAX_ITEM_BYTES = (1 << 32) - 1


def _plain(value: object) -> object:
    """Turn what a value may hold beside dict and list into one of them."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    return list(cast("Sequence[object]", value))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


class _File:
    """Bytes behind a descriptor, appended by one thread and read by any; closed when nobody holds it any more.

    What was appended can be read after `flush`. Each call of the system hands the interpreter lock over, and beside a
    busy journal gets it back only milliseconds later; therefore bytes are written and read in blocks.
    """

    __slots__ = ("__weakref__", "_block", "_descriptor", "_end", "_late")

    def __init__(self) -> None:
        try:
            folder = _FOLDER if os.access(_FOLDER, os.W_OK) else None
            self._descriptor, name = tempfile.mkstemp(prefix="stratum-", dir=folder)
            Path(name).unlink()
        except OSError as fault:
            raise _not_kept(fault) from fault
        weakref.finalize(self, os.close, self._descriptor)
        self._end = 0
        self._late = bytearray()
        self._block = (0, b"")

    def append(self, data: bytes) -> int:
        """Add at the end and return where that is."""
        start = self._end + len(self._late)
        self._late += data
        if len(self._late) >= _BLOCK_BYTES:
            self.flush()
        return start

    def flush(self) -> None:
        """Write what was appended."""
        data, written = bytes(self._late), 0
        try:
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:], self._end + written)
        except OSError as fault:
            raise _not_kept(fault) from fault
        self._end += len(data)
        self._late.clear()

    def read(self, start: int, size: int) -> bytes:
        """Return bytes that were flushed."""
        first, block = self._block
        if not first <= start <= start + size <= first + len(block):
            first, block = start, os.pread(self._descriptor, max(size, _BLOCK_BYTES), start)
            self._block = first, block
        return block[start - first : start - first + size]


class StoredList(Sequence[JsonValue]):
    """A list that is read from a file, item by item; equal only to itself."""

    __slots__ = ("_file", "_sizes", "_starts")

    def __init__(self, file: _File, starts: array[int], sizes: array[int]) -> None:
        """View places of a file; an item of no bytes is null."""
        self._file = file
        self._starts = starts
        self._sizes = sizes

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> JsonValue: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[JsonValue]: ...
    def __getitem__(self, index: int | slice) -> JsonValue:
        if isinstance(index, slice):
            part = StoredList(self._file, self._starts[index], self._sizes[index])
            return list(part) if len(part) <= HELD_ITEMS else part
        size = self._sizes[index]
        return _decoded(self._file.read(self._starts[index], size)) if size else None

    def __iter__(self) -> Iterator[JsonValue]:
        for index in range(len(self._sizes)):
            yield self[index]

    @property
    def json_bytes(self) -> int:
        """The UTF-8 bytes of the whole list as compact JSON."""
        nulls = self._sizes.count(0)
        return 2 + sum(self._sizes) + _NULL_BYTES * nulls + max(0, len(self) - 1)


class ListBuilder:
    """Collects the items of a list in any order: in memory while they are few, else in a file."""

    def __init__(self, total: int = 0) -> None:
        """Prepare so many places, each null until something is put there; more can be appended."""
        self._values: list[JsonValue] = []
        self._file: _File | None = None
        self._starts, self._sizes = array("Q"), array("I")
        if total > HELD_ITEMS:
            self._file = _File()
            self._starts, self._sizes = array("Q", bytes(8 * total)), array("I", bytes(4 * total))
        else:
            self._values = [None] * total

    def put(self, index: int, value: JsonValue) -> None:
        """Put a value in a place.

        Raises:
            JournalError: The disk is full, or the value is no JSON.
        """
        if self._file is None:
            self._values[index] = value
        else:
            self._starts[index], self._sizes[index] = _kept(self._file, value)

    def append(self, value: JsonValue) -> None:
        """Put a value after the last one.

        Raises:
            JournalError: The disk is full, or the value is no JSON.
        """
        if self._file is None and len(self._values) < HELD_ITEMS:
            self._values.append(value)
            return
        if self._file is None:
            self._file = _File()
            for item in self._values:
                self.append(item)
            self._values = []
        start, size = _kept(self._file, value)
        self._starts.append(start)
        self._sizes.append(size)

    def items(self, chosen: Iterable[int] | None = None) -> list[JsonValue] | StoredList:
        """Return the list as it is now; only the chosen places, in their order, when they are given."""
        if self._file is None:
            return list(self._values) if chosen is None else [self._values[index] for index in chosen]
        self._file.flush()
        starts, sizes = array("Q", self._starts), array("I", self._sizes)
        if chosen is not None:
            places = array("I", chosen)
            starts = array("Q", (starts[index] for index in places))
            sizes = array("I", (sizes[index] for index in places))
        return StoredList(self._file, starts, sizes)


def stored(items: Iterable[JsonValue]) -> list[JsonValue] | StoredList:
    """Return items as a list that is held in memory only when it is short.

    Raises:
        JournalError: The disk is full.
    """
    builder = ListBuilder()
    for item in items:
        builder.append(item)
    return builder.items()


def held(value: JsonValue) -> JsonValue:
    """Return a value with every list of it in memory, as what writes JSON by itself needs it."""
    if isinstance(value, StoredList):
        return list(value)
    if isinstance(value, Mapping):
        return {name: held(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [held(part) for part in value]
    return value


def _kept(file: _File, value: JsonValue) -> tuple[int, int]:
    """Append a value and return its place."""
    if value is None:
        return 0, 0
    try:
        data = _ENCODER.encode(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError) as fault:
        raise JournalError(f"an item of a long list is not JSON: {fault}") from fault
    if len(data) > _MAX_ITEM_BYTES:
        raise JournalError(f"an item of a long list has {len(data):,} bytes, more than can be kept")
    return file.append(data), len(data)


def _decoded(data: bytes) -> JsonValue:
    return cast("JsonValue", json.loads(data.decode("utf-8", "surrogatepass")))


def _not_kept(fault: OSError) -> JournalError:
    return JournalError(
        f"a long list cannot be kept on disk in {_FOLDER} or {tempfile.gettempdir()}: {fault.strerror}",
        remedy="free disk space there; what is paid is on record, so a run can be resumed",
    )
