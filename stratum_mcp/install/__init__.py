"""Setting Stratum up for Claude Code, taking it out again, and finding out what is wrong."""

from stratum_mcp.install._doctor import Finding, examine
from stratum_mcp.install._entries import SCOPES, Scope
from stratum_mcp.install._install import FileReport, Outcome, install, uninstall
from stratum_mcp.install._plugin import plugin_folder

__all__ = [
    "SCOPES",
    "FileReport",
    "Finding",
    "Outcome",
    "Scope",
    "examine",
    "install",
    "plugin_folder",
    "uninstall",
]
