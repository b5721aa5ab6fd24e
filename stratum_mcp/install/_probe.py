"""Starting the server as a client does, to see that it answers: three lines of its protocol, nothing imported."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast

from stratum_core.contracts import JsonValue
from stratum_mcp.plain import plain_line

__all__ = ["list_tools"]

_DEADLINE_S: Final = 30.0
_VERSION: Final = "2025-11-25"
_HELLO: Final[Mapping[str, JsonValue]] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": _VERSION,
        "capabilities": {},
        "clientInfo": {"name": "stratum doctor", "version": "1"},
    },
}
_READY: Final[Mapping[str, JsonValue]] = {"jsonrpc": "2.0", "method": "notifications/initialized"}
_LIST: Final[Mapping[str, JsonValue]] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def list_tools(
    command: Sequence[str], environ: Mapping[str, str], cwd: Path, *, deadline_s: float = _DEADLINE_S
) -> tuple[tuple[str, ...], str]:
    """Return the names of the tools a server on stdio lists, and why there are none.

    Args:
        command: How it is started.
        environ: Its environment.
        cwd: Where it is started.
        deadline_s: After so many seconds it is ended.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own server, as a client starts it
                command, env=dict(environ), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, text=True, errors="replace",
            )  # fmt: skip
        except OSError as error:
            return (), str(error.strerror)
        late = threading.Event()
        timer = threading.Timer(deadline_s, lambda: (late.set(), process.kill()))
        timer.start()
        with process:
            tools: tuple[str, ...] = ()
            with suppress(BrokenPipeError):  # it ended: what it said tells why
                tools = _converse(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
            if tools:
                process.terminate()
            with suppress(BrokenPipeError):
                cast("IO[str]", process.stdin).close()
        timer.cancel()
        errors.seek(0)
        last = errors.read().strip().rpartition("\n")[2]
    if tools:
        return tools, ""
    why = (
        f"no answer within {deadline_s:g} s"
        if late.is_set()
        else f"it ended with status {process.returncode}"
    )
    return (), plain_line(f"{why}; {last}" if last else why)


def _converse(stdin: IO[str], stdout: IO[str]) -> tuple[str, ...]:
    """Greet a server, ask for its tools, and return their names; none when it ends or says no JSON."""
    _send(stdin, _HELLO)
    for line in stdout:
        try:
            reply = cast("Mapping[str, JsonValue]", json.loads(line))
            if reply.get("id") == 1:
                _send(stdin, _READY)
                _send(stdin, _LIST)
            elif reply.get("id") == _LIST["id"]:
                result = cast("Mapping[str, Sequence[Mapping[str, str]]]", reply["result"])
                return tuple(tool["name"] for tool in result["tools"])
        except (ValueError, AttributeError, KeyError, TypeError):
            return ()
    return ()


def _send(stdin: IO[str], message: Mapping[str, JsonValue]) -> None:
    stdin.write(json.dumps(message) + "\n")
    stdin.flush()
