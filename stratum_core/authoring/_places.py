"""Where a definition stands, for messages, and the names that are in scope there.

A decorator runs in the user's own frame: the first frame outside this package says the file and the line, and holds
the local names that annotations of functions and classes inside a function may use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FrameType

__all__ = ["caller_line", "caller_names", "caller_place", "place_of"]

_PACKAGE = __name__.rpartition(".")[0]


def place_of(function: Callable[..., object]) -> str:
    """Return `file:line` of a function, or its module where it has no code of its own."""
    code = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", "unknown place"))
    return f"{code.co_filename}:{code.co_firstlineno}"


def caller_line() -> tuple[str, int]:
    """Return file and line of the code outside this package that is being run."""
    frame = _caller()
    return ("unknown place", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def caller_place() -> str:
    """Return `file:line` of the code outside this package that is being run."""
    file, line = caller_line()
    return f"{file}:{line}"


def caller_names() -> Mapping[str, object]:
    """Return the local names of the code outside this package that is being run, the outer functions' included.

    At module level these are the module's names.
    """
    frame = _caller()
    if frame is None:
        return {}
    module = frame.f_globals.get("__name__")
    names: dict[str, object] = {}
    while (
        frame is not None and frame.f_globals.get("__name__") == module and frame.f_code.co_name != "<module>"
    ):
        names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def _caller() -> FrameType | None:
    """Return the innermost frame outside this package."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(_PACKAGE):
        frame = frame.f_back
    return frame
