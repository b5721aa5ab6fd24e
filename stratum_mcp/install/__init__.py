"""Telling clients about the server."""

from stratum_mcp.install._claude_code import SCOPES, Registration, apply, registration, removal

__all__ = ["SCOPES", "Registration", "apply", "registration", "removal"]
