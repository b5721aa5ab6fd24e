"""What people who answer for others call: `GET /approvals` and `POST /approvals/{person}/{plan_id}`, JSON both ways."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stratum_core.errors import StratumError
from stratum_mcp.team._team import Person
from stratum_mcp.team._workspace import TeamWorkspace

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue

__all__ = ["Endpoint", "approval_routes"]

_log = logging.getLogger("stratum.team")
_MOST_BYTES = 16 * 1024

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class _Answer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    approve: bool
    note: str = Field(default="", max_length=500)


def approval_routes(workspace: TeamWorkspace) -> Mapping[tuple[str, str], Endpoint]:
    """Return the endpoints by method and path."""

    async def waiting(request: Request) -> Response:
        """List what waits for the person who asks."""
        approver = _approver(request, workspace)
        if isinstance(approver, Response):
            return approver
        return await _told(lambda: _waiting(workspace, approver))

    async def answer(request: Request) -> Response:
        """Take the answer of the person who asks to somebody else's plan."""
        approver = _approver(request, workspace)
        if isinstance(approver, Response):
            return approver
        name, plan_id = request.path_params["person"], request.path_params["plan_id"]
        if name not in approver.approves:
            return _refused(403, f"{approver.name} may not answer for {name}")
        body = await _body(request)
        try:
            given = _Answer.model_validate_json(body)
        except ValidationError:
            return _refused(400, 'the body has to be {"approve": true or false, "note": "..."}')
        return await _told(lambda: _decided(workspace, approver, name, plan_id, given))

    return {("GET", "/approvals"): waiting, ("POST", "/approvals/{person}/{plan_id}"): answer}


def _waiting(workspace: TeamWorkspace, approver: Person) -> JsonValue:
    people = [workspace.team.people[name] for name in approver.approves]
    return [
        {"person": person.name, **plan.to_json()}
        for person in people
        if person.folder is not None
        for plan in workspace.engine_of(person).remote.waiting()
    ]


def _decided(
    workspace: TeamWorkspace, approver: Person, name: str, plan_id: str, given: _Answer
) -> JsonValue:
    engine = workspace.engine_of(workspace.team.people[name])
    view = engine.remote.decide(plan_id, approved=given.approve, principal=approver.name, note=given.note)
    _log.warning("%s %s %s of %s", approver.name, view.state, plan_id, name)
    return view.to_json()


def _approver(request: Request, workspace: TeamWorkspace) -> Person | Response:
    """Return who asks, if they may answer for anybody."""
    user = request.scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return _refused(401, "a bearer token of this server is needed")
    person = workspace.team.people.get(user.access_token.client_id)
    if person is None or not person.approves:
        return _refused(403, "this token answers for nobody")
    return person


async def _body(request: Request) -> bytes:
    """Return the body; of a longer one than an answer can be nothing, which is no answer."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return b""
    return body


async def _told(work: Callable[[], JsonValue]) -> Response:
    """Call the engine in a worker thread; its errors keep their words, any other ends as a bare 500."""
    try:
        found: JsonValue = await anyio.to_thread.run_sync(work)
    except StratumError as error:
        return _refused(409, f"{error.message}; {error.remedy}" if error.remedy else error.message)
    content = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, media_type="application/json")


def _refused(status: int, message: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 - RFC 9110 15.5.2
    return JSONResponse({"message": message}, status, headers)
