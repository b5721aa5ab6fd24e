"""Files a plan may read or write: inside the allowed roots, regular, bounded, pinned by their digest.

A path is judged by where it really leads (`realpath`), so neither `..` nor a symbolic link leaves the roots, and a path
outside them gets the same answer whether or not something is there. A file is read once; what was read is what was
hashed, also where rows are taken from it one by one. This keeps an agent's plan away from files the person did not
offer. It is no sandbox: another process of the same user can change a file at any time, which is why execution compares
digests again.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stratum_core.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["MAX_FILE_BYTES", "FileData", "OpenFile", "Roots"]

MAX_FILE_BYTES = 64_000_000
"""The most bytes one bound file may have, unless the operator says otherwise."""

_CHUNK_BYTES = 1 << 20
_MAX_NAME_BYTES = 255
"""Of one name in a path, on every file system in common use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileData:
    """The bytes of one file, read once."""

    shown: str
    """The path as the plan writes it."""
    path: str
    """Where it really is."""
    data: bytes
    sha256: str
    """64 hex over `data`."""


class OpenFile(io.RawIOBase):
    """A file that is hashed as it is read; its digest is that of the whole once it was read to the end."""

    def __init__(self, handle: io.FileIO, *, shown: str, path: str, max_bytes: int) -> None:
        """Read an open file from its start.

        Args:
            handle: The file, which stays the opener's to close.
            shown: The path as the plan writes it.
            path: Where it really is.
            max_bytes: Reading more is refused.
        """
        self.shown = shown
        self.path = path
        self.size_bytes = 0
        """How much was read."""
        self._handle = handle
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._text: io.TextIOWrapper | None = None

    @property
    def sha256(self) -> str:
        """64 hex over what was read."""
        return self._digest.hexdigest()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next bytes into a buffer and return how many they are.

        Raises:
            InputError: The file has more than `max_bytes`.
        """
        size = self._handle.readinto(buffer) or 0
        self.size_bytes += size
        if self.size_bytes > self._max_bytes:
            raise InputError(
                f"{_quoted(self.shown)} has more than {self._max_bytes:,} bytes, the most a plan may read",
                remedy="choose another file",
            )
        self._digest.update(memoryview(buffer)[:size])
        return size

    def whole(self) -> bytes:
        """Return what is left of the file."""
        return b"".join(iter(lambda: self.read(_CHUNK_BYTES) or b"", b""))

    def text(self, *, newline: str) -> io.TextIOWrapper:
        """Return the file as UTF-8 text, a byte order mark left out; reading it may raise `UnicodeDecodeError`."""
        buffered = io.BufferedReader(self, _CHUNK_BYTES)
        self._text = io.TextIOWrapper(buffered, encoding="utf-8-sig", newline=newline)
        return self._text

    def rest(self) -> None:
        """Read on to the end, so that the digest is that of the whole file; as text where it was opened as text."""
        while self._text is not None and self._text.read(_CHUNK_BYTES):
            pass
        while self.read(_CHUNK_BYTES):
            pass

    def again(self) -> bytes:
        """Return the file's bytes from its start, beside what was hashed."""
        self._handle.seek(0)
        return self._handle.read(self._max_bytes)


