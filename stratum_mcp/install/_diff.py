"""A change of a file as a diff a person can read, with what is not ours hidden.

Settings hold keys of other servers. Lines of JSON that are only shown as surroundings have their texts replaced, and of
very long lines only what differs is shown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from itertools import islice
from typing import Final

__all__ = ["shown_diff"]

_TEXT: Final = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
_LONG: Final = 200


def shown_diff(path: str, before: str | None, after: str | None, *, ours: Collection[str] | None) -> str:
    """Return the change of a file as a unified diff; empty when nothing changes.

    Args:
        path: How the file is named.
        before: What it held; None: there was none.
        after: What it holds then; None: it is removed.
        ours: Texts of JSON that are shown beside keys; None: the file is prose, and all of it is shown.
    """
    if before == after:
        return ""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    if len(old) == len(new) == 1 and max(len(old[0]), len(new[0])) > _LONG:
        old, new = _cut(old[0], new[0])
    elif ours is not None:
        old, new = ([_hidden(line, ours) for line in lines] for lines in (old, new))
    names = ("/dev/null" if before is None else path, "/dev/null" if after is None else path)
    lines = list(difflib.unified_diff(old, new, *names, n=2, lineterm=""))
    if not lines:
        lines = [f"--- {names[0]}", f"+++ {names[1]}", "(only ends of lines change)"]
    return "\n".join(islice(lines, 2_000))


def _hidden(line: str, ours: Collection[str]) -> str:
    """Return a line of JSON with the texts in it that are neither keys nor ours replaced."""

    def shown(found: re.Match[str]) -> str:
        return found[0] if found[2] or found[1] in ours else '"…"'

    return _TEXT.sub(shown, line)


def _cut(old: str, new: str) -> tuple[list[str], list[str]]:
    """Return two long lines without what they begin and end with together."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return (
        [f"… {old[head : len(old) - tail]} …"],
        [f"… {new[head : len(new) - tail]} …"],
    )


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with together."""
    differing = (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
