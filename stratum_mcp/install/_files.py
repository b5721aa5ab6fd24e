"""Reading and replacing a person's files: never a half-written one, never without a copy of what was there.

A file is replaced as a whole, through a new file beside it, and keeps its mode, its owner and its extended attributes;
a symbolic link stays one, and what it points to is replaced. What stood there before is kept as
`FILE.stratum-backup-N`. Two writers at once are told from each other by the content just before the replacement, which
leaves a moment in which another program's change could be lost; the copy has what was read, not that.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stratum_core.errors import ConfigurationError

__all__ = ["Kept", "backups", "keep_copy", "read_file", "replace_file", "require_replaceable"]

_MAX_BYTES: Final = 32 * 1024 * 1024
_MARK: Final = ".stratum-backup-"
_ROOT: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file as it was read."""

    path: Path
    """As it was named."""
    real: Path
    """What is behind symbolic links."""
    content: bytes | None
    """None: there is no such file."""

    @property
    def text(self) -> str:
        """The content as text without a byte order mark; empty where there is no file."""
        return (self.content or b"").decode("utf-8-sig")

    def with_text(self, text: str) -> bytes:
        """Return the bytes of another text for this file, behind the byte order mark it may have."""
        mark = b"\xef\xbb\xbf" if (self.content or b"").startswith(b"\xef\xbb\xbf") else b""
        return mark + text.encode("utf-8")


def read_file(path: Path) -> Kept:
    """Read a text file that may be missing.

    Raises:
        ConfigurationError: It is no file, a link to nothing, not UTF-8, too large, or must not be read.
    """
    try:
        real = path.resolve()
        if path.is_symlink() and not os.path.lexists(real):
            raise _refused(path, f"it is a link to {real}, which is not there", "mend or remove the link")
        found = real.stat()
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "not an ordinary file"
            raise _refused(path, f"it is {what}", "move it aside")
        if found.st_size > _MAX_BYTES:
            size = f"{found.st_size:,} bytes large, over the limit of {_MAX_BYTES:,}"
            raise _refused(path, f"it is {size}", "make it smaller")
        content = real.read_bytes()
    except FileNotFoundError:
        return Kept(path=path, real=path.resolve(), content=None)
    except (OSError, RuntimeError) as error:
        raise _refused(path, f"it cannot be read: {_reason(error)}", "mend that") from error
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        what = "UTF-16" if wide else f"not UTF-8 (byte {error.start:,} is 0x{content[error.start]:02x})"
        raise _refused(path, f"it is {what}", "save it as UTF-8") from error
    return Kept(path=path, real=real, content=content)


def require_replaceable(kept: Kept) -> None:
    """Refuse a file that could not be replaced with everything about it kept; nothing is written.

    Raises:
        ConfigurationError: It is read-only, belongs to another account, has other names, or its folder is closed.
    """
    folder = kept.real.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise _refused(kept.path, f"{folder} is not a folder", "move it aside")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(kept.path, f"the folder {folder} must not be written", f"chmod u+w {folder}")
    if kept.content is None:
        return
    found = kept.real.stat()
    if not os.access(kept.real, os.W_OK):
        raise _refused(kept.path, "it is read-only", f"chmod u+w {kept.real}")
    if found.st_nlink > 1:
        names = f"it has {found.st_nlink} names (hard links), which replacing it would part"
        raise _refused(kept.path, names, "make it a file of its own")
    if os.geteuid() != _ROOT and found.st_uid != os.geteuid():
        raise _refused(kept.path, "it belongs to another account", "run this as that account")
    if os.geteuid() != _ROOT and found.st_gid not in {os.getegid(), *os.getgroups()}:
        raise _refused(kept.path, "it belongs to a group this account is not in", "run this as its owner")


def replace_file(kept: Kept, content: bytes | None, *, private: bool) -> None:
    """Replace, make or remove (None) a file.

    Args:
        kept: The file as it was read; when it is another by now, nothing is written.
        content: What it is to hold.
        private: Whether a file that is made is for this account alone.

    Raises:
        ConfigurationError: It cannot be written, or changed since it was read.
    """
    try:
        now = kept.real.read_bytes() if kept.real.exists() else None
        if now != kept.content:
            raise _refused(kept.path, "another program changed it just now", "let it finish")
        if content is None:
            kept.real.unlink(missing_ok=True)
        else:
            _written(kept, content, private=private)
    except OSError as error:
        raise _refused(kept.path, f"it cannot be written: {_reason(error)}", "mend that") from error


def keep_copy(kept: Kept) -> Path | None:
    """Write a copy of a file beside it, with its mode and owner, under the next free number; None without a file.

    Raises:
        ConfigurationError: It cannot be written.
    """
    if kept.content is None:
        return None
    newest = next(iter(backups(kept)), None)
    number = int(newest.name.rpartition("-")[2]) + 1 if newest else 1
    try:
        while True:
            path = kept.real.with_name(f"{kept.real.name}{_MARK}{number}")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:  # a folder of that name, or another install at this very moment
                number += 1
                continue
            try:
                _fill(handle, kept.content, like=kept.real)
            except OSError:
                path.unlink()
                raise
            return path
    except OSError as error:
        raise _refused(kept.path, f"no copy of it can be kept: {_reason(error)}", "mend that") from error


def backups(kept: Kept) -> tuple[Path, ...]:
    """Return the copies kept of a file, the newest first."""
    found: list[tuple[int, Path]] = []
    with contextlib.suppress(OSError):
        for path in kept.real.parent.iterdir():
            start, mark, number = path.name.rpartition(_MARK)
            if mark and start == kept.real.name and number.isdecimal() and path.is_file():
                found.append((int(number), path))
    return tuple(path for _, path in sorted(found, reverse=True))


def _written(kept: Kept, content: bytes, *, private: bool) -> None:
    """Put a new file in the place of the old one in one step, with the mode, owner and attributes of the old one."""
    folder = kept.real.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{kept.real.name}.stratum-")
    try:
        if kept.content is None:
            mode = 0o600 if private else 0o666 & ~_umask()
            _fill(handle, content, like=folder, mode=mode)
        else:
            _fill(handle, content, like=kept.real)
        Path(name).replace(kept.real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _fill(handle: int, content: bytes, *, like: Path, mode: int | None = None) -> None:
    """Write a new file to the disk and give it the owner, mode and attributes of another; closes the handle."""
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        found = like.stat()
        if os.geteuid() == _ROOT or (mode is None and found.st_gid != os.fstat(handle).st_gid):
            os.fchown(handle, found.st_uid, found.st_gid)
        os.fchmod(handle, stat.S_IMODE(found.st_mode) if mode is None else mode)
        if mode is None and hasattr(os, "listxattr"):
            for name in os.listxattr(like):
                with contextlib.suppress(OSError):  # attributes of the system are not ours to set
                    os.setxattr(handle, name, os.getxattr(like, name))
        os.fsync(handle)


def _umask() -> int:
    """Return the mask of this process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _reason(error: BaseException) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _refused(path: Path, why: str, what_to_do: str) -> ConfigurationError:
    """Return the refusal of a file."""
    return ConfigurationError(
        f"{path} was left as it is: {why}",
        remedy=f"{what_to_do}, then run this again",
        detail={"file": str(path)},
    )
