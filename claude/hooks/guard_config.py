"""ConfigChange: settings that changed while a session runs do not take effect when they plant an answering hook.

This catches what the guards before it cannot see, such as a program that writes the file. The client keeps the old
settings for the session; the file stays as it is, and the next session reads it: its start warns about it.
"""

from __future__ import annotations

from _hook import Payload, Reply, block, main, text_of
from _protected import answering_hooks, read_text, unguarding


def handle(payload: Payload) -> Reply:
    """Judge settings that were just written."""
    path = text_of(payload, "file_path")
    if not path.endswith(".json"):
        return None
    text = read_text(path)
    if answering_hooks(text):
        return block(
            f"Stratum: {path} now holds an Elicitation hook that could answer its questions in your place, so the "
            "change was not taken over. Remove the hook, or give it a matcher that names another server."
        )
    lost = unguarding(text)
    return (
        block(f"Stratum: {path} was changed so that {lost[0]}; in this session the guards stay.")
        if lost
        else None
    )


if __name__ == "__main__":
    main(handle)
