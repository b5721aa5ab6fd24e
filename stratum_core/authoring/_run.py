"""`run`: from a script or a thread into a flow and back."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Coroutine
from typing import Any, TypeVar

from stratum_core.errors import RunError

__all__ = ["run"]

T = TypeVar("T")


def run(call: Coroutine[Any, Any, T]) -> T:
    """Run a call to its end in an event loop of its own, and return what it gives.

    For scripts, and for threads beside a loop that runs already. It is a run of its own, whatever flow the thread was
    started from: it does not draw on that flow's budget.

    Raises:
        RunError: This thread runs an event loop already; write `await` there, as in notebooks and web handlers.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        call.close()
        raise RunError(
            "run(...) was called where an event loop runs already (a notebook, a web handler, an async function)",
            remedy="write `await` in place of `run`: `value = await my_flow(...)`",
        )
    if not inspect.iscoroutine(call):
        raise TypeError(f"run() takes the call itself, e.g. run(my_flow(1)), not {call!r}")
    # Imported at the first call: see docs/decisions/0034-the-library-runs-late.md.
    from stratum_core.authoring._session import outside  # noqa: PLC0415

    context = contextvars.copy_context()
    context.run(outside)
    return context.run(asyncio.run, call)
