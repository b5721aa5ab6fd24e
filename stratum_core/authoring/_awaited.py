"""Methods that give something to await, though no `async def` makes them, told to whoever looks before calling.

Calling a function of the library checks its arguments at once and gives a coroutine. Web frameworks and test runners
ask before they call whether they have to await; what says no is run in a thread, and its coroutine is never awaited.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["awaited"]

M = TypeVar("M", bound=Callable[..., Coroutine[Any, Any, object]])


def awaited(method: M) -> M:
    """Mark a plain function that gives a coroutine, so that `iscoroutinefunction` says so, and give it back."""
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(method)
    else:  # the mark of `asyncio.iscoroutinefunction`, which has no public name there
        method.__dict__["_is_coroutine"] = asyncio.coroutines.__dict__["_is_coroutine"]
    return method
