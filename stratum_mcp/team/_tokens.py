"""Bearer tokens of a team's server: issued once, kept as digests, good for one address, one person and a time.

A token is read from the file at every request, so one that is revoked is refused from then on.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import platformdirs
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from stratum_core.errors import ConfigurationError
from stratum_mcp.settings import ServerSettings

__all__ = ["Token", "TokenStore", "state_of_team", "token_store"]

_PREFIX = "stratum"
_SECRET_BYTES = 32
_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of a token: never the token itself."""

    id: str
    person: str
    sha256: str
    """64 hex over the whole token."""
    audience: str
    """The address it is good for."""
    issued_at_s: int
    expires_at_s: int
    revoked: bool = False


class _TokenFile(BaseModel):
    """The file as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tokens: list[Token]


class TokenStore:
    """The tokens of a server, in a file only its account may read."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def issue(self, person: str, *, audience: str, days: int) -> tuple[Token, str]:
        """Make a token, and return what is kept of it and the token, which is shown this once.

        Raises:
            ConfigurationError: The file cannot be read or written.
        """
        token_id = secrets.token_hex(4)
        text = f"{_PREFIX}_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        now_s = int(self._clock())
        token = Token(
            id=token_id,
            person=person,
            sha256=_digest(text),
            audience=audience,
            issued_at_s=now_s,
            expires_at_s=now_s + days * _DAY_S,
        )
        self._change(lambda tokens: (*tokens, token))
        return token, text

    def revoke(self, token_id: str) -> Token:
        """Make a token useless from now on.

        Raises:
            ConfigurationError: There is no such token, or the file cannot be read or written.
        """
        found = next((token for token in self.all() if token.id == token_id), None)
        if found is None:
            raise ConfigurationError(
                f"there is no token {token_id!r}", remedy="`stratum team tokens` lists them"
            )
        revoked = replace(found, revoked=True)
        self._change(lambda tokens: tuple(revoked if token.id == token_id else token for token in tokens))
        return revoked

    def holder(self, text: str, *, audience: str) -> Token | None:
        """Return the token a request carries; None when it is unknown, revoked, expired or for another address."""
        digest = _digest(text)
        found = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        if found is None or found.revoked or found.expires_at_s <= self._clock():
            return None
        return found if found.audience == audience else None

    def all(self) -> tuple[Token, ...]:
        """Return every token ever issued, oldest first.

        Raises:
            ConfigurationError: The file is not what was written, or others may read it.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unusable(self.path, str(error)) from error
        if mode & 0o077:
            raise _unusable(self.path, f"others may read it (mode {mode & 0o777:o})")
        try:
            return tuple(_TokenFile.model_validate_json(content).tokens)
        except ValidationError as error:
            raise _unusable(self.path, f"{error.error_count()} faults in it") from error

    def _change(self, change: Callable[[tuple[Token, ...]], tuple[Token, ...]]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), mode=0o600):
                content = {"tokens": [asdict(token) for token in change(self.all())]}
                fresh = self.path.with_name(f".{self.path.name}.new")
                descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(content, file, indent=1)
                fresh.replace(self.path)
        except OSError as error:
            raise _unusable(self.path, str(error)) from error


def state_of_team(settings: ServerSettings) -> Path:
    """Return where a team's server keeps its tokens and everybody's state."""
    named = settings.environ.get("STRATUM_STATE_DIR")
    base = settings.folder / named if named else Path(platformdirs.user_state_dir("stratum"))
    return base / "team"


def token_store(settings: ServerSettings) -> TokenStore:
    """Return the tokens of the server with these settings."""
    return TokenStore(state_of_team(settings) / "tokens.json")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the token file {path} cannot be used: {why}",
        remedy="let only the server's account read it, or move it away and issue the tokens anew",
    )
