"""A function as it is to a program without a type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["untyped"]


def untyped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function itself, so that a test may call it wrongly."""
    return function
