"""PreToolUse on Write and Edit: a file that decides who is asked is changed by the person, not by the agent.

Refused: a settings file in which more hooks could answer Stratum's questions than before, or in which the guards are
turned off; the operator's policy; the file in which answers are kept. What the file would hold afterwards is looked at,
so an edit in pieces does not get past.
"""

from __future__ import annotations

import os

from _hook import Payload, Reply, as_list, as_object, decide, main, text_of
from _protected import answering_hooks, is_policy, is_settings, read_text, unguarding

_ANSWERS = (
    "this setting adds a hook that could answer Stratum's question in the person's place. Only the person sets that "
    "up; a hook for another server names it in its matcher"
)


def handle(payload: Payload) -> Reply:
    """Judge the file an agent is about to write."""
    path = text_of(payload, "tool_input", "file_path")
    full = os.path.realpath(os.path.join(text_of(payload, "cwd"), os.path.expanduser(path)))
    if is_policy(path) or is_policy(full):
        return decide(
            "deny",
            "Stratum: the policy and the record of answers are the operator's; tell the person what to change.",
        )
    if not (is_settings(path) or is_settings(full)):
        return None
    before = read_text(full)
    after = _after(before, as_object(payload.get("tool_input")))
    if answering_hooks(after) > answering_hooks(before):
        return decide("deny", f"Stratum: {_ANSWERS}.")
    lost = [why for why in unguarding(after) if why not in unguarding(before)]
    return (
        decide("deny", f"Stratum: {lost[0]}, with the guards of Stratum; the person does that.")
        if lost
        else None
    )


def _after(before: str, change: Payload) -> str:
    """Return what the file would hold."""
    if "content" in change:
        return text_of(change, "content")
    after = before
    for edit in as_list(change.get("edits")) or [change]:
        old, new = text_of(edit, "old_string"), text_of(edit, "new_string")
        count = -1 if as_object(edit).get("replace_all") is True else 1
        after = after.replace(old, new, count) if old else new + after
    return after


if __name__ == "__main__":
    main(handle)
