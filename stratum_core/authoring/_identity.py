"""What a call asks, as far as that can be known before it starts.

Calls that run together in tasks of their own get their paths from this: in which order tasks come by is a matter of
timing, what they ask is not. It says nothing about results and is only ever hashed.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Coroutine, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import cast

from pydantic import BaseModel

from stratum_core.contracts import JsonValue

__all__ = ["identity_of"]

_MOST_DEPTH = 16
"""Deeper, and in data that holds itself, only kinds of values are told apart."""


def identity_of(value: object, *, depth: int = 0) -> JsonValue:
    """Return what a call, or a value given to one, is: the same for the same question in every process.

    A coroutine that has not started is its function and its arguments. What has no value of its own, such as an open
    file, is only its kind.
    """
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (float, date, bytes)):
        return [type(value).__name__, repr(value)]
    parts = _parts(value) if depth < _MOST_DEPTH else None
    if isinstance(parts, Mapping):
        return {str(name): identity_of(part, depth=depth + 1) for name, part in parts.items()}
    if parts is not None:
        return [identity_of(part, depth=depth + 1) for part in parts]
    return [type(value).__name__, str(getattr(value, "__qualname__", ""))]


def _parts(value: object) -> Mapping[object, object] | Sequence[object] | None:
    """Return what a value consists of; None: nothing that could be told."""
    if inspect.iscoroutine(value):
        call = cast("Coroutine[object, object, object]", value)
        is_new = inspect.getcoroutinestate(call) == inspect.CORO_CREATED
        return [call.__qualname__, dict(inspect.getcoroutinelocals(call)) if is_new else None]
    if isinstance(value, BaseModel):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value)
    return cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else None
