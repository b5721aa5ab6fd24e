"""One server, many people: each has an engine over a state directory and a folder of their own.

Nothing is shared between them but the provider keys and the policy, so there is no question of who may see what: what
belongs to another person cannot be named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.auth_context import get_access_token

from stratum_core.errors import ApprovalError
from stratum_mcp.settings import ServerSettings, Workspace
from stratum_mcp.team._people import open_engine
from stratum_mcp.team._team import Person, Team

if TYPE_CHECKING:
    from stratum_core.engine import Engine

__all__ = ["TeamWorkspace"]


class TeamWorkspace(Workspace):
    """The engines of a team's server, one for each person."""

    def __init__(self, settings: ServerSettings, team: Team) -> None:
        # The folders are the team file's; what a client says of its own machine means nothing here.
        fixed = {**settings.environ, "STRATUM_ROOTS": str(settings.folder)}
        super().__init__(replace(settings, environ=fixed))
        self.team = team
        self._of_person: dict[str, Engine] = {}
        self._opening = Lock()

    def engine(self, roots: tuple[Path, ...] = ()) -> Engine:  # noqa: ARG002 - a team's folders are fixed
        """Return the engine of whoever makes this request.

        Raises:
            ApprovalError: Nobody is known to make it, or they may not plan.
            ConfigurationError: The policy or price file is missing, unsafe or wrong.
        """
        token = get_access_token()
        person = self.team.people.get(token.client_id) if token else None
        if person is None:
            raise ApprovalError("this request carries no token of the team", remedy="send a bearer token")
        return self.engine_of(person)

    def engine_of(self, person: Person) -> Engine:
        """Return the engine of one person.

        Raises:
            ApprovalError: They may not plan.
            ConfigurationError: The policy or price file is missing, unsafe or wrong.
        """
        if person.folder is None:
            raise ApprovalError(
                f"{person.name} may answer for others, but plans nothing here",
                remedy=f"the operator gives them a folder in the team file: {person.name}: {{folder: ...}}",
            )
        with self._opening:
            engine = self._of_person.get(person.name)
            if engine is None:
                engine = self._of_person[person.name] = open_engine(
                    self.settings, self.team, person, person.folder
                )
        return engine

    def close(self) -> None:
        """Close every engine; background runs go on."""
        with self._opening:
            for engine in self._of_person.values():
                engine.close()
            self._of_person.clear()
