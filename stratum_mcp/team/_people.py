"""Each person's own engine: over a state directory of their own, in their folder, under their limit for a day.

The server opens one for whoever asks; the operator's commands open them one after another to look.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stratum_core.errors import ConfigurationError
from stratum_mcp.settings import ServerSettings
from stratum_mcp.team._team import NAME_PATTERN, Person, Team
from stratum_mcp.team._tokens import state_of_team

if TYPE_CHECKING:
    from stratum_core.engine import Engine

__all__ = ["looking_at", "open_engine", "people_with_state"]


def open_engine(settings: ServerSettings, team: Team, person: Person, folder: Path) -> Engine:
    """Open the engine of one person.

    Args:
        settings: What the server works with.
        team: Who else there is.
        person: Whose engine it is.
        folder: What their plans may read and where results go.

    Raises:
        ConfigurationError: The policy or price file is missing, unsafe or wrong.
        JournalError: The state directory cannot be used, or belongs to a newer version.
    """
    # Imported late for the same reason as in the workspace of one account.
    from stratum_core.engine import Engine, Settings  # noqa: PLC0415

    state = _state_of(settings, person.name)
    environ = {**settings.environ, "STRATUM_STATE_DIR": str(state), "STRATUM_ROOTS": str(folder)}
    own = Settings.from_environment(environ, cwd=folder)
    if own.policy.roots:
        raise ConfigurationError(
            "the policy's `roots` would let everybody read the same folders",
            remedy="take them out of the policy of a team's server; the team file names each person's folder",
        )
    limits = own.policy.limits
    if person.day_nusd is not None:
        limits = replace(limits, day_nusd=_lower(person.day_nusd, limits.day_nusd))
    return Engine(
        replace(
            own,
            policy=replace(own.policy, limits=limits),
            principal=person.name,
            approvers=team.approvers_of(person.name),
        )
    )


def people_with_state(settings: ServerSettings, team: Team) -> tuple[Person, ...]:
    """Return everybody who has planned here, by name; also those whom the team file does not name any more."""
    base = state_of_team(settings) / "people"
    names = sorted(
        path.name for path in base.glob("*") if path.is_dir() and re.fullmatch(NAME_PATTERN, path.name)
    )
    return tuple(team.people.get(name) or Person(name=name, folder=None, approves=()) for name in names)


@contextmanager
def looking_at(settings: ServerSettings, team: Team, person: Person) -> Generator[Engine]:
    """Open somebody's engine to look at what they have done, also when they plan nothing here any more.

    Raises:
        ConfigurationError: The policy or price file is missing, unsafe or wrong.
        JournalError: The state directory cannot be used, or belongs to a newer version.
    """
    folder = person.folder or _state_of(settings, person.name)
    with open_engine(settings, team, person, folder) as engine:
        yield engine


def _state_of(settings: ServerSettings, name: str) -> Path:
    return state_of_team(settings) / "people" / name


def _lower(own: int, for_all: int | None) -> int:
    return own if for_all is None else min(own, for_all)
