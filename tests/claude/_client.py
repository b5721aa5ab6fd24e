"""Runs the real Claude Code client: once in print mode, or many turns with Python answering for the person.

The client sees a throw-away HOME, a dummy key, no variable of the caller but PATH, and a proxy that is not
there for every address beyond loopback: a test that would reach the network fails instead. What is kept of
the world is the file system, so servers under test are given a state directory of their own.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from tests.claude._json import Json, JsonObject, as_object, as_text, parse_object

if TYPE_CHECKING:
    from types import TracebackType

_DUMMY_KEY = "dummy-key"
_DEAD_PROXY = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCode:
    """One installation of the client for one person: nothing in it outlives the test."""

    binary: Path
    home: Path
    project: Path
    """The folder the person works in, already trusted."""
    state_dir: Path
    """STRATUM_STATE_DIR of every process the client starts."""

    def settle_in(self) -> None:
        """Answer the first-run questions (theme, key, trust), and let permissions be asked one by one.

        Without the answers the client calls home and exits. Its default permission mode has a classifier on
        Anthropic's servers decide; a test that wants that mode passes `--permission-mode auto`.
        """
        trusted: JsonObject = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        config: JsonObject = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [_DUMMY_KEY], "rejected": []},
            "projects": {str(self.project): trusted},
        }
        (self.home / ".claude.json").write_text(json.dumps(config), encoding="utf-8")
        settings = self.home / ".claude" / "settings.json"
        settings.parent.mkdir()
        settings.write_text(json.dumps({"permissions": {"defaultMode": "manual"}}), encoding="utf-8")

    def environment(self, api_url: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of the client."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "ANTHROPIC_BASE_URL": api_url,
            "ANTHROPIC_API_KEY": _DUMMY_KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_INSTALLATION_CHECKS": "1",
            "HTTP_PROXY": _DEAD_PROXY,
            "HTTPS_PROXY": _DEAD_PROXY,
            "NO_PROXY": "127.0.0.1,localhost",
            "STRATUM_STATE_DIR": str(self.state_dir),
            **extra,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What the client printed: the events of its stream-json output, in order."""

    events: tuple[JsonObject, ...]
    stderr: str = ""
    exit_code: int = 0

    def of(self, kind: str, subtype: str = "") -> list[JsonObject]:
        """Return the events of a type, and of a subtype when one is given."""
        typed = [event for event in self.events if event.get("type") == kind]
        return [event for event in typed if not subtype or event.get("subtype") == subtype]

    @property
    def outcome(self) -> JsonObject:
        """The last `result` event, empty when the client printed none."""
        results = self.of("result")
        return results[-1] if results else {}

    @property
    def answer(self) -> str:
        """What the model said last, as the client reports it."""
        return as_text(self.outcome.get("result"))


def mcp_server(name: str, command: str, *arguments: str, env: Mapping[str, str]) -> list[str]:
    """Return the client's arguments for exactly one stdio MCP server."""
    server = {"command": command, "args": list(arguments), "env": dict(env or {})}
    return ["--mcp-config", json.dumps({"mcpServers": {name: server}}), "--strict-mcp-config"]


def run_print(
    claude: ClaudeCode,
    api_url: str,
    prompt: str,
    *,
    arguments: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    timeout_s: float = 90,
) -> Transcript:
    """Run `claude -p` to its end. Nobody is there: the client refuses or cancels what it would ask.

    Raises:
        subprocess.TimeoutExpired: The client did not end in time; it is killed.
    """
    done = subprocess.run(
        [claude.binary, "-p", prompt, "--output-format", "stream-json", "--verbose", *arguments],
        cwd=claude.project,
        env=claude.environment(api_url, env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    events = tuple(event for line in done.stdout.splitlines() if (event := parse_object(line)))
    return Transcript(events=events, stderr=done.stderr, exit_code=done.returncode)


Answer: TypeAlias = Callable[[JsonObject], JsonObject]


def allow(request: JsonObject) -> JsonObject:
    """Answer a permission question with yes."""
    return {"behavior": "allow", "updatedInput": as_object(request.get("input"))}


def deny(request: JsonObject) -> JsonObject:
    """Answer a permission question with no."""
    return {"behavior": "deny", "message": f"the person refused {as_text(request.get('tool_name'))}"}


def accept(**content: Json) -> Answer:
    """Return a person who accepts every form and fills it with `content`."""
    return lambda _: {"action": "accept", "content": content}


def decline(request: JsonObject) -> JsonObject:
    """Decline a form."""
    return {"action": "decline"}


class StreamSession:
    """A conversation of many turns; what the client would ask the person is answered by two functions.

    Questions are kept in `permissions` and `elicitations` as the client put them. A question of another kind,
    or one whose answer raises, is answered with an error and kept in `faults`.
    """

    def __init__(
        self,
        claude: ClaudeCode,
        api_url: str,
        *,
        arguments: Iterable[str] = (),
        on_permission: Answer = allow,
        on_elicitation: Answer = decline,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.permissions: list[JsonObject] = []
        self.elicitations: list[JsonObject] = []
        self.faults: list[str] = []
        self._answers = {"can_use_tool": on_permission, "elicitation": on_elicitation}
        self._asked = {"can_use_tool": self.permissions, "elicitation": self.elicitations}
        self._events: queue.SimpleQueue[JsonObject | None] = queue.SimpleQueue()
        self._stderr: list[str] = []
        self._sending = threading.Lock()
        fixed = ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
        self._process = subprocess.Popen(
            [claude.binary, "-p", *fixed, "--permission-prompt-tool", "stdio", *arguments],
            cwd=claude.project,
            env=claude.environment(api_url, env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def say(self, text: str, *, timeout_s: float = 90) -> Transcript:
        """Say one thing as the person; return the events up to the end of the client's turn.

        Raises:
            EOFError: The client ended before its turn did.
            TimeoutError: No event came for `timeout_s`.
        """
        self._send({"type": "user", "message": {"role": "user", "content": text}})
        events: list[JsonObject] = []
        while not events or events[-1].get("type") != "result":
            try:
                event = self._events.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError(f"no end of the turn after {text!r}: {''.join(self._stderr)}") from None
            if event is None:
                raise EOFError(f"the client ended after {text!r}: {''.join(self._stderr)}")
            events.append(event)
        return Transcript(events=tuple(events))

    def close(self) -> int:
        """Hang up and return the client's exit code; kill it when it does not go within 20 s."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            code = self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream
            stream.close()
        return code

    def _send(self, message: JsonObject) -> None:
        assert self._process.stdin
        with self._sending:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            event = parse_object(line)
            if event.get("type") == "control_request":
                self._reply(event)
            elif event.get("type") != "control_response":
                self._events.put(event)
        self._events.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr
        self._stderr.extend(self._process.stderr)

    def _reply(self, event: JsonObject) -> None:
        request = as_object(event.get("request"))
        kind = as_text(request.get("subtype"))
        response: JsonObject = {"request_id": event.get("request_id")}
        try:
            self._asked[kind].append(request)
            response |= {"subtype": "success", "response": self._answers[kind](request)}
        except Exception as error:  # noqa: BLE001 - any fault of an answer is kept, and the client is told
            self.faults.append(f"{kind}: {error!r}")
            response |= {"subtype": "error", "error": repr(error)}
        self._send({"type": "control_response", "response": response})
