"""Stop: an agent that ends its turn with an approved plan that never ran is reminded, once for each plan."""

from __future__ import annotations

import os
from pathlib import Path

from _hook import Payload, Reply, block, main, text_of
from _state import state_dir, unused_approvals


def handle(payload: Payload) -> Reply:
    """Look for a yes that was given and not used."""
    if payload.get("stop_hook_active") is True:
        return None
    for plan_id in unused_approvals(state_dir(), text_of(payload, "cwd")):
        if _first_time(plan_id):
            return block(
                f"The person approved {plan_id}, and it has not run. Call execute with this plan_id, unless they asked "
                "you to wait or changed their mind; then say so in one sentence and stop."
            )
    return None


def _first_time(plan_id: str) -> bool:
    """Note that a plan was spoken of; without a folder to note it in, the client's own flag ends the reminding."""
    folder = os.environ.get("CLAUDE_PLUGIN_DATA")
    if not folder:
        return True
    noted = Path(folder) / "reminded" / plan_id
    try:
        noted.parent.mkdir(parents=True, exist_ok=True)
        noted.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        return True
    return True


if __name__ == "__main__":
    main(handle)
