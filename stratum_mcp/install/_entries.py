"""What Stratum writes into which file of Claude Code, and how it knows its own there again.

Nothing that is not ours is replaced or removed: a server, marketplace or variable of the same name that somebody else
set up is a reason to stop.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError
from stratum_mcp.install._json_text import empty_pruned, get, put, read_object, take
from stratum_mcp.install._marked_text import get_block, put_block, take_block
from stratum_mcp.install._plugin import plugin_folder

__all__ = ["PLUGIN", "SCOPES", "Block", "Entry", "Member", "Scope", "entries", "server_command"]

Scope: TypeAlias = Literal["user", "project"]

SCOPES: Final[tuple[Scope, ...]] = ("user", "project")
PLUGIN: Final = "stratum@stratum"
_NAME: Final = "stratum"
_SCRIPT: Final = "stratum-mcp"
_MODULE: Final = "stratum_mcp.server"
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a JSON file."""

    file: Path
    path: tuple[str, ...]
    value: JsonValue
    is_ours: Callable[[JsonValue], bool]
    """Tells a value of ours, of any version and place, from another's."""

    def present(self, text: str) -> Member | None:
        """Return the entry as it stands in the text, or None where there is none of ours."""
        value = get(text, self.path, str(self.file))
        return replace(self, value=value) if value is not None and self.is_ours(value) else None

    def put(self, text: str) -> str:
        """Return the text with the entry.

        Raises:
            ConfigurationError: Something of another's has its name, or the text cannot be read without doubt.
        """
        value = get(text, self.path, str(self.file))
        if value is not None and not self.is_ours(value):
            raise ConfigurationError(
                f"{self.file} was left as it is: "
                f"its `{'.'.join(self.path)}` is not Stratum's: {json.dumps(value)[:200]}",
                remedy="rename or remove it there, then run this again",
            )
        return put(text, self.path, self.value, str(self.file))

    def take(self, text: str) -> str:
        """Return the text without the entry."""
        return take(text, self.path, str(self.file)) if self.present(text) else text

    def same(self, one: str, other: str) -> bool:
        """Return whether two texts of the file say the same, however they are laid out."""
        where = str(self.file)
        return empty_pruned(read_object(one, where)) == empty_pruned(read_object(other, where))

    def texts(self) -> frozenset[str]:
        """Return the texts in the value, as JSON writes them."""
        return frozenset(_TEXT.findall(json.dumps(self.value, ensure_ascii=False)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block between marks in a text."""

    file: Path
    value: str

    def present(self, text: str) -> Block | None:
        """Return the block as it stands in the text, or None where there is none."""
        value = get_block(text, str(self.file))
        return None if value is None else replace(self, value=value)

    def put(self, text: str) -> str:
        """Return the text with the block."""
        return put_block(text, self.value, str(self.file))

    def take(self, text: str) -> str:
        """Return the text without the block."""
        return take_block(text, str(self.file))

    def same(self, one: str, other: str) -> bool:
        """Return whether two texts are the same."""
        return one == other


Entry: TypeAlias = Member | Block


def entries(
    scope: Scope,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    plugin: bool | None,
    rules: bool | None,
    variable: bool | None = None,
) -> tuple[Entry, ...]:
    """Return what belongs into the files of a scope.

    Args:
        scope: Whose files.
        environ: HOME, CLAUDE_CONFIG_DIR and PATH.
        cwd: The project.
        plugin: The whole plugin, or else only the server; None: both, to take out whichever is there.
        rules: Whether the rules for the agent belong into CLAUDE.md; None: to take them out.
        variable: Whether the client is told where the server is; None: where it would not find it on PATH.

    Raises:
        ConfigurationError: The scope is the user's and there is no home folder, or the plugin's files are missing.
    """
    project = scope == "project"
    folder, servers = (cwd / ".claude", cwd / ".mcp.json") if project else _home(environ)
    settings, own = folder / "settings.json", folder / ("settings.local.json" if project else "settings.json")
    found: list[Entry] = []
    if plugin is not False:
        found.append(_marketplace(own))
        found.append(
            Member(file=settings, path=("enabledPlugins", PLUGIN), value=True, is_ours=lambda _: True)
        )
        script = str(_script())
        needed = shutil.which(_SCRIPT, path=environ.get("PATH")) is None if variable is None else variable
        if needed and not environ.get("STRATUM_MCP"):
            found.append(
                Member(file=own, path=("env", "STRATUM_MCP"), value=script, is_ours=_names_our_server)
            )
    if plugin is not True:
        found.append(_server(servers))
    if rules is not False:
        rules_file = cwd / "CLAUDE.md" if project else folder / "CLAUDE.md"
        text = (plugin_folder() / "rules" / "CLAUDE.md").read_text("utf-8").strip()
        found.append(Block(file=rules_file, value=text))
    return tuple(found)


def server_command() -> tuple[str, ...]:
    """Return the command of this environment's server, by its absolute path."""
    script = _script()
    return (str(script),) if script.is_file() else (sys.executable, "-m", _MODULE)


def _home(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Return the user's folder of Claude Code and the file of their servers.

    Raises:
        ConfigurationError: There is none.
    """
    named = environ.get("CLAUDE_CONFIG_DIR")
    if named:
        return Path(named), Path(named) / ".claude.json"
    home = environ.get("HOME", "")
    if not home or not Path(home).is_dir():
        raise ConfigurationError(
            f"the home folder is not known: HOME is {home or 'not set'!r}{', which is no folder' if home else ''}",
            remedy="set HOME, or use --scope project",
        )
    return Path(home) / ".claude", Path(home) / ".claude.json"


def _marketplace(file: Path) -> Member:
    value: JsonValue = {"source": {"source": "directory", "path": str(plugin_folder())}}
    return Member(file=file, path=("extraKnownMarketplaces", _NAME), value=value, is_ours=_is_our_marketplace)


def _server(file: Path) -> Member:
    command, *arguments = server_command()
    value: JsonValue = {"type": "stdio", "command": command, "args": list[JsonValue](arguments), "env": {}}
    return Member(file=file, path=("mcpServers", _NAME), value=value, is_ours=_is_our_server)


def _script() -> Path:
    return Path(sys.executable).parent / _SCRIPT


def _is_our_marketplace(value: JsonValue) -> bool:
    """Return whether a marketplace is a folder, as this command sets it up; one from elsewhere is another's."""
    source = value.get("source") if isinstance(value, Mapping) else None
    return isinstance(source, Mapping) and source.get("source") == "directory"


def _names_our_server(value: JsonValue) -> bool:
    return isinstance(value, str) and Path(value).name == _SCRIPT


def _is_our_server(value: JsonValue) -> bool:
    """Return whether an entry starts this server, of whatever environment."""
    if not isinstance(value, Mapping):
        return False
    arguments = value.get("args")
    words = arguments if isinstance(arguments, list) else []
    command = value.get("command")
    if not isinstance(command, str):
        return False
    name = Path(command).name
    return (
        name == _SCRIPT or _MODULE in words or (name == _NAME and words[:1] == ["serve"]) or _SCRIPT in name
    )
