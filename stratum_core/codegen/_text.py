"""Text of a document inside Python: literals, comments and docstrings that it cannot leave.

Everything a document's author wrote passes through one of these functions before it stands in a generated module. A
literal evaluates to exactly the text; a comment or docstring shows it, on safe lines, and is never read back.
"""

from __future__ import annotations

import re
import textwrap

__all__ = ["WIDTH", "comment", "docstring", "literal", "literal_parts"]

WIDTH = 88
"""Columns of a generated line."""

_DIRECTIVE = re.compile(
    r"\b(after\s*:|noqa|nosec|pragma|type\s*:|pyright\s*:|mypy\s*:|fmt\s*:|ruff\s*:|isort\s*:|yapf\s*:|pylint\s*:|pyre|coding\s*[:=])",
    re.IGNORECASE,
)
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MIN_PART = 20


def literal(text: str) -> str:
    """Return a Python string literal that evaluates to a text: one line, nothing invisible in it.

    Double quotes unless single ones save escapes, as formatters have it.
    """
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escaped(character, mark) for character in text) + mark


def literal_parts(text: str, width: int) -> list[str]:
    """Return literals that stand for a text when they follow one another, each at most `width` columns if it can be.

    Breaks come after a line break of the text or after a space; a word is cut only where it alone is too long.
    """
    parts: list[str] = []
    part = ""
    for word in re.findall(r"\n|[^\s\n]*[^\S\n]*(?:\n|)", text):
        for piece in _pieces(word, width):
            if part and (len(literal(part + piece)) > width or part.endswith("\n")):
                parts.append(part)
                part = ""
            part += piece
    if part or not parts:
        parts.append(part)
    return [literal(found) for found in parts]


def comment(text: str, indent: str) -> list[str]:
    """Return comment lines that show a text; no tool takes them for a directive of its own."""
    plain = _DIRECTIVE.sub(lambda found: f"'{found.group(0)}'", _shown(text).replace("#", "'"))
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
    )


def docstring(text: str, indent: str) -> list[str]:
    """Return the lines of a docstring that shows a text as one paragraph; it holds no doctest."""
    plain = _shown(text).replace("\\", "\\\\").replace('"', "'").replace(">>>", "> > >").strip()
    if plain and plain[-1] not in ".!?:":
        plain += "."
    lines = textwrap.wrap(plain, WIDTH - len(indent) - 6, break_on_hyphens=False)
    if len(lines) <= 1:
        return [f'{indent}"""{plain}"""']
    return [f'{indent}"""{lines[0]}', *(indent + line for line in lines[1:]), f'{indent}"""']


def _escaped(character: str, mark: str) -> str:
    """Return a character as it stands in a literal."""
    if character in (mark, "\\"):
        return "\\" + character
    short = _SHORT_ESCAPES.get(character)
    if short is not None:
        return short
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _shown(text: str) -> str:
    """Return a text as one line of printable characters."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())


def _pieces(word: str, width: int) -> list[str]:
    """Return a word, cut where its literal would be wider than a line."""
    if len(literal(word)) <= width:
        return [word]
    size = max(_MIN_PART, width // 6)
    return [word[start : start + size] for start in range(0, len(word), size)]
