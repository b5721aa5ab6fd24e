"""What can be wrong with an installation, looked at without changing it: what, where, and what to do about it.

Nothing here raises: a check that cannot be made is a finding like any other. Two findings come from other programs
and take seconds, the server and the client; the rest only reads.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError
from stratum_mcp.install._client import client_on_path, run_client
from stratum_mcp.install._entries import Member, entries, server_command
from stratum_mcp.install._files import read_file
from stratum_mcp.install._probe import list_tools
from stratum_mcp.remedies import for_setting

__all__ = ["Finding", "examine"]

State: TypeAlias = Literal["ok", "note", "fault"]

_OLDEST: Final = (3, 11)
_OLDEST_FOR_HOOKS: Final = (3, 9)
_STOLEN: Final = frozenset({"1.82.7", "1.82.8"})
_TOOLS: Final = 8
_OFFLINE: Final = "offline"
_LOGIN: Final = "claude-cli/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    state: State
    """`note`: worth knowing, nothing fails because of it."""
    what: str
    where: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for machines."""
        return {
            "check": self.check,
            "state": self.state,
            "what": self.what,
            "where": self.where,
            "remedy": self.remedy,
        }


def examine(environ: Mapping[str, str], cwd: Path) -> tuple[Finding, ...]:
    """Make every check and return what was found, in the order in which a fault would be in the way of the next."""
    return (
        python_version(),
        python_for_hooks(environ),
        on_path(environ, cwd),
        provider_library(),
        *configuration(environ, cwd),
        server(environ, cwd),
        client(environ, cwd),
    )


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Look at the Python this runs on."""
    told = ".".join(map(str, version))
    if version >= _OLDEST:
        return Finding(check="python", state="ok", what=f"Python {told}", where=sys.executable)
    return Finding(
        check="python",
        state="fault",
        what=f"Python {told} is too old, Stratum needs 3.11 or newer",
        where=sys.executable,
        remedy="install Stratum with a newer Python",
    )


def python_for_hooks(environ: Mapping[str, str]) -> Finding:
    """Look at the `python3` that the plugin's hooks run on, which need nothing but its standard library."""
    python = shutil.which("python3", path=environ.get("PATH", ""))
    ask = "import sys; print(*sys.version_info[:2])"
    told: tuple[int, ...] = ()
    if python is not None:
        try:
            done = subprocess.run(  # noqa: S603 - the program the hooks are started with
                [python, "-S", "-E", "-c", ask], capture_output=True, text=True, timeout=10, check=False
            )
            told = tuple(int(part) for part in done.stdout.split())
        except (OSError, ValueError, subprocess.TimeoutExpired):
            told = ()
    if told >= _OLDEST_FOR_HOOKS:
        version = ".".join(map(str, told))
        return Finding(check="hooks", state="ok", what=f"python3 {version} for the hooks", where=python or "")
    what = "there is no python3 on PATH" if python is None else "python3 is older than 3.9, or does not start"
    return Finding(
        check="hooks",
        state="fault",
        what=f"{what}; without one the plugin's guards refuse every shell command",
        where=python or environ.get("PATH", ""),
        remedy="put a python3 of 3.9 or newer on the client's PATH",
    )


def on_path(environ: Mapping[str, str], cwd: Path) -> Finding:
    """Look whether the client would find the commands, and whether they are those of this environment."""
    folder = Path(sys.executable).parent
    found = {name: shutil.which(name, path=environ.get("PATH", "")) for name in ("stratum", "stratum-mcp")}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        told = environ.get("STRATUM_MCP") or _told_where(environ, cwd)
        return Finding(
            check="path",
            state="note" if told else "fault",
            what=f"{names} not on PATH" + (f"; the client is told where: {told}" if told else ""),
            where=environ.get("PATH", ""),
            remedy="" if told else f"run `{folder / 'stratum'} install`, or put {folder} on PATH",
        )
    others = [
        path
        for path in found.values()
        if path is not None and Path(path).resolve().parent != folder.resolve()
    ]
    if others:
        return Finding(
            check="path",
            state="note",
            what="another installation comes first on PATH",
            where=", ".join(others),
            remedy=f"put {folder} first, or remove the other",
        )
    return Finding(check="path", state="ok", what="`stratum` and `stratum-mcp` on PATH", where=str(folder))


def provider_library() -> Finding:
    """Look at the version of litellm by its metadata; a bad one would already act when it is imported."""
    try:
        found = metadata.distribution("litellm")
    except metadata.PackageNotFoundError:
        return Finding(
            check="litellm",
            state="fault",
            what="the library litellm is missing",
            where=sys.prefix,
            remedy="install stratum-runtime again",
        )
    where = str(found.locate_file(""))
    if found.version in _STOLEN:
        return Finding(
            check="litellm",
            state="fault",
            what=f"litellm {found.version} carries code that steals credentials",
            where=where,
            remedy="start nothing here: remove this environment, replace every key this account could read, "
            "then install again",
        )
    return Finding(check="litellm", state="ok", what=f"litellm {found.version}", where=where)


