"""PreToolUse on Stratum's own tools: no permission dialog for them, because the plan's own dialog is the one question.

`codegen` is left to the client's permissions: it writes a file that no dialog of ours has shown. Where a hook of the
settings could answer in the person's place, the tools that ask are put to the client's own dialog first.
"""

from __future__ import annotations

from _hook import Payload, Reply, decide, main, text_of
from _protected import answering_hooks, read_text, settings_files

_FREE = frozenset({"validate", "plan", "estimate_cost", "approve", "execute", "resume", "cancel"})
_ASK = frozenset({"approve", "resume"})
_SERVERS = frozenset({"mcp__plugin_stratum_stratum", "mcp__stratum"})


def handle(payload: Payload) -> Reply:
    """Answer for a tool of ours; any other tool is none of our business."""
    server, _, tool = text_of(payload, "tool_name").rpartition("__")
    if server not in _SERVERS or tool not in _FREE:
        return None
    if tool in _ASK:
        planted = [
            path for path in settings_files(text_of(payload, "cwd")) if answering_hooks(read_text(path))
        ]
        if planted:
            return decide(
                "ask",
                f"A hook in {planted[0]} can answer Stratum's question in your place. Say no unless you set it up.",
            )
    return decide("allow", "Stratum asks you itself, once, before anything is spent.")


if __name__ == "__main__":
    main(handle)
