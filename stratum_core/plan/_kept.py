"""Results by the identity of what they were made of: a walk over many items asks for the same ones with each of them.

What the rest of a run decides has the same bounds for every item, so it is the same object, and so is what was made of
it. An entry keeps its parts alive; therefore none of their ids can mean something else while it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")

_MOST = 1_024
_place_of = object.__hash__
"""Tells objects apart like `id`, which the audit hook of a lock library makes eight times dearer."""


class Kept(Generic[T]):
    """Results of one pure function of objects that never change."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        """Begin with none."""
        self._entries: dict[tuple[int, ...], tuple[T, tuple[object, ...]]] = {}

    def of(self, make: Callable[[], T], *parts: object) -> T:
        """Return what was made of these very objects before, else make it; what it raises is not kept."""
        key = tuple(map(_place_of, parts))
        found = self._entries.get(key)
        if found is not None and found[1] == parts:
            return found[0]
        made = make()
        if len(self._entries) >= _MOST:
            self._entries.clear()
        self._entries[key] = made, parts
        return made
