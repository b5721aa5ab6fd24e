"""What a client is told once in a session without having asked: the runs of its project that were left undone.

Claude Code hears of them from the plugin's hook, and a person from `stratum runs`; any other client would not. The
words hold ids and states and nothing of any job's data.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stratum_core.engine import RunView

__all__ = ["MAX_NOTICE_CHARACTERS", "Sessions", "left_over_words"]

MAX_NOTICE_CHARACTERS = 200
_NAMED = 2
_MOST_SESSIONS = 10_000
_HOW = {
    "interrupted": "interrupted",
    "waiting": "waits for a person",
    "stopped_limit": "a provider's limit",
}


class Sessions:
    """The sessions of one server process that were told; of very many the oldest are forgotten."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def is_first(self, session: str) -> bool:
        """Return whether this is the first time a session is asked about, and remember it."""
        with self._lock:
            first = session not in self._told
            self._told[session] = None
            if len(self._told) > _MOST_SESSIONS:
                self._told.popitem(last=False)
        return first


def left_over_words(runs: Sequence[RunView], *, beside: str = "") -> str:
    """Return the runs left undone in one sentence of at most 200 characters; empty where there is none to tell of.

    Args:
        runs: What `engine.left_over.runs()` gives, newest first.
        beside: The run the answer is about, which it tells of itself.
    """
    told = [run for run in runs if run.run_id != beside]
    if not told:
        return ""
    named = [f"{run.run_id} ({_HOW[run.state]})" for run in told[:_NAMED]]
    if len(told) > _NAMED:
        named.append(f"{len(told) - _NAMED} more")
    return (
        f"Not over in this project: {', '.join(named)}. "
        "resume goes on and pays nothing twice; ask the person before you call it."
    )
