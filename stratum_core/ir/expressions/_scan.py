r"""Scanner: the text of an expression as tokens, before any parser sees it.

Foreign spellings are recognised on these tokens, so that a text literal is never touched. Text literals are decoded
here, because unknown escapes stay as written (a pattern may say `"\\d+"`) and control escapes are refused (`"\b"` is a
word boundary to its author and a backspace to Python).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._limits import MAX_DEPTH

__all__ = ["Scan", "Token", "bracket_pairs", "flatten_text", "quote", "scan"]

_SPELLING = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:_[0-9]+)*)?\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+(?:_[0-9]+)*(?:[eE][+-]?[0-9]+|\.(?![.\w]))?)
    | (?P<text>[A-Za-z]{0,2}(?:"(?:[^"\\\n\r]|\\[^\n\r])*"|'(?:[^'\\\n\r]|\\[^\n\r])*'))
    | (?P<curly>\u201c[^\u201c\u201d"]*\u201d|\u2018[^\u2018\u2019']*\u2019)
    | (?P<name>[^\W\d]\w*)
    | (?P<op>===|!==|\?\?|\?\.(?!\d)|=>|==|!=|<=|>=|<>|&&|\|\||\*\*|//|<<|>>|:=|->|[-+*/%<>=!?:.,()\[\]{}|&^~@$])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_REFUSED_ESCAPES = frozenset("abfvxuUN01234567")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_CHARACTER_HINTS = {
    "#": "comments are not part of the language",
    ";": "an expression is one value; remove it",
    "`": 'template strings are not part of the language; join text with +: "a " + input.name',
    "\\": "write the expression on one line, or use a YAML block scalar",
}
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `start` and `end` are character offsets, `end` excluded."""

    kind: Literal["number", "text", "name", "op"]
    text: str
    start: int
    end: int
    value: str = ""
    """A text literal's value after its escapes."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The tokens of an expression and what is wrong with its characters."""

    tokens: tuple[Token, ...]
    findings: tuple[Finding, ...]
    edits: tuple[Finding, ...] = ()
    """Findings whose replacement makes the text readable: typographic quotes."""


def scan(text: str) -> Scan:
    """Return the tokens of `text`; with findings, the tokens up to the first fault."""
    tokens: list[Token] = []
    findings: list[Finding] = []
    edits: list[Finding] = []
    position = 0
    while position < len(text):
        match = _SPELLING.match(text, position)
        if match is None:
            findings.append(_bad_character(text, position))
            break
        kind, spelled = match.lastgroup, match.group()
        start, position = position, match.end()
        if kind == "space":
            continue
        if kind == "curly":
            edits.append(_curly_quotes(spelled, start))
            token, fault = Token("text", spelled, start, position, spelled[1:-1]), None
        elif kind == "text":
            token, fault = _text_token(spelled, start)
        else:
            token, fault = _plain_token(kind, spelled, start, tokens)
        findings.extend(fault or ())
        tokens.append(token)
    return Scan(tuple(tokens), tuple(findings), tuple(edits))


def _error(
    message: str, start: int, end: int, suggestion: str = "", replacement: str | None = None
) -> Finding:
    return Finding(
        code="E201",
        severity="error",
        message=message,
        start=start,
        end=end,
        suggestion=suggestion,
        replacement=replacement,
    )


def _bad_character(text: str, position: int) -> Finding:
    """Explain a character that starts no token."""
    character = text[position]
    if character in "\"'":
        return _error("this text literal has no closing quote", position, len(text), f"add {character}")
    shown = repr(character)[1:-1] if not character.isprintable() else character
    return _error(
        f"the character `{shown}` is not part of the language",
        position,
        position + 1,
        _CHARACTER_HINTS.get(character, ""),
    )


def _curly_quotes(spelled: str, start: int) -> Finding:
    """Explain typographic quotes."""
    return _error(
        "typographic quotes do not delimit text",
        start,
        start + len(spelled),
        "use straight quotes",
        quote(spelled[1:-1]),
    )


def _plain_token(
    kind: str | None, spelled: str, start: int, before: list[Token]
) -> tuple[Token, tuple[Finding, ...] | None]:
    """Make a number, name or operator token."""
    end = start + len(spelled)
    touching = bool(before) and before[-1].kind == "number" and before[-1].end == start
    if kind == "number":
        fault = _number_fault(spelled, start) or (_stuck(before[-1], end) if touching else None)
        return Token("number", spelled, start, end), (fault,) if fault else None
    if kind == "name":
        if touching:
            return Token("name", spelled, start, end), (_stuck(before[-1], end),)
        if unicodedata.normalize("NFKC", spelled) != spelled:
            plain = unicodedata.normalize("NFKC", spelled)
            fault = _error(
                f"the name `{spelled}` uses look-alike characters", start, end, f"write `{plain}`", plain
            )
            return Token("name", spelled, start, end), (fault,)
        return Token("name", spelled, start, end), None
    return Token("op", spelled, start, end), None


def _stuck(number: Token, end: int) -> Finding:
    return _error("a number must be followed by a space or an operator", number.start, end)


