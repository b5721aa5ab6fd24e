"""The work of a plan as indented lines: equal ones told once, and what has no room counted.

A question to a person is never cut while another line could be: who says yes to a plan has to know that it will ask.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stratum_core.plan._tell import Told

__all__ = ["MAX_COLUMNS", "merged", "told_words", "work_lines", "wrapped"]

MAX_COLUMNS = 90


def merged(told: Sequence[Told]) -> list[Told]:
    """Put equal steps that follow each other on one line, with their number."""
    found: list[tuple[Told, int]] = []
    for part in told:
        if found and found[-1][0] == part and part.text and not part.opens:
            found[-1] = (part, found[-1][1] + 1)
        else:
            found.append((part, 1))
    return [
        part if times == 1 else replace(part, text=f"{part.text}, {times:,} times", steps=part.steps * times)
        for part, times in found
    ]


def work_lines(told: Sequence[Told], room: int) -> list[str]:
    """Return the steps as lines under one head: the loop itself when it is all there is, else a plain one.

    Args:
        told: What `merged` gives.
        room: The most lines.
    """
    if not told:
        return []
    first = told[0]
    if len(told) == 1:
        return wrapped(f"{_capital(first.lead)}, I'll {first.text}." if first.lead else f"I'll {first.text}.")
    if not first.text and all(part.depth > 0 for part in told[1:]):
        head = wrapped(f"{_capital(first.lead)}, I'll:")
        parts = [replace(part, depth=part.depth - 1) for part in told[1:]]
    else:
        head, parts = ["I'll:"], list(told)
    return [*head, *_listed(parts, room - len(head))]


def _listed(parts: Sequence[Told], room: int) -> list[str]:
    """Return the steps as items of a list, with one line for all that have no room."""
    shown = _first(parts, room, {})
    if len(shown) == len(parts):
        return [line for block in shown.values() for line in block]
    asking = _questions(parts, room - 1)
    shown = _first(parts, room - 1 - _count(asking), asking)
    left_out = [part for index, part in enumerate(parts) if index not in shown and index not in asking]
    gap = len(shown)
    before = [line for index in sorted(shown) for line in shown[index]]
    after = [line for index in sorted(asking) if index >= gap for line in asking[index]]
    return [*before, _more(left_out), *after]


def _first(parts: Sequence[Told], room: int, others: Mapping[int, Sequence[str]]) -> dict[int, Sequence[str]]:
    """Return the lines of the parts at the beginning that fit beside the others; no head without what is under it."""
    shown: dict[int, Sequence[str]] = {}
    for index, part in enumerate(parts):
        block = others.get(index) or _bullet(part)
        room -= 0 if index in others else len(block)
        if room < 0 or not told_words(part):
            break
        shown[index] = block
    last = len(shown) - 1
    while 0 <= last < len(parts) - 1 and last not in others and _is_head(parts[last]):
        shown.pop(last)
        last -= 1
    return shown


def _questions(parts: Sequence[Told], room: int) -> dict[int, Sequence[str]]:
    """Return the lines of what asks a person, each with the heads it stands under, as far as there is room."""
    found: dict[int, Sequence[str]] = {}
    for index, part in enumerate(parts):
        if not part.asks:
            continue
        new = {each: _bullet(parts[each]) for each in (*_heads(parts, index), index) if each not in found}
        room -= _count(new)
        if room < 0:
            break
        found.update(new)
    return found


def _heads(parts: Sequence[Told], index: int) -> list[int]:
    """Return the conditions and loops a part stands under, or the step it belongs to."""
    found: list[int] = []
    depth = parts[index].depth if parts[index].steps else parts[index].depth + 1
    for each in range(index - 1, -1, -1):
        if parts[each].depth < depth:
            depth = parts[each].depth
            found.append(each)
        if not depth:
            break
    return found


def _more(left_out: Sequence[Told]) -> str:
    """Say how many steps are not told, and how many of them ask a person."""
    steps = sum(part.steps for part in left_out)
    asked = sum(max(part.steps, 1) for part in left_out if part.asks)
    count = f"{steps:,} more {'step' if steps == 1 else 'steps'}" if steps else "more"
    return f"- and {count}{f'; {asked:,} of them ask you something' if asked else ''}"


def _count(blocks: Mapping[int, Sequence[str]]) -> int:
    return sum(map(len, blocks.values()))


def _is_head(part: Told) -> bool:
    return part.opens or not part.text


def told_words(part: Told) -> str:
    """Return one step on one line."""
    text = f"{part.lead}: {part.text}".rstrip(" ") if part.lead else part.text
    return f"{text}:" if part.opens else text


def _bullet(part: Told) -> list[str]:
    """Return one step as an item of a list."""
    return wrapped(told_words(part), indent="  " * part.depth, mark="- ")


def wrapped(sentence: str, *, indent: str = "", mark: str = "") -> list[str]:
    """Break a sentence into lines."""
    if not sentence:
        return []
    return textwrap.wrap(
        sentence,
        width=MAX_COLUMNS,
        initial_indent=indent + mark,
        subsequent_indent=indent + " " * len(mark),
        break_on_hyphens=False,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
