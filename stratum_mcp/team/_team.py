"""Who works with a team's server: a YAML file of the operator.

```yaml
url: https://stratum.example.org/mcp   # how clients reach the server; a token is good for this address only
people:
  alice: { folder: data/alice }        # may plan and run; reads and writes only in this folder
  bob: { folder: data/bob, day_usd: 5 } # at most so much a day (UTC), whatever the policy allows all
  carol: { approves: [alice, bob] }    # may answer for them where the policy wants another person's yes
origins: []                            # browser origins that may call; none by default
max_body_kb: 1024                      # the largest request
```
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stratum_core.errors import ConfigurationError
from stratum_core.money import Nusd, to_nusd

__all__ = ["NAME_PATTERN", "Person", "Team", "load_team"]

NAME_PATTERN = r"^[a-z][a-z0-9._-]{0,63}$"
"""What a person may be called; the name is also that of their state directory."""

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_Names = Annotated[tuple[_Name, ...], Field(strict=False)]


def _exact(value: object) -> object:
    """Read a YAML number through its shortest text, so that 0.1 is ten cents."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a token."""

    name: str
    folder: Path | None
    """What their plans may read and where results go; None: they plan nothing."""
    approves: tuple[str, ...]
    """Whose plans they may answer for; never their own."""
    day_nusd: Nusd | None = None
    """What all their runs of a day (UTC) may cost together; None: what the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who works with the server, and how it is reached."""

    url: str
    """Where clients reach it; what tokens are issued for."""
    people: Mapping[str, Person]
    origins: tuple[str, ...]
    max_body_bytes: int

    @property
    def host(self) -> str:
        """The Host header of requests."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """The path of the MCP endpoint."""
        return urlsplit(self.url).path or "/mcp"

    def approvers_of(self, name: str) -> tuple[str, ...]:
        """Return who may answer for a person."""
        return tuple(person.name for person in self.people.values() if name in person.approves)


class _PersonEntry(BaseModel):
    """A person as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    folder: Annotated[str, Field(min_length=1)] | None = None
    approves: _Names = ()
    day_usd: Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, allow_inf_nan=False)] | None = None


class _TeamFile(BaseModel):
    """The file as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    url: str
    people: Annotated[Mapping[_Name, _PersonEntry], Field(min_length=1)]
    origins: Annotated[tuple[str, ...], Field(strict=False)] = ()
    max_body_kb: Annotated[int, Field(ge=16, le=64 * 1024)] = 1024


def load_team(path: Path) -> Team:
    """Read a team file.

    Args:
        path: The file; relative folders in it are relative to its directory.

    Raises:
        ConfigurationError: It cannot be read, others may write it, it is not YAML, or it says what cannot be.
    """
    read = _parsed(path)
    address = urlsplit(read.url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
        raise _wrong(path, f"url: {read.url!r} is no http(s) address")
    if address.scheme == "http" and address.hostname not in _LOOPBACK:
        raise _wrong(
            path, f"url: {read.url!r} would send tokens unencrypted; use https, or a loopback address"
        )
    people = {name: _person(path.parent, name, entry) for name, entry in read.people.items()}
    for person in people.values():
        for other in person.approves:
            if other == person.name:
                raise _wrong(path, f"people.{person.name}.approves: nobody answers for themselves")
            if other not in people:
                raise _wrong(path, f"people.{person.name}.approves: there is no {other!r}")
    _require_apart(path, people)
    return Team(url=read.url, people=people, origins=read.origins, max_body_bytes=read.max_body_kb * 1024)


def _parsed(path: Path) -> _TeamFile:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            content: object = yaml.safe_load(file.read())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"the team file {path} cannot be read: {error}",
            remedy="see that it is a YAML file of this account",
        ) from error
    if mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"the team file {path} can be written by others (mode {stat.S_IMODE(mode):o})",
            remedy=f"take that right away: chmod go-w {path}",
        )
    try:
        return _TeamFile.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False)
        )
        raise _wrong(path, faults) from error


def _person(base: Path, name: str, entry: _PersonEntry) -> Person:
    folder = None if entry.folder is None else (base / entry.folder).resolve()
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(
            f"the folder {folder} of {name} is not there",
            remedy="make it, or name another one in the team file",
        )
    day_nusd = None if entry.day_usd is None else to_nusd(entry.day_usd)
    return Person(name=name, folder=folder, approves=entry.approves, day_nusd=day_nusd)


def _require_apart(path: Path, people: Mapping[str, Person]) -> None:
    """Refuse folders that lie in one another: one person would read what another wrote."""
    placed = [(person.name, person.folder) for person in people.values() if person.folder is not None]
    for at, (name, folder) in enumerate(placed):
        for other, beside in placed[at + 1 :]:
            if folder.is_relative_to(beside) or beside.is_relative_to(folder):
                raise _wrong(path, f"people: the folders of {name} and {other} lie in one another")


def _wrong(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the team file {path} is wrong: {why}", remedy="correct it; the server does not start until then"
    )
