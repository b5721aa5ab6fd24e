"""What following a part of a program gave, and the counts taken on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stratum_core.plan._cost import FREE, Cost
from stratum_core.plan._sizes import Shape

__all__ = ["Env", "LoopCount", "Place", "Walked"]

Env: TypeAlias = Mapping[str, Shape]
"""The shapes an expression sees, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What following a part of the program gave."""

    shape: Shape
    cost: Cost = FREE
    may_fail: bool = False
    """Whether a model call, a person or other code makes it fail sometimes."""
    failure: str = ""
    """Why it fails for certain; then `shape` means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCount:
    """How many items a `for_each` goes over."""

    runs: int
    """How often the loop is come to, as far as it was followed."""
    items: int
    """All runs together; an upper bound when not exact."""
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A step of a flow, as rows and messages name it."""

    flow: str
    step: str
    path: str
