"""Runs a hook of the plugin as the client does: the recorded payload on stdin, the answer on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.claude._json import JsonObject, as_object, as_text, parse_object

if TYPE_CHECKING:
    from tests.claude._json import Json

PLUGIN = Path(__file__).parents[2] / "claude"
_PAYLOADS = Path(__file__).parent / "payloads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a hook told the client."""

    exit_code: int
    reply: JsonObject
    stderr: str

    @property
    def decision(self) -> str:
        """What a PreToolUse hook decided; `block` where another one stops what happened; empty for nothing."""
        return as_text(self._specific.get("permissionDecision")) or as_text(self.reply.get("decision"))

    @property
    def reason(self) -> str:
        """Why."""
        specific = as_text(self._specific.get("permissionDecisionReason"))
        return specific or as_text(self.reply.get("reason"))

    @property
    def to_person(self) -> str:
        """What the person is shown."""
        return as_text(self.reply.get("systemMessage"))

    @property
    def to_agent(self) -> str:
        """What the agent is told beside the conversation."""
        return as_text(self._specific.get("additionalContext"))

    @property
    def _specific(self) -> JsonObject:
        return as_object(self.reply.get("hookSpecificOutput"))


def payload(name: str, *, project: Path, **changed: Json) -> JsonObject:
    """Return a recorded payload for a project; `changed` replaces top-level parts."""
    text = (_PAYLOADS / f"{name}.json").read_text("utf-8")
    text = text.replace("@PROJECT@", project.as_posix()).replace("@HOME@", (project / "home").as_posix())
    return {**parse_object(text), **changed}


def run_hook(
    script: str,
    given: JsonObject | str,
    *,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Answer:
    """Run one hook to its end."""
    done = subprocess.run(
        [python, "-S", "-E", PLUGIN / "hooks" / script],
        input=given if isinstance(given, str) else json.dumps(given),
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Answer(exit_code=done.returncode, reply=parse_object(done.stdout), stderr=done.stderr)
