"""The other side of the routes: what `stratum approve --server` asks and tells a team's server."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from stratum_core.errors import ApprovalError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stratum_core.contracts import JsonValue

__all__ = ["Approvals"]

_TIMEOUT_S = 30.0
_MOST_BYTES = 8 << 20
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Refusal(BaseModel):
    """The body of an answer other than 200."""

    message: str


class Approvals:
    """The plans of others at one server, for one person's token. No redirect is followed: a token goes nowhere else."""

    def __init__(self, url: str, token: str) -> None:
        """Look at nothing yet.

        Raises:
            ConfigurationError: The address is no http(s) one, or would send the token unencrypted.
        """
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ConfigurationError(f"{url!r} is no address of a server", remedy="give an https:// address")
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise ConfigurationError(
                f"{url!r} would send the token unencrypted", remedy="use https:// unless it is this machine"
            )
        self._address = address
        self._token = token

    def waiting(self) -> tuple[Mapping[str, JsonValue], ...]:
        """Return the plans that wait for this person.

        Raises:
            ApprovalError: The server refused.
            ConfigurationError: It cannot be reached, or does not answer as a team's server does.
        """
        return tuple(cast("list[Mapping[str, JsonValue]]", self._ask("GET", "/approvals")))

    def decide(self, person: str, plan_id: str, *, approved: bool, note: str = "") -> Mapping[str, JsonValue]:
        """Answer for somebody else, and return how their plan stands.

        Raises:
            ApprovalError: The server refused.
            ConfigurationError: It cannot be reached, or does not answer as a team's server does.
        """
        path = f"/approvals/{quote(person, safe='')}/{quote(plan_id, safe='')}"
        return cast("Mapping[str, JsonValue]", self._ask("POST", path, {"approve": approved, "note": note}))

    def _ask(self, method: str, path: str, body: Mapping[str, JsonValue] | None = None) -> JsonValue:
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        connection = kind(self._address.netloc, timeout=_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            status, content = reply.status, reply.read(_MOST_BYTES)
        except (OSError, HTTPException) as error:
            raise ConfigurationError(
                f"{self._address.netloc} cannot be reached: {error}", remedy="see that the server runs there"
            ) from error
        finally:
            connection.close()
        return self._read(status, content)

    def _read(self, status: int, content: bytes) -> JsonValue:
        try:
            if status == 200:  # noqa: PLR2004 - RFC 9110 15.3.1
                return cast("JsonValue", json.loads(content))
            refusal = _Refusal.model_validate_json(content).message
        except ValueError as error:
            raise ConfigurationError(
                f"{self._address.netloc} answered {status}, not as a team's server does",
                remedy="give the address `stratum serve --http` runs at",
            ) from error
        raise ApprovalError(f"{self._address.netloc} refused: {refusal}", detail={"status": status})
