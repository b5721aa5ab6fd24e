"""PreToolUse on a shell: refuses what `_shell_rules` refuses, and says nothing to everything else."""

from __future__ import annotations

from _hook import Payload, Reply, decide, main, text_of
from _shell_rules import reason


def handle(payload: Payload) -> Reply:
    """Judge the command an agent is about to run."""
    why = reason(text_of(payload, "tool_input", "command"))
    return decide("deny", f"Stratum: {why}.") if why else None


if __name__ == "__main__":
    main(handle)
