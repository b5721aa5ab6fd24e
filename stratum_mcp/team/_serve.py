"""The server itself: MCP over Streamable HTTP for people with tokens, and the routes of those who answer for others.

Every request carries a bearer token that was issued for this address. Host and Origin are checked and a body is
limited before anything is read. Plain HTTP is for loopback, behind a proxy that ends TLS.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio.to_thread
import uvicorn
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware

from stratum_mcp.server import build
from stratum_mcp.settings import ServerSettings
from stratum_mcp.team._routes import approval_routes
from stratum_mcp.team._team import Team
from stratum_mcp.team._tokens import TokenStore, token_store
from stratum_mcp.team._workspace import TeamWorkspace

__all__ = ["application", "serve"]

_SESSION_IDLE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Verifier(TokenVerifier):
    """Turns the text of a request into whose it is."""

    tokens: TokenStore
    team: Team

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return whose token it is; None when it is good for nothing here."""
        found = await anyio.to_thread.run_sync(lambda: self.tokens.holder(token, audience=self.team.url))
        if found is None or found.person not in self.team.people:
            return None
        return AccessToken(
            token=found.id,  # what is handed on inside the server is the id, not the secret
            client_id=found.person,
            scopes=[],
            expires_at=found.expires_at_s,
            resource=found.audience,
            subject=found.person,
        )


def application(settings: ServerSettings, team: Team) -> Starlette:
    """Return the ASGI application."""
    address = AnyHttpUrl(team.url)
    workspace = TeamWorkspace(settings, team)
    server = build(
        settings,
        workspace=workspace,
        auth=AuthSettings(
            issuer_url=address, resource_server_url=address, required_scopes=[], validate_token_resource=True
        ),
        token_verifier=_Verifier(token_store(settings), team),
    )
    for (method, path), endpoint in approval_routes(workspace).items():
        server.custom_route(path, [method])(endpoint)
    app = server.streamable_http_app(
        streamable_http_path=team.path,
        max_request_body_size=team.max_body_bytes,
        session_idle_timeout=_SESSION_IDLE_S,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[team.host], allowed_origins=list(team.origins)
        ),
        host=urlsplit(team.url).hostname or "",
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[urlsplit(team.url).hostname or ""])
    return app


def serve(settings: ServerSettings, team: Team, *, host: str, port: int) -> None:
    """Serve until the process is asked to stop; background runs go on."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    uvicorn.run(
        application(settings, team),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
