"""From the start of the server process to its answer to tools/list, in CPU time, beside a bare SDK server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import psutil

from bench._measure import Row, alternating
from stratum_core.contracts import JsonValue

__all__ = ["measure"]

_TOOLS = 8
_TARGET = 1.3
_BARE = f"""
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
for number in range({_TOOLS}):
    def tool(text: str) -> str:
        "Return the text."
        return text
    server.add_tool(tool, name=f"tool_{{number}}")
server.run("stdio")
"""
_MESSAGES: tuple[dict[str, JsonValue], ...] = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
)


def measure(*, rounds: int = 7) -> list[Row]:
    """Return the CPU milliseconds of both servers, started in turn, and the size of our answer."""
    with tempfile.TemporaryDirectory() as state_dir:
        ours, theirs = alternating(
            lambda: _start(["-m", "stratum_mcp.server"], state_dir)[0],
            lambda: _start(["-c", _BARE], state_dir)[0],
            rounds=rounds,
        )
        size = _start(["-m", "stratum_mcp.server"], state_dir)[1]
    return [
        Row(
            area="server start to tools/list",
            ours=ours,
            unit="CPU ms",
            peer=f"bare SDK server, {_TOOLS} tools",
            theirs=theirs,
            target=f"ratio <= {_TARGET}",
            met=ours <= _TARGET * theirs,
        ),
        Row(area="tools/list reply", ours=size, unit="bytes", target="<= 5120", met=size <= 5 * 1024),
    ]


def _start(arguments: list[str], state_dir: str) -> tuple[float, int]:
    """Start a server, ask for its tools, and return its CPU milliseconds so far and the bytes of the tools."""
    environ = {**os.environ, "STRATUM_STATE_DIR": state_dir, "STRATUM_MODEL": "offline"}
    answer = b""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ,
        cwd=state_dir,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in _MESSAGES:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                answer = process.stdout.readline()
        spent = psutil.Process(process.pid).cpu_times()
        process.kill()
    tools = json.loads(answer)["result"]["tools"]
    assert len(tools) == _TOOLS, f"{len(tools)} tools, not {_TOOLS}"
    return (spent.user + spent.system) * 1000, len(json.dumps(tools, separators=(",", ":")).encode())
