"""Putting a block between two marks into a text such as CLAUDE.md, and taking it out; all around it stays."""

from __future__ import annotations

from typing import Final

from stratum_core.errors import ConfigurationError

__all__ = ["BEGIN", "END", "get_block", "put_block", "take_block"]

BEGIN: Final = "<!-- stratum:begin (`stratum uninstall` takes this out) -->"
END: Final = "<!-- stratum:end -->"
_BEGINS: Final = "<!-- stratum:begin"


def get_block(text: str, where: str) -> str | None:
    """Return what stands between the marks, or None without marks.

    Raises:
        ConfigurationError: The marks are no pair.
    """
    place = _place(text, where)
    if place is None:
        return None
    lines = text.splitlines(keepends=True)
    return "".join(lines[place[0] + 1 : place[1]]).replace("\r\n", "\n").removesuffix("\n")


def put_block(text: str, block: str, where: str) -> str:
    """Return the text with the block between marks: where it stood before, else at the end, after an empty line.

    Raises:
        ConfigurationError: The marks are no pair.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    marked = f"{BEGIN}\n{block}\n{END}\n".replace("\n", newline)
    place = _place(text, where)
    if place is not None:
        if get_block(text, where) == block:
            return text
        lines = text.splitlines(keepends=True)
        tail = "".join(lines[place[1] + 1 :])
        ended = lines[place[1]].endswith("\n")
        return "".join(lines[: place[0]]) + (marked if ended else marked.removesuffix(newline)) + tail
    if not text or text.endswith(newline * 2):
        return text + marked
    return text + newline * (1 if text.endswith("\n") else 2) + marked


def take_block(text: str, where: str) -> str:
    """Return the text without the marks, what stands between them, and the empty line before them.

    Raises:
        ConfigurationError: The marks are no pair.
    """
    place = _place(text, where)
    if place is None:
        return text
    lines = text.splitlines(keepends=True)
    before, after = lines[: place[0]], lines[place[1] + 1 :]
    if before and not before[-1].strip() and (not after or not after[0].strip()):
        before.pop()
    return "".join([*before, *after])


def _place(text: str, where: str) -> tuple[int, int] | None:
    """Return the line numbers, from 0, of the two marks; None without any."""
    lines = [line.strip() for line in text.splitlines()]
    begins = [
        number for number, line in enumerate(lines) if line.startswith(_BEGINS) and line.endswith("-->")
    ]
    ends = [number for number, line in enumerate(lines) if line == END]
    if not begins and not ends:
        return None
    if len(begins) == len(ends) == 1 and begins[0] < ends[0]:
        return begins[0], ends[0]
    shown = ", ".join(str(number + 1) for number in sorted((*begins, *ends)))
    raise ConfigurationError(
        f"{where} was left as it is: the marks of Stratum's text in line {shown} are not one pair",
        remedy="delete the marks by hand with what stands between them, then run this again",
    )