@dataclass(frozen=True, slots=True, init=False)
class Roots:
    """The directories whose files a plan may name."""

    paths: tuple[Path, ...]

    def __init__(self, *paths: Path | str) -> None:
        real = tuple(Path(os.path.realpath(path)) for path in paths)
        object.__setattr__(self, "paths", real)

    def locate(self, text: str) -> Path:
        """Return where a path to read really leads; a relative one is tried in each root in order.

        Raises:
            InputError: It leads outside every root.
        """
        inside = [real for real in self._candidates(text) if self._holds(real)]
        if not inside:
            raise self._outside(text)
        return next((real for real in inside if real.exists()), inside[0])

    def locate_output(self, text: str) -> Path:
        """Return where a path to write really leads.

        Raises:
            InputError: It leads outside every root, is no regular file, or its directory does not exist.
        """
        real = self.locate(text)
        if not real.parent.is_dir():
            raise InputError(
                f"out: the directory of {_quoted(text)} does not exist",
                remedy="make it first, or choose another path",
            )
        if real.exists() and not real.is_file():
            raise InputError(f"out: {_quoted(text)} is not a file", remedy="choose another path")
        return real

    def read(self, text: str, *, max_bytes: int = MAX_FILE_BYTES) -> FileData:
        """Read a file whole.

        Raises:
            InputError: It is outside the roots, missing, unreadable, no regular file, or larger than
            `max_bytes`.
        """
        with self.open(text, max_bytes=max_bytes) as file:
            data = file.whole()
            return FileData(shown=text, path=file.path, data=data, sha256=file.sha256)

    @contextmanager
    def open(self, text: str, *, max_bytes: int = MAX_FILE_BYTES) -> Generator[OpenFile]:
        """Open a file to read it piece by piece.

        Raises:
            InputError: As for `read`; a file that is too large is refused once so much was read.
        """
        real = self.locate(text)
        try:
            with _opened_regular(real) as handle:
                yield OpenFile(handle, shown=text, path=str(real), max_bytes=max_bytes)
        except FileNotFoundError:
            raise InputError(
                f"there is no file {_quoted(text)}",
                remedy=f"look in {self._listed()}",
                detail={"no_file": text[:200]},
            ) from None
        except OSError as error:
            raise InputError(
                f"{_quoted(text)} cannot be read: {error.strerror or error}",
                remedy="make it readable, or choose another file",
            ) from None
        except _UnfitError as error:
            raise InputError(f"{_quoted(text)} {error}", remedy="choose another file") from None

    def _candidates(self, text: str) -> list[Path]:
        """Return where the text may lead, links resolved."""
        if (
            not text
            or "\0" in text
            or any(len(os.fsencode(part)) > _MAX_NAME_BYTES for part in Path(text).parts)
        ):
            raise InputError(f"{_quoted(text)} is not a path", remedy="give the path of a file")
        if Path(text).is_absolute():
            return [Path(os.path.realpath(text))]
        return [Path(os.path.realpath(root / text)) for root in self.paths]

    def _holds(self, real: Path) -> bool:
        return any(real.is_relative_to(root) and real != root for root in self.paths)

    def _listed(self) -> str:
        return ", ".join(str(root) for root in self.paths) or "no directory: none is allowed"

    def _outside(self, text: str) -> InputError:
        return InputError(
            f"{_quoted(text)} is outside the directories this plan may use",
            remedy=f"use a file in {self._listed()}, or have more folders allowed: STRATUM_ROOTS names them where "
            "Stratum is started, `roots` in the operator's policy file always",
            detail={"roots": [str(root) for root in self.paths]},
        )


def _quoted(text: str) -> str:
    """Return a path for a message: control characters escaped, at most 200 characters."""
    shown = text if len(text) <= 200 else text[:197] + "..."  # noqa: PLR2004 - stated above
    return repr(shown)


class _UnfitError(ValueError):
    """A path leads to something that is not read; the text completes a sentence that starts with the path."""


@contextmanager
def _opened_regular(real: Path) -> Generator[io.FileIO]:
    """Open a resolved path without following a link put in its place meanwhile.

    Raises:
        OSError: It cannot be opened.
        _UnfitError: It is no regular file, or another one by now.
    """
    flags = (
        os.O_RDONLY
        | getattr(os, "O_NOFOLLOW", 0)
        | getattr(os, "O_NONBLOCK", 0)
        | getattr(os, "O_CLOEXEC", 0)
    )
    descriptor = os.open(real, flags)
    with os.fdopen(descriptor, "rb", buffering=0) as handle:
        found = os.fstat(handle.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _UnfitError("is not a regular file")
        if os.path.realpath(real) != str(real):
            raise _UnfitError("was replaced while it was opened")
        yield handle
