"""The usual cause of a YAML syntax error, told from the line it was found on."""

from __future__ import annotations

import re

__all__ = ["cause_of"]

_BRACKET_IN_BRACES = re.compile(r"\{[^}\"']*?\b(\w+)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]")
_TYPE_INSIDE = re.compile(r"[A-Za-z_][\w<>\[\], ]*")
_QUESTION_IN_BRACES = re.compile(r"\{[^}\"']*\w\?")
_LIST_COMPREHENSION = re.compile(r":\s+[\[{].*\bfor\b.*\bin\b")
_EXPRESSION_IN_BRACES = re.compile(r"\{[^}\"']*(?:\band\b|\bor\b|\bnot\b|==|\(|<|>)")
_COLON_IN_VALUE = re.compile(r":\s+[^\"'#|>\[{\s].*:(?:\s|$)")
_TEMPLATE = re.compile(r"\{\{")
_TRAILING_QUOTE = re.compile(r":\s+(?:\"[^\"]*\"|'[^']*')\s*[^\s,#}\]]")
_OPEN_QUOTE = re.compile(r"quoted scalar|unexpected end of stream")


def cause_of(line: str, problem: str) -> str:
    """Return what to change on `line` so that `problem` goes away, in words."""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "indent with spaces, not tabs"
    if _TEMPLATE.search(line):
        return "there are no `{{ }}` templates; give the input by name, or quote the text"
    found = _BRACKET_IN_BRACES.search(line)
    if found:
        name, inner = found.groups()
        if _TYPE_INSIDE.fullmatch(inner):
            inner = inner.replace("[", "<").replace("]", ">")
            return f"inside {{ }} YAML ends a value at `[`; write {name}<{inner}>, or quote the value"
        return "inside { } YAML ends a value at `[`; quote the expression"
    if _QUESTION_IN_BRACES.search(line):
        return "inside { } write optional<T> instead of `T?`, or quote it"
    if _LIST_COMPREHENSION.search(line):
        return 'quote the expression: "[... for x in ...]"'
    if _EXPRESSION_IN_BRACES.search(line):
        return "quote the expression inside { }"
    if "mapping values are not allowed" in problem or _COLON_IN_VALUE.search(line):
        return "quote the whole value if it contains `: `; else check the indentation"
    if _TRAILING_QUOTE.search(line):
        return "a value that starts with a quote must end with it; put the whole value into the other kind of quotes"
    if "cannot start any token" in problem:
        return "quote the value: it starts with a character that YAML reserves"
    if _OPEN_QUOTE.search(problem):
        return "close the quote or bracket that was opened before this place"
    return "check the indentation, and that every bracket and quote is closed"