def _number_fault(spelled: str, start: int) -> Finding | None:
    """Refuse numbers that do not fit: 64-bit integers and finite floats."""
    end = start + len(spelled)
    plain = spelled.replace("_", "")
    if plain.isdigit():
        if len(plain) > 1 and plain[0] == "0" and plain.strip("0"):
            return _error(f"`{spelled}` starts with 0", start, end, "remove the zero", plain.lstrip("0"))
        if len(plain.lstrip("0")) > 19 or int(plain) >= 2**63:  # noqa: PLR2004 - digits of 2**63
            return _error("the integer does not fit 64 bits", start, end)
    elif float(plain) == float("inf"):
        return _error("the number is not finite", start, end)
    return None


def _text_token(spelled: str, start: int) -> tuple[Token, tuple[Finding, ...] | None]:
    """Decode a text literal."""
    end = start + len(spelled)
    prefix = spelled[: min(spelled.find(mark) for mark in "\"'" if mark in spelled)]
    body = spelled[len(prefix) + 1 : -1]
    if prefix.lower() not in {"", "r"}:
        hint = {"f": 'join text with +: "a " + input.name', "b": "bytes are base64 text"}
        kind = {"f": "f-strings", "b": "bytes literals"}.get(
            prefix.lower().replace("r", ""), f"`{prefix}` literals"
        )
        fault = Finding(
            code="E205",
            severity="error",
            message=f"{kind} are not part of the language",
            start=start,
            end=end,
            suggestion=hint.get(prefix.lower().replace("r", ""), "remove the prefix"),
            replacement=spelled[len(prefix) :] if prefix.lower() == "u" else None,
        )
        return Token("text", spelled, start, end, body), (fault,)
    value, faults = (body, []) if prefix else _unescape(body, start + len(prefix) + 1)
    if any(_FIRST_SURROGATE <= ord(character) <= _LAST_SURROGATE for character in value) and not faults:
        faults = [_error("a text literal holds half of a surrogate pair", start, end)]
    return Token("text", spelled, start, end, value), tuple(faults) or None


def _unescape(body: str, offset: int) -> tuple[str, list[Finding]]:
    """Replace the escapes of a text literal; unknown ones stay as written."""
    faults: list[Finding] = []

    def value(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape in _ESCAPED:
            return _ESCAPED[escape]
        if len(escape) > 1:
            point = int(escape[1:], 16)
            if point <= 0x10FFFF:  # noqa: PLR2004 - the last code point
                return chr(point)
        if escape[0] in _REFUSED_ESCAPES:
            faults.append(
                _error(
                    f"the escape `\\{escape[0]}` is not part of the language",
                    offset + match.start(),
                    offset + match.end(),
                    "write the backslash twice to keep it (patterns), or the character itself",
                    "\\\\" + escape,
                )
            )
        return "\\" + escape

    return _ESCAPE.sub(value, body), faults


def quote(value: str) -> str:
    """Return `value` as the canonical text literal: double quotes, the fewest escapes."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    parts: list[str] = []
    for character in value:
        if character in '"\\':
            parts.append("\\" + character)
        elif character in "\n\r\t":
            parts.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character])
        elif character.isprintable() or character == " ":
            parts.append(character)
        elif ord(character) <= 0xFFFF:  # noqa: PLR2004 - the basic plane
            parts.append(f"\\u{ord(character):04x}")
        else:
            parts.append(f"\\U{ord(character):08x}")
    return '"' + "".join(parts) + '"'


def flatten_text(length: int, tokens: tuple[Token, ...]) -> str:
    """Return the text on one line, same offsets, with the bodies of text literals blanked out.

    The parser then sees no line breaks, no escapes and no foreign letters but those of names.
    """
    pieces: list[str] = []
    position = 0
    for token in tokens:
        pieces.append(" " * (token.start - position))
        pieces.append('"' + "x" * (token.end - token.start - 2) + '"' if token.kind == "text" else token.text)
        position = token.end
    pieces.append(" " * (length - position))
    return "".join(pieces)


def bracket_pairs(tokens: tuple[Token, ...]) -> tuple[dict[int, int], Finding | None]:
    """Match brackets: token index to token index, both ways; the finding names the first that has no partner."""
    pairs: dict[int, int] = {}
    open_at: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind != "op":
            continue
        if token.text in _CLOSING:
            open_at.append(index)
            if len(open_at) > MAX_DEPTH:
                return pairs, _bracket_fault("E200", f"brackets are nested deeper than {MAX_DEPTH}", token)
        elif token.text in ")]}":
            if not open_at:
                return pairs, _bracket_fault("E202", f"`{token.text}` closes nothing", token)
            partner = open_at.pop()
            wanted = _CLOSING[tokens[partner].text]
            if wanted != token.text:
                fault = _bracket_fault(
                    "E202", f"`{tokens[partner].text}` is closed by `{token.text}`", token, wanted
                )
                return pairs, fault
            pairs[partner], pairs[index] = index, partner
    if open_at:
        token = tokens[open_at[-1]]
        return pairs, _bracket_fault("E202", f"`{token.text}` is never closed", token)
    return pairs, None


def _bracket_fault(code: str, message: str, token: Token, replacement: str | None = None) -> Finding:
    return Finding(
        code=code,
        severity="error",
        message=message,
        start=token.start,
        end=token.end,
        suggestion="move the logic to a compute function" if code == "E200" else "",
        replacement=replacement,
    )
