"""Journal files on disk: private modes, one kind of file system, and errors that name the file."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from stratum_core.errors import JournalBusy, JournalError
from stratum_core.journal._ids import check_run_id
from stratum_core.journal._migrations import check_version, refuse_newer

__all__ = [
    "connect",
    "connect_to_read",
    "locked",
    "naming_file",
    "open_to_read",
    "private_directory",
    "refuse_network",
    "run_file",
    "sqlite_file",
]

_NETWORK = frozenset(
    {"afpfs", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.ceph", "webdav", "davfs"}
)
_HEADER = b"SQLite format 3\x00"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_LEFT_HALF_WRITTEN = frozenset({sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY})
PATIENCE_S = 10.0


def run_file(directory: Path, run_id: str) -> Path:
    """Return the file of a run, after checking its id.

    Raises:
        RunError: The id could not name a run.
    """
    return directory / "runs" / f"{check_run_id(run_id)}.db"


def private_directory(path: Path) -> None:
    """Make a directory that only this account can enter; one that is there keeps its rights.

    Raises:
        JournalError: It cannot be made, others may write it, or it lies on a network file system.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(
            f"the directory {path} cannot be made: {error.strerror}",
            remedy="choose another state directory",
        ) from error
    mode = path.stat().st_mode
    if mode & _OTHERS_WRITE:
        raise JournalError(
            f"the directory {path} can be written by others (mode {stat.S_IMODE(mode):o}): they could change plans",
            remedy=f"take that right away: chmod go-w {path}",
        )
    refuse_network(path)


def refuse_network(path: Path) -> None:
    """Refuse a directory on a network file system, where file locks and write-ahead logs do not hold.

    Raises:
        JournalError: The mount point that holds `path` is a network file system.
    """
    real = path.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    fstype = next((mounts[parent] for parent in (real, *real.parents) if parent in mounts), "")
    if fstype.lower() in _NETWORK:
        raise JournalError(
            f"{path} is on a network file system ({fstype}), where a crash could lose paid answers",
            remedy="choose a state directory on a local disk",
        )


def sqlite_file(path: Path) -> None:
    """Make an empty file readable by this account only, or check that an existing one is a SQLite file.

    Raises:
        JournalError: The file is something else, or cannot be opened.
    """
    with naming_file(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            start = os.read(descriptor, len(_HEADER))
        finally:
            os.close(descriptor)
    if start not in {b"", _HEADER}:
        raise _damaged(path, "it does not start like a SQLite file")


@contextmanager
def naming_file(path: Path) -> Generator[None]:
    """Turn faults of SQLite and the file system into errors that name the file and say what to do.

    Raises:
        JournalError: In place of `sqlite3.Error` and `OSError`.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalError(
            f"the journal file {path} cannot be used: {error}",
            remedy="see that the disk has room and the file belongs to this account, then try again",
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise JournalError(
            f"the journal file {path} cannot be opened: {error.strerror}",
            remedy="see that the file and its directory belong to this account",
        ) from error


def _damaged(path: Path, why: str) -> JournalError:
    return JournalError(
        f"the journal file {path} is damaged: {why}",
        remedy="move it aside and keep it: it holds the record of what was paid",
    )


def open_to_read(path: Path, steps: Sequence[str]) -> sqlite3.Connection:
    """Open an existing file for reading only.

    Raises:
        JournalVersionError: It was written by a newer Stratum.
        JournalError: It is damaged, or cannot be opened.
    """
    with naming_file(path):
        refuse_newer(path, steps)
        connection = connect_to_read(path)
        try:
            check_version(connection, path, steps)
        except BaseException:
            connection.close()
            raise
    return connection


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a SQLite connection in autocommit mode that any thread may use, one at a time."""
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=PATIENCE_S,
        isolation_level=None,
        check_same_thread=False,
    )


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads; what a process left half written when it was killed is taken back first."""
    connection = connect(path, read_only=True)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode not in _LEFT_HALF_WRITTEN:
            raise
        with closing(connect(path)) as mending:
            mending.execute("PRAGMA user_version")
        return connect(path, read_only=True)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold a lock file for one short transaction.

    Raises:
        JournalBusy: Another process kept it for ten seconds.
    """
    try:
        with FileLock(path, timeout=PATIENCE_S, mode=0o600, poll_interval=0.01):
            yield
    except Timeout as error:
        raise JournalBusy(
            f"another process has kept {path} locked for {PATIENCE_S:.0f} s",
            remedy="see that no Stratum process hangs, then try again",
        ) from error
