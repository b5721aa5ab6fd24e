"""What the plugin for Claude Code costs: processor time of each hook, and tokens of what the client tells its model.

Hooks are started as the client starts them, on payloads it sent. For the tokens the real client talks to a scripted
Messages API on loopback; what it sends is counted with the tokenizer file that the provider library brings. That one is
of an older model, so the counts are a measure for comparing, good to about a tenth.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from bench._measure import Row
from tests.claude._client import ClaudeCode, run_print
from tests.claude._json import JsonObject, as_text, objects
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, connected

__all__ = ["client_tokens", "measure", "tokens_of"]

_ROOT = Path(__file__).parents[1]
_PLUGIN = _ROOT / "claude"
_PAYLOADS = _ROOT / "tests" / "claude" / "payloads"
_CLIENT = _ROOT / "tests" / "claude" / "node" / "node_modules" / ".bin" / "claude"
_HOOKS = {
    "guard_shell": "before_bash",
    "guard_files": "before_write",
    "allow_tools": "before_approve",
    "show_plan": "after_plan",
    "check_files": "after_edit",
    "guard_config": "config_change",
    "start_session": "session_start",
    "end_turn": "stop",
}
_CPU_MS = 60
_TOOL_TOKENS = 1300
_SKILL_LINE = "- stratum:"


def measure(*, rounds: int = 9) -> list[Row]:
    """Return the rows of the hooks, and of the tokens where the client is installed."""
    rows = [_hook(script, name, rounds) for script, name in _HOOKS.items()]
    return rows + (client_tokens(_CLIENT.resolve()) if _CLIENT.exists() else [])


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has."""
    found = find_spec("litellm")
    assert found
    assert found.origin
    file = Path(found.origin).parent / "litellm_core_utils" / "tokenizers" / "anthropic_tokenizer.json"
    return len(Tokenizer.from_file(str(file)).encode(text).ids)


def _hook(script: str, name: str, rounds: int) -> Row:
    """Return the processor time of one hook that has nothing to say, which is the usual case."""
    with tempfile.TemporaryDirectory() as folder:
        text = (_PAYLOADS / f"{name}.json").read_text("utf-8").replace("@PROJECT@", folder)
        spent = statistics.median(_once(script, text, folder) for _ in range(rounds))
    target = f"<= {_CPU_MS} ms"
    return Row(area=f"hook {script}", ours=spent, unit="CPU ms", target=target, met=spent <= _CPU_MS)


def _once(script: str, text: str, folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-S", "-E", _PLUGIN / "hooks" / f"{script}.py"],
        input=text.encode(),
        env={"PATH": os.environ["PATH"], "STRATUM_STATE_DIR": folder, "HOME": folder},
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def client_tokens(binary: Path) -> list[Row]:
    """Return what the client tells its model because of the plugin, in tokens."""
    request, ready_s = _first_request(binary)
    tools = [tool for tool in objects(request.body.get("tools")) if "stratum" in as_text(tool.get("name"))]
    said = request.system + "\n" + request.notices
    start = said.index("## plugin:stratum:stratum")
    instructions = said[start:].split("\n\n\n", 1)[0]
    listed = "\n".join(line for line in said.splitlines() if line.startswith(_SKILL_LINE))
    count = tokens_of(_json(tools))
    rows = [
        Row(area="tools in every request", ours=count, unit="tokens",
            target=f"<= {_TOOL_TOKENS}", met=count <= _TOOL_TOKENS),
        Row(area="client start to the first request with tools", ours=ready_s, unit="s"),
        Row(area="server instructions, every session", ours=tokens_of(instructions), unit="tokens"),
        Row(area="names of the skills, every session", ours=tokens_of(listed), unit="tokens"),
    ]  # fmt: skip
    return rows + [
        Row(
            area=f"skill /{path.parent.name}, when used",
            ours=tokens_of(path.read_text("utf-8")),
            unit="tokens",
        )
        for path in sorted(_PLUGIN.glob("skills/*/SKILL.md"))
    ]


def _json(tools: list[JsonObject]) -> str:
    return "\n".join(json.dumps(tool, ensure_ascii=False, separators=(",", ":")) for tool in tools)


def _first_request(binary: Path) -> tuple[Request, float]:
    """Return the request in which the client first offers the plugin's tools, and the seconds from its start to it."""
    found: list[tuple[Request, float]] = []

    def script(request: Request) -> Script:
        request = yield from connected(request, "stratum", "plan")
        found.append((request, time.monotonic()))
        return "done"

    with tempfile.TemporaryDirectory() as folder:
        claude = ClaudeCode(
            binary=binary,
            home=Path(folder) / "home",
            project=(Path(folder) / "project").resolve(),
            state_dir=Path(folder) / "state",
        )
        for each in (claude.home, claude.project, claude.state_dir):
            each.mkdir()
        claude.settle_in()
        server = {"STRATUM_MCP": str(Path(sys.executable).parent / "stratum-mcp")}
        with MessagesApi(script) as api:
            started = time.monotonic()
            run_print(claude, api.url, "hello", arguments=["--plugin-dir", str(_PLUGIN)], env=server)
    request, ready = found[0]
    return request, ready - started