def configuration(environ: Mapping[str, str], cwd: Path) -> tuple[Finding, ...]:
    """Read policy and prices, open the state directory, and look for a model that can be used."""
    names = ", ".join(
        f"{name}={environ[name]}" for name in ("STRATUM_POLICY", "STRATUM_PRICES") if name in environ
    )
    try:
        settings = Settings.from_environment(environ, cwd=cwd)
    except (StratumError, OSError) as fault:
        return (_of_fault("settings", fault, names or "the usual places"),)
    policy = settings.policy.source
    return (
        Finding(
            check="settings",
            state="ok",
            what="policy and prices can be read",
            where=str(policy or "no policy"),
        ),
        _state_directory(settings),
        _model(settings),
    )


def server(environ: Mapping[str, str], cwd: Path) -> Finding:
    """Start the server as a client does and have it list its tools."""
    command = server_command()
    where = " ".join(command)
    tools, why = list_tools(command, environ, cwd)
    if len(tools) == _TOOLS:
        return Finding(
            check="server", state="ok", what=f"the server starts and lists {_TOOLS} tools", where=where
        )
    return Finding(
        check="server",
        state="fault",
        what=f"the server lists {len(tools)} tools, not {_TOOLS}: {why}"
        if tools
        else f"it does not start: {why}",
        where=where,
        remedy="run it by hand to see more, and install stratum-runtime again if it lacks something",
    )


def client(environ: Mapping[str, str], cwd: Path) -> Finding:
    """Ask Claude Code, where it is, whether it sees the server."""
    claude = client_on_path(environ)
    if claude is None:
        return Finding(
            check="client",
            state="note",
            what="`claude` is not on PATH, so it was not asked",
            where=environ.get("PATH", ""),
            remedy="in the client, /mcp shows its servers",
        )
    said = run_client(claude, ("claude", "mcp", "list"), environ, cwd)
    ours = [
        line for line in said.text.splitlines() if line.startswith(("stratum:", "plugin:stratum:stratum:"))
    ]
    if len(ours) == 1 and "Connected" in ours[0]:
        return Finding(
            check="client", state="ok", what="Claude Code is connected to the server", where=ours[0]
        )
    remedy = "`stratum install`"
    if not ours:
        what = (
            "Claude Code does not know the server" if said.status == 0 else f"`claude mcp list`: {said.text}"
        )
    elif len(ours) > 1:
        what, remedy = "Claude Code has the server twice", "`stratum uninstall`, then `stratum install`"
    elif "Pending" in ours[0]:
        what, remedy = (
            "the server waits for your approval in this project",
            "start `claude` here and approve it",
        )
    else:
        what, remedy = "Claude Code cannot start the server", "`stratum install`, then start a new session"
    return Finding(check="client", state="fault", what=what, where="\n".join(ours) or claude, remedy=remedy)


def _told_where(environ: Mapping[str, str], cwd: Path) -> str:
    """Return where the client's settings say the server is; empty when they do not, or cannot be read."""
    try:
        wanted = entries("user", environ, cwd, plugin=True, rules=False, variable=True)
        texts = [(entry, read_file(entry.file).text) for entry in wanted]
        found = [
            entry.present(text)
            for entry, text in texts
            if isinstance(entry, Member) and entry.path[0] == "env"
        ]
    except StratumError:
        return ""
    return next((str(entry.value) for entry in found if entry is not None), "")


def _state_directory(settings: Settings) -> Finding:
    """Open the control file as every command does, which refuses what is not safe."""
    where = str(settings.state_dir)
    try:
        with Engine(settings):
            return Finding(check="state", state="ok", what="the state directory can be used", where=where)
    except (StratumError, OSError) as fault:
        return _of_fault("state", fault, where)


def _model(settings: Settings) -> Finding:
    """Say which model would be used, or which ways there are to one."""
    model, fault = settings.default_model, settings.model_fault
    if fault is not None:
        what, remedy = fault
        where = "environment and keyring"
        return Finding(check="model", state="fault", what=what, where=where, remedy=for_setting(remedy))
    if model == _OFFLINE:
        what = "the default model is `offline`, which only demonstrates"
    elif str(model).startswith(_LOGIN):
        what = f"the default model is {model}, behind your Claude Code login (whether it is logged in was not tried)"
    else:
        what = f"the default model is {model}, and its key is there (whether it is good was not tried)"
    return Finding(check="model", state="ok", what=what, where="environment, keyring and policy")


def _of_fault(check: str, fault: StratumError | OSError, where: str) -> Finding:
    if isinstance(fault, StratumError):
        return Finding(
            check=check, state="fault", what=fault.message, where=where, remedy=fault.remedy or "mend that"
        )
    return Finding(check=check, state="fault", what=str(fault), where=where, remedy="mend that")
