"""Types as documents write them: `optional<list<Review>>`, `int[1..5]`, `"a" | "b"`, or the long form.

`list<T>` and `list[T]` are the same, `T?` is `optional<T>`. Names of other languages (`str`, `Optional[T]`, `T[]`) are
findings with the spelling that is meant, and the rest of the document goes on with that type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stratum_core.contracts import (
    AnyType,
    EnumType,
    JsonScalar,
    ListType,
    NullType,
    StringType,
    Type,
    describe,
)
from stratum_core.ir._document import Invalid, LongType, TypeForm
from stratum_core.ir._type_bounds import BoundFault, constrain
from stratum_core.ir._type_names import OTHER_NAMES, OTHER_WRAPPERS, PLAIN, WRAP, with_null
from stratum_core.ir._words import did_you_mean, listed, nearest

__all__ = ["ParsedType", "TypeFinding", "parse_type"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<text>"(?:[^"\\]|\\.)*"|'[^']*')"""
    r"""|(?P<number>[-+]?[0-9]+(?:\.[0-9]+)?)|(?P<mark>\.\.|[<>\[\]|?,()]))""",
)
_MAX_LENGTH = 1_000
_MAX_DEPTH = 16
_SHOWN = 60
_OPENERS = {"<": ">", "[": "]", "(": ")"}
_TYPES_HINT = (
    "types: string int float bool null date datetime bytes json, list<T> optional<T> opaque<T> map<T>, "
    '"a" | "b", int[1..5], a contract'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFinding:
    """What is wrong with a type."""

    code: str
    message: str
    suggestion: str = ""
    path: tuple[str | int, ...] = ()
    """Where below the type: empty for a text, `("min",)` in a long form."""
    start: int | None = None
    """Offsets into the text at `path`; None for the whole value."""
    end: int | None = None
    replacement: str | None = None
    """The text that replaces `[start:end]`, when it is certain."""


@dataclass(frozen=True, slots=True)
class ParsedType:
    """A type, and what is wrong with its notation; a part that has no meaning is `any`."""

    type: Type
    findings: tuple[TypeFinding, ...] = ()


def parse_type(form: TypeForm, contracts: Mapping[str, Type]) -> ParsedType:
    """Return the type a document writes.

    Args:
        form: A text, a long form, or INVALID (which gives `any` without a finding).
        contracts: What contract names stand for; looked up only for names that are used.
    """
    if isinstance(form, Invalid):
        return ParsedType(AnyType())
    if isinstance(form, str):
        plain = PLAIN.get(form)
        if plain is not None:
            return ParsedType(plain)
        if form in contracts:
            return ParsedType(contracts[form])
        return _Parser(form, contracts).parse()
    return _parse_long(form, contracts)


def _parse_long(form: LongType, contracts: Mapping[str, Type]) -> ParsedType:
    """Return the type of a long form."""
    findings: list[TypeFinding] = []
    base: Type | None = None
    if form.type is not None:
        parsed = parse_type(form.type, contracts)
        base = parsed.type
        findings.extend(
            TypeFinding(
                code=found.code,
                message=found.message,
                suggestion=found.suggestion,
                path=("type", *found.path),
                start=found.start,
                end=found.end,
                replacement=found.replacement,
            )
            for found in parsed.findings
        )
    kind, faults = constrain(base, form)
    findings.extend(_finding(fault) for fault in faults)
    return ParsedType(kind, tuple(findings))


def _finding(fault: BoundFault) -> TypeFinding:
    return TypeFinding(code=fault.code, message=fault.message, suggestion=fault.suggestion, path=fault.path)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or mark of a type text."""

    kind: str
    text: str
    start: int
    end: int


class _NotATypeError(Exception):
    """The text cannot be read on."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


_Number: TypeAlias = int | float


class _Parser:
    """Recursive descent over one text of at most `_MAX_LENGTH` characters and `_MAX_DEPTH` levels."""

    def __init__(self, text: str, contracts: Mapping[str, Type]) -> None:
        self.text = text
        self.contracts = contracts
        self.findings: list[TypeFinding] = []
        self.tokens: list[_Token] = []
        self.at = 0
        self.depth = 0
        self.is_foreign = False

    def parse(self) -> ParsedType:
        """Return the type of the whole text."""
        try:
            self._scan()
            kind = self._union()
            self._expect_end()
        except _NotATypeError as error:
            found = TypeFinding(
                code="E301", message=error.message, suggestion=error.suggestion or _TYPES_HINT
            )
            return ParsedType(AnyType(), (found,))
        if self.is_foreign and not self.findings:
            self.findings.append(self._spelled(kind))
        return ParsedType(kind, tuple(self.findings))

    def _spelled(self, kind: Type) -> TypeFinding:
        """Return the finding about a type that is spelled as in another language."""
        text = describe(kind)
        return TypeFinding(
            code="E300",
            message=f"`{self._shown()}` is spelled as in another language",
            suggestion=f"write `{text}`",
            start=0,
            end=len(self.text),
            replacement=text,
        )

    def _expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise self._unexpected(self.tokens[self.at])

    def _unexpected(self, token: _Token) -> _NotATypeError:
        return _NotATypeError(f"unexpected `{token.text}` in the type `{self._shown()}`")

    def _shown(self) -> str:
        return self.text if len(self.text) <= _SHOWN else self.text[:_SHOWN] + "..."

    def _scan(self) -> None:
        if len(self.text) > _MAX_LENGTH:
            raise _NotATypeError(
                f"the type is {len(self.text)} characters long; at most {_MAX_LENGTH} are read"
            )
        at = 0
        end = len(self.text.rstrip())
        while at < end:
            found = _TOKEN.match(self.text, at)
            if found is None:
                raise _NotATypeError(f"`{self._shown()}` is not a type")
            kind = found.lastgroup or "mark"
            self.tokens.append(_Token(kind, found.group(kind), found.start(kind), found.end(kind)))
            at = found.end()

    def _peek(self, *texts: str) -> bool:
        """Return whether the next mark is one of `texts`."""
        return (
            self.at < len(self.tokens)
            and self.tokens[self.at].kind == "mark"
            and self.tokens[self.at].text in texts
        )

    def _next(self) -> _Token:
        if self.at >= len(self.tokens):
            raise _NotATypeError(f"the type `{self._shown()}` breaks off")
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _union(self) -> Type:
        """Read alternatives: literals make an enum."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _NotATypeError(f"the type is nested over {_MAX_DEPTH} levels deep")
        parts = [self._part()]
        while self._peek("|"):
            self.at += 1
            parts.append(self._part())
        self.depth -= 1
        if len(parts) == 1:
            return parts[0]
        values: list[JsonScalar] = []
        others: list[Type] = []
        for part in parts:
            if isinstance(part, EnumType):
                values.extend(part.values)
            elif not isinstance(part, NullType):
                others.append(part)
        if len(values) == len(parts):
            return self._enum(values)
        if len(others) > 1 or (others and values):
            raise _NotATypeError(
                f"a type cannot be one of several types: `{self._shown()}`",
                "use json, or a contract with optional fields; only text literals and null may be alternatives",
            )
        self.is_foreign = True
        return with_null(others[0] if others else self._enum(values)) if others or values else NullType()

    def _enum(self, values: list[JsonScalar]) -> EnumType:
        if len(set(values)) < len(values):
            self.findings.append(
                TypeFinding(
                    code="E309",
                    message=f"a value is listed twice in `{self._shown()}`",
                    suggestion="remove one",
                )
            )
        return EnumType(tuple(dict.fromkeys(values)))

    def _part(self) -> Type:
        """Read one type with its suffixes."""
        kind = self._primary()
        while True:
            if self._peek("?"):
                self.at += 1
                kind = with_null(kind)
            elif self._at_empty_brackets():
                self.at += 2
                kind = ListType(item=kind)
                self.is_foreign = True
            else:
                return kind

    def _at_empty_brackets(self) -> bool:
        return [token.text for token in self.tokens[self.at : self.at + 2]] == ["[", "]"]

    def _primary(self) -> Type:
        token = self._next()
        if token.kind == "text":
            return EnumType((_unquoted(token.text),))
        if token.kind == "number":
            raise _NotATypeError(
                f"`{self._shown()}` is not a type",
                "write numbers in long form: {enum: [1, 2, 3]}",
            )
        if token.kind != "name":
            raise self._unexpected(token)
        empty_list = (
            self._peek("[") and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].text == "]"
        )
        if self._peek("<", "[", "(") and not empty_list:
            return self._wrapped(token)
        return self._named(token)

    def _named(self, token: _Token) -> Type:
        """Return what a bare name stands for."""
        name = token.text
        if name in PLAIN:
            return PLAIN[name]
        if name in self.contracts:
            return self.contracts[name]
        if name in OTHER_NAMES:
            self.is_foreign = True
            return PLAIN[OTHER_NAMES[name]]
        if name in WRAP or name in OTHER_WRAPPERS:
            word = name if name in WRAP else OTHER_WRAPPERS[name]
            raise _NotATypeError(
                f"`{name}` needs the type it holds", f"write {word}<T>, such as {word}<string>"
            )
        near = nearest(name, [*self.contracts, *PLAIN])
        self.findings.append(
            TypeFinding(
                code="E300",
                message=f"unknown type `{name}`",
                suggestion=f"{did_you_mean(near)}contracts: {listed(self.contracts)}; {_TYPES_HINT}",
                start=token.start,
                end=token.end,
                replacement=near,
            )
        )
        return AnyType()

    def _wrapped(self, token: _Token) -> Type:
        """Read what follows a name in brackets: the inner type, a range or enum values."""
        opener = self._next().text
        if opener == "[" and self._is_range():
            return self._range(token)
        if token.text in ("enum", "Literal", "Enum"):
            raise _NotATypeError(
                f"`{self._shown()}` is not a type",
                'write "a" | "b" in quotes, or {enum: [a, b]}',
            )
        word = token.text if token.text in WRAP else OTHER_WRAPPERS.get(token.text)
        if word is None:
            near = nearest(token.text, WRAP)
            raise _NotATypeError(
                f"`{token.text}` holds no other type",
                f"{did_you_mean(near)}these do: {listed(WRAP)}",
            )
        inner = self._inner(word)
        close = self._next()
        if close.text != _OPENERS[opener]:
            raise _NotATypeError(
                f"`{opener}` is closed by `{close.text}` in the type `{self._shown()}`",
                f"close it with `{_OPENERS[opener]}`",
            )
        self.is_foreign = self.is_foreign or word != token.text or opener == "("
        return WRAP[word](inner)

    def _inner(self, word: str) -> Type:
        """Read the type inside brackets; a map's key type is text and not written."""
        inner = self._union()
        if word == "map" and self._peek(","):
            self.at += 1
            value = self._union()
            if not isinstance(inner, StringType):
                raise _NotATypeError(
                    "the keys of a map are always text", "write map<T> with the type of the values"
                )
            self.is_foreign = True
            return value
        return inner

    def _is_range(self) -> bool:
        """Return whether a range such as `1..5` comes next."""
        return any(token.text == ".." for token in self.tokens[self.at : self.at + 2])

    def _range(self, name: _Token) -> Type:
        """Read a range, bounds included; either may be left out."""
        low = self._bound()
        self.at += 1
        high = self._bound()
        if self._next().text != "]":
            raise _NotATypeError(f"a range is written int[1..5], not `{self._shown()}`")
        word = OTHER_NAMES.get(name.text, name.text)
        if word not in ("int", "float"):
            hint = "write {type: string, min_length: 1, max_length: 20}" if word == "string" else ""
            raise _NotATypeError(f"`{name.text}` takes no range", hint or "only int and float do")
        self.is_foreign = self.is_foreign or word != name.text
        kind, faults = constrain(PLAIN[word], LongType(type=word, min=low, max=high))
        self.findings.extend(
            TypeFinding(code=fault.code, message=fault.message, suggestion=fault.suggestion)
            for fault in faults
        )
        return kind

    def _bound(self) -> _Number | None:
        """Read a number if one comes next."""
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "number":
            text = self._next().text
            return float(text) if "." in text else int(text)
        return None


def _unquoted(text: str) -> str:
    """Return the value of a text literal."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text[1:-1]
    return value if isinstance(value, str) else text[1:-1]
