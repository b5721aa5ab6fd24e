"""PostToolUse on `plan`: shows the server's own words to the person; the client folds them, an agent may reword."""

from __future__ import annotations

import json
import re

from _hook import Payload, Reply, as_list, as_object, inform, main, text_of

_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control and direction characters, but the line break."""
_MAX_LINES = 40
_MAX_CHARACTERS = 4000


def handle(payload: Payload) -> Reply:
    """Return the plan in plain words, with what stands against it."""
    plan = _record(payload.get("tool_response"))
    summary = plan.get("summary")
    if not isinstance(summary, str) or not summary:
        return None
    lines = [f"Stratum's plan ({plan.get('plan_id')}):", *summary.splitlines()]
    lines += [f"Note: {warning}" for warning in as_list(plan.get("warnings"))]
    text = "\n".join(lines[:_MAX_LINES])
    return inform("PostToolUse", person=_UNSAFE.sub(" ", text)[:_MAX_CHARACTERS])


def _record(response: object) -> Payload:
    """Return the tool's structured content: the client gives it as text, or within the whole reply."""
    whole = as_object(response)
    if whole:
        return as_object(whole.get("structuredContent")) or whole
    parts = as_list(response)
    text = text_of(parts[0], "text") if parts else response
    try:
        return as_object(json.loads(text)) if isinstance(text, str) else {}
    except ValueError:
        return {}


if __name__ == "__main__":
    main(handle)
