"""The operator's Python functions inside a plan: pinned by digest when it is made, and compared when it is opened.

A document names registered functions and nothing else; where their files lie and what they may use is the operator's
word alone. The plan's hash covers file, limits and digest, so an approval covers the very code that runs.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError, PlanError
from stratum_core.specs import RegisteredFunction

__all__ = ["pin_registered", "read_registered", "registry_record", "reopen_registered"]

_MAX_BYTES = 1 << 20
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def pin_registered(
    names: Sequence[str], registry: Mapping[str, RegisteredFunction]
) -> dict[str, RegisteredFunction]:
    """Return the named functions with the digests of their files as they are now.

    Raises:
        ConfigurationError: One is not registered, or its file cannot be used.
    """
    pinned: dict[str, RegisteredFunction] = {}
    for name in sorted(set(names)):
        entry = registry.get(name)
        if entry is None:
            raise ConfigurationError(
                f"the policy registers no Python function {name!r}", remedy="register it under `compute`"
            )
        pinned[name] = replace(entry, sha256=_digest(read_registered(name, entry)))
    return pinned


def read_registered(name: str, entry: RegisteredFunction) -> bytes:
    """Return the code of a registered function; of a pinned one only the code that was pinned.

    Raises:
        ConfigurationError: It cannot be read, is too large, or others than its owner may write it.
        PlanError: It is pinned and has been changed.
    """
    path = Path(entry.file)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            code = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"the registered function {name!r} cannot be read: {path}: {error.strerror}",
            remedy="put the file where the policy says, readable for this account",
        ) from error
    if len(code) > _MAX_BYTES:
        raise ConfigurationError(
            f"the registered function {name!r} has more than {_MAX_BYTES:,} bytes: {path}",
            remedy="keep data and libraries out of the file",
        )
    if mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"the registered function {name!r} can be written by others (mode {stat.S_IMODE(mode):o})",
            remedy=f"take that right away: chmod go-w {path}",
        )
    found = _digest(code)
    if entry.sha256 and found != entry.sha256:
        raise PlanError(
            f"the registered function {name!r} was changed after the plan was made: it had the digest "
            f"{entry.sha256[:12]}, now it has {found[:12]}",
            remedy="plan again",
            detail={"function": name, "planned_sha256": entry.sha256, "found_sha256": found},
        )
    return code


def registry_record(registry: Mapping[str, RegisteredFunction]) -> dict[str, dict[str, JsonValue]]:
    """Return pinned functions as a plan's record keeps them."""
    return {
        name: {
            "file": entry.file,
            "timeout_s": entry.timeout_s,
            "memory_mb": entry.memory_mb,
            "environ": list(entry.environ),
            "sha256": entry.sha256,
        }
        for name, entry in registry.items()
    }


def reopen_registered(record: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, RegisteredFunction]:
    """Return the functions of a record, each with the code it was pinned with.

    Raises:
        ConfigurationError: A file cannot be used any more.
        PlanError: A file was changed.
    """
    registry = {
        name: RegisteredFunction(
            file=str(entry["file"]),
            timeout_s=float(cast("float", entry["timeout_s"])),
            memory_mb=int(cast("int", entry["memory_mb"])),
            environ=tuple(cast("Sequence[str]", entry["environ"])),
            sha256=str(entry["sha256"]),
        )
        for name, entry in record.items()
    }
    for name, entry in registry.items():
        read_registered(name, entry)
    return registry


def _digest(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()
