"""What every hook shares: the payload on stdin, the answer on stdout, and failing closed.

A hook that fails lets the tool run, unless it ends with status 2. So whatever goes wrong in here ends with 2 and a
sentence on stderr. Standard library only, and nothing newer than Python 3.9: `python3` may be the system's own.
The shapes are those of https://code.claude.com/docs/en/hooks.
"""

from __future__ import annotations

import json
import sys
from typing import Callable, Dict, List, Optional, cast  # noqa: UP035 - read at run time by Python 3.9

__all__ = ["Payload", "Reply", "as_list", "as_object", "block", "decide", "inform", "main", "text_of"]

Payload = Dict[str, object]  # noqa: UP006 - read at run time by Python 3.9
"""What the client sends: a JSON object, of any shape until it was looked at."""
Reply = Optional[Dict[str, object]]  # noqa: UP006, UP045 - read at run time by Python 3.9
"""What the client is told; None for nothing to say."""

_FAILED = 2


def main(handle: Callable[[Payload], Reply]) -> None:
    """Answer one payload; end with status 2 on any fault, so that a broken guard does not open the door."""
    try:
        payload = json.load(sys.stdin)
        reply = handle(as_object(payload))
        if reply:
            print(json.dumps(reply))
    except Exception as error:  # noqa: BLE001 - whatever it is, the tool must not run because of it
        print(f"stratum: a hook of the plugin failed ({type(error).__name__}: {error}); "
              "`claude plugin disable stratum` turns the plugin off", file=sys.stderr)  # fmt: skip
        sys.exit(_FAILED)


def as_object(value: object) -> Payload:
    """Return a JSON value when it is an object, else an empty one."""
    return cast("Payload", value) if isinstance(value, dict) else {}


def as_list(value: object) -> List[object]:  # noqa: UP006 - like Payload
    """Return a JSON value when it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def text_of(payload: object, *names: str) -> str:
    """Return the text under a path of names, empty when there is none."""
    found = payload
    for name in names:
        found = as_object(found).get(name)
    return found if isinstance(found, str) else ""


def decide(decision: str, reason: str) -> Reply:
    """Return the answer of a PreToolUse hook: allow, ask or deny, and why."""
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            "permissionDecisionReason": reason,
        }
    }


def block(reason: str) -> Reply:
    """Return the answer that stops what happened from counting: the agent, or for a setting the person, is told why."""
    return {"decision": "block", "reason": reason}


def inform(event: str, *, person: str = "", agent: str = "") -> Reply:
    """Return words for the person, shown as they are, and words for the agent."""
    reply: dict[str, object] = {}
    if person:
        reply["systemMessage"] = person
    if agent:
        reply["hookSpecificOutput"] = {"hookEventName": event, "additionalContext": agent}
    return reply or None
