"""Keyrings of the library's own kind, for tests: one in memory, one in a file for other processes, and broken ones.

Another process is given one by `PYTHON_KEYRING_BACKEND=tests.support.keyrings.FileKeyring`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import KeyringLocked, PasswordDeleteError

__all__ = ["FileKeyring", "ForgetfulKeyring", "LockedKeyring", "MemoryKeyring"]


class MemoryKeyring(KeyringBackend):
    """Keeps secrets in a dictionary and counts how often it is asked."""

    @properties.classproperty
    def priority(self) -> float:
        return 1

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, str] = {}
        self.reads = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        return self.held.get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[f"{service}/{username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError(username)


class FileKeyring(MemoryKeyring):
    """Keeps them in the file that TEST_KEYRING names, for several processes."""

    def __init__(self) -> None:
        super().__init__()
        self._path = Path(os.environ.get("TEST_KEYRING", "/nonexistent"))
        if self._path.exists():
            self.held = json.loads(self._path.read_text("utf-8"))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[f"{service}/{username}"] = password
        self._path.write_text(json.dumps(self.held), "utf-8")

    def delete_password(self, service: str, username: str) -> None:
        super().delete_password(service, username)
        self._path.write_text(json.dumps(self.held), "utf-8")


class LockedKeyring(MemoryKeyring):
    """Refuses everything, and tells in its refusal what it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(password)

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked(username)


class ForgetfulKeyring(MemoryKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        del password
