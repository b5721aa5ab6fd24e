"""Text that is safe to show: no control characters, no direction marks, no escape sequences.

Documents, journals and provider messages hold strings nobody vetted. A terminal acts on some of them and a dialog
passes them on, so every string a surface did not write itself goes through here first.
"""

from __future__ import annotations

import json
import unicodedata

__all__ = ["plain", "plain_line"]

_KEPT = frozenset("\n\t")


def plain(text: str) -> str:
    r"""Return the text with every character that could steer a terminal written out, e.g. `\u001b` or `\u202e`.

    The escapes are those of JSON, so JSON text stays JSON text.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_safe(character) else _written_out(character) for character in text)


def plain_line(text: str, limit: int = 500) -> str:
    """Return the text on one line, safe to show and cut to a number of characters."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _is_safe(character: str) -> bool:
    """Return whether a terminal shows the character and does nothing else."""
    return character in _KEPT or character.isprintable() or unicodedata.category(character) == "Zs"


def _written_out(character: str) -> str:
    """Return the JSON escape that names a character."""
    return json.dumps(character)[1:-1]
