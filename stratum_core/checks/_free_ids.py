"""Ids for steps whose own is taken, and whether such a step may have one without changing what anything reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import cast

from stratum_core.ir import Flow, Step

__all__ = ["FreeIds"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_EXPRESSIONS = frozenset({"id", "description", "verb", "function", "flow", "agents", "synthesize"})
"""Parts of a step that read no step's value."""
_MOST_CHARACTERS = 64
"""Of an id."""


class FreeIds:
    """The ids of one flow; what its expressions mention is looked at only when an id is asked for."""

    __slots__ = ("_flow", "_last", "_next", "_taken")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._taken = {step.id for step in flow.steps if isinstance(step, Step)}
        self._next: dict[str, int] = {}
        self._last: Mapping[str, int] | None = None

    def instead_of(self, taken: str) -> str:
        """Return an id nobody has, made from one that is taken; another one each time."""
        number = self._next.get(taken, 1)
        found = taken
        while found in self._taken:
            number += 1
            end = f"_{number}"
            found = taken[: _MOST_CHARACTERS - len(end)] + end
        self._next[taken] = number
        self._taken.add(found)
        return found

    def is_read_after(self, name: str, index: int) -> bool:
        """Return whether anything below a step mentions a name, so that it may mean that step."""
        if self._last is None:
            self._last = _last_mentions(self._flow)
        return self._last.get(name, -1) > index


def _last_mentions(flow: Flow) -> dict[str, int]:
    """Return for each word in the expressions of a flow the last step that has it; the result is one more step."""
    parts = [*flow.steps, flow.return_]
    return {word: index for index, part in enumerate(parts) for word in _words(part)}


def _words(part: object) -> Iterator[str]:
    """Yield the words of everything in a part of a step that may be an expression."""
    if isinstance(part, str):
        yield from _WORD.findall(part)
    elif isinstance(part, Mapping):
        for value in cast("Mapping[str, object]", part).values():
            yield from _words(value)
    elif isinstance(part, Sequence):
        for value in cast("Sequence[object]", part):
            yield from _words(value)
    elif is_dataclass(part):
        for field in fields(part):
            if field.name not in _NO_EXPRESSIONS:
                yield from _words(getattr(part, field.name))
