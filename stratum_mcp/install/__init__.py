"""Telling clients about the server."""

from stratum_mcp.install._claude_code import SCOPES, Registration, apply, registration, removal
from stratum_mcp.install._plugin import plugin_folder

__all__ = ["SCOPES", "Registration", "apply", "plugin_folder", "registration", "removal"]
