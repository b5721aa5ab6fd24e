"""Where the plugin for Claude Code is: in the installed package, or beside it in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from stratum_core.errors import ConfigurationError

__all__ = ["plugin_folder"]

_MANIFEST = Path(".claude-plugin") / "plugin.json"


def plugin_folder() -> Path:
    """Return the folder that `claude plugin marketplace add` takes.

    Raises:
        ConfigurationError: The installation lacks it.
    """
    package = Path(str(files("stratum_mcp")))
    for folder in (package / "plugin", package.parent / "claude"):
        if (folder / _MANIFEST).is_file():
            return folder
    raise ConfigurationError(
        f"the plugin for Claude Code is missing beside {package}", remedy="install stratum-runtime again"
    )
