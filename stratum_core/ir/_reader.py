"""Reads the parts of raw data into plain values and reports every part that has the wrong shape, once.

Each method takes the mapping it reads from, the path of that mapping and a key, and returns the value or a stand-in
(`INVALID`, or the default) after reporting. Paths are only joined when something is wrong.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias, TypeVar

from stratum_core.contracts import JsonValue
from stratum_core.ir._diagnostics import Diagnostic, Fix
from stratum_core.ir._document import INVALID, Expr, Invalid
from stratum_core.ir._positions import Path, Positions, format_path
from stratum_core.ir._words import did_you_mean, listed, meant_key, nearest
from stratum_core.ir._yaml import Raw

__all__ = ["Keys", "Reader", "literal", "shown"]

_Word = TypeVar("_Word", bound=str)
_Item = TypeVar("_Item")
_Found: TypeAlias = dict[str, Raw]
_ABSENT: Final = object()
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_STEP_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)")
_COMPREHENSION = re.compile(r"\bfor\b.+\bin\b")
_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys a mapping may have."""

    what: str
    """With its article: `a step`."""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    """Keys that belong to `owner`, not here."""
    owner: str = ""

    @cached_property
    def all(self) -> tuple[str, ...]:
        """Every key, required ones first."""
        return self.required + self.optional

    @cached_property
    def known(self) -> frozenset[str]:
        """Every key, for look-up."""
        return frozenset(self.all)


def shown(raw: Raw) -> str:
    """Return a value in a message, short."""
    if isinstance(raw, dict):
        return f"a map with the keys {listed(list(raw)[:4])}" if raw else "an empty map"
    if isinstance(raw, list):
        return f"a list of {len(raw)}"
    if raw is None:
        return "empty"
    text = json.dumps(raw if not isinstance(raw, Invalid) else None, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


_MOST_UNKNOWN_KEYS = 1_000
"""Unknown keys of one mapping that are looked at."""


class Reader:
    """Collects diagnostics while a document is read."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.diagnostics: list[Diagnostic] = []

    def report(
        self,
        code: str,
        path: Path,
        message: str,
        suggestion: str = "",
        *,
        key: bool = False,
        fix: Fix | None = None,
    ) -> None:
        """Add an error at a value, or at its key."""
        span = self.positions.span(path, key=key)
        self.diagnostics.append(
            Diagnostic(
                code=code,
                severity="error",
                path=format_path(path),
                line=span.line,
                column=span.column,
                end_column=span.end_column,
                message=message,
                suggestion=suggestion,
                fix=fix,
            )
        )

    def wrong(self, raw: Raw, path: Path, wanted: str, suggestion: str = "") -> None:
        """Report a value of the wrong kind with its actual value."""
        fix = None
        name = _name_of(path)
        if raw is None:
            self.report("E112", path, f"{name} is empty; it must be {wanted}", suggestion, key=True)
            return
        if wanted.startswith("text") and isinstance(raw, (bool, int, float)):
            text = json.dumps(self.positions.text(path), ensure_ascii=False)
            fix = self.positions.replace(path, text)
            suggestion = suggestion or f"quote it: {text}"
        elif isinstance(raw, dict) and wanted.startswith(("text", "an expression")):
            suggestion = suggestion or "quote the whole value: an unquoted `{` or `: ` makes it a map"
        self.report("E112", path, f"{name} must be {wanted}, not {shown(raw)}", suggestion, fix=fix)

    # ---- mappings

    def mapping(self, raw: Raw, path: Path, wanted: str) -> _Found | Invalid:
        """Return a mapping; an empty value counts as an empty mapping."""
        if isinstance(raw, dict):
            return raw
        if raw is None:
            return {}
        if not isinstance(raw, Invalid):
            self.wrong(raw, path, wanted)
        return INVALID

    def record(self, raw: Raw, path: Path, keys: Keys) -> _Found | None:
        """Return a mapping that has only known keys, or None when it is no mapping; see `known`."""
        if isinstance(raw, dict):
            return self.known(raw, path, keys)
        if not isinstance(raw, Invalid):
            self.wrong(raw, path, f"a map ({keys.what})", f"keys: {listed(keys.all)}")
        return None

    def known(self, raw: _Found, path: Path, keys: Keys) -> _Found:
        """Return a mapping with its known keys, misspelled ones under the name they mean.

        Unknown and missing keys are reported; what is absent afterwards was optional or has a diagnostic.
        """
        if not raw.keys() <= keys.known:
            raw = self._respelled(raw, path, keys)
        for name in keys.required:
            if name not in raw:
                self.report(
                    "E111", path, f"{keys.what} needs the key `{name}`", f"add `{name}:` here", key=bool(path)
                )
        return raw

    def _respelled(self, raw: _Found, path: Path, keys: Keys) -> _Found:
        """Report unknown keys; one with a certain meaning is read under its right name."""
        allowed = keys.all
        result: _Found = {}
        unknown = 0
        for name, value in raw.items():
            if name in allowed:
                result[name] = value
                continue
            here = (*path, name)
            if name in keys.elsewhere:
                self.report("E120", here, f"`{name}` belongs to {keys.owner}, not to {keys.what}", key=True)
                continue
            unknown += 1
            if unknown > _MOST_UNKNOWN_KEYS:
                continue  # fifty findings are shown: these would cost time and never be seen
            free = [word for word in allowed if word not in raw and word not in result]
            meant, is_sure = meant_key(name, free)
            fix = self.positions.replace(here, meant, key=True) if meant and is_sure else None
            self.report(
                "E110",
                here,
                f"unknown key `{name[:80]}` in {keys.what}",
                f"{did_you_mean(meant)}allowed here: {listed(allowed)}",
                key=True,
                fix=fix,
            )
            if meant and is_sure:
                result[meant] = value
                self.positions.rename_key(here, meant)
        return result

    def named(
        self, data: _Found, path: Path, key: str, read: Callable[[Raw, Path], _Item], wanted: str
    ) -> dict[str, _Item] | Invalid:
        """Return a mapping from names to parts, each read by `read`; an absent key is an empty mapping."""
        here = (*path, key)
        found = self.mapping(data.get(key), here, wanted)
        return INVALID if isinstance(found, Invalid) else self.parts(found, here, read)

    def parts(self, data: _Found, path: Path, read: Callable[[Raw, Path], _Item]) -> dict[str, _Item]:
        """Return every part of a mapping from names; bad names are reported and kept."""
        result: dict[str, _Item] = {}
        for name, value in data.items():
            place = (*path, name)
            if not _NAME.fullmatch(name) or keyword.iskeyword(name):
                self._bad_name(name, place)
            result[name] = read(value, place)
        return result

    def _bad_name(self, name: str, path: Path) -> None:
        if keyword.iskeyword(name):
            self.report(
                "E113", path, f"`{name}` is a word of the expression language", f"write `{name}_`", key=True
            )
            return
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:64]
        self.report(
            "E113",
            path,
            f"`{name[:80]}` is not a name: letters, digits and _ only, starting with a letter, at most 64",
            f"write `{plain}`" if _NAME.fullmatch(plain) else "",
            key=True,
        )

    # ---- texts

    def text(self, data: _Found, path: Path, key: str, default: str = "") -> str:
        """Return a text that is not blank."""
        if key not in data:
            return default
        raw = data[key]
        if isinstance(raw, str) and raw.strip():
            return raw
        found = self.one_text(raw, (*path, key))
        return default if isinstance(found, Invalid) else found

    def text_or_none(self, data: _Found, path: Path, key: str) -> str | None:
        """Return a text that is not blank, or None when it is absent."""
        return self.text(data, path, key) or None

    def one_text(self, raw: Raw, path: Path) -> str | Invalid:
        """Return one text that is not blank."""
        if isinstance(raw, str):
            if raw and not raw.isspace():
                return raw
            self.report("E112", path, f"{_name_of(path)} is empty; it must be text")
        elif raw is not INVALID:
            self.wrong(raw, path, "text")
        return INVALID

    def texts(self, data: _Found, path: Path, key: str) -> tuple[str | Invalid, ...]:
        """Return a list of texts; one text counts as a list of one."""
        return self.many(data, path, key, self.one_text)

    def plain_texts(self, data: _Found, path: Path, key: str) -> tuple[str, ...]:
        """Return a list of texts without the broken ones."""
        return tuple(text for text in self.texts(data, path, key) if not isinstance(text, Invalid))

    def many(
        self, data: _Found, path: Path, key: str, read: Callable[[Raw, Path], _Item]
    ) -> tuple[_Item, ...]:
        """Return a list, each item read by `read`; a single value counts as a list of one."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return ()
        value = data[key]
        here = (*path, key)
        if isinstance(value, list):
            return tuple(read(item, (*here, index)) for index, item in enumerate(value))
        if isinstance(value, str):
            return (read(value, here),)
        self.wrong(value, here, "a list")
        return ()

    def word(self, data: _Found, path: Path, key: str, words: tuple[_Word, ...], default: _Word) -> _Word:
        """Return one of a few words."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return default
        value = data[key]
        for word in words:
            if value == word:
                return word
        here = (*path, key)
        text = value if isinstance(value, str) else self.positions.text(here)
        guess = "none" if value is None else nearest(text, words)
        near = next((word for word in words if word == guess), None)
        self.report(
            "E116",
            here,
            f"`{key}` must be one of {listed(words)}, not {shown(value)}",
            did_you_mean(near).strip(),
            fix=self.positions.replace(here, near) if near else None,
        )
        return near or default

    def step_id(self, data: _Found, path: Path) -> str:
        """Return the id of a step; empty when it has a diagnostic."""
        name = self.text(data, path, "id")
        if name and (not _STEP_ID.fullmatch(name) or keyword.iskeyword(name)):
            plain = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()).strip(
                "_"
            )[:63]
            plain = f"{plain}_" if keyword.iskeyword(plain) else plain
            self.report(
                "E113",
                (*path, "id"),
                f"`{name[:80]}` is not an id: lower-case letters, digits and _, starting with a letter, at most 64",
                f"write `{plain}`, also where it is read" if _STEP_ID.fullmatch(plain) else "",
            )
        return name

    def duration(self, data: _Found, path: Path, key: str) -> str | None:
        """Return a duration such as `24h`, or None when it is absent or has a diagnostic."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return None
        value = data[key]
        if isinstance(value, str) and _DURATION.fullmatch(value):
            return value
        here = (*path, key)
        compact = re.sub(
            r"\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?)$", lambda m: m[1][0], str(value)
        )
        fix = self.positions.replace(here, compact) if _DURATION.fullmatch(compact) else None
        self.report(
            "E115",
            here,
            f"`{key}` must be a duration, not {shown(value)}",
            "write a whole number and s, m, h or d, such as 90s, 15m, 24h or 7d",
            fix=fix,
        )
        return None

    # ---- numbers and flags

    def flag(self, data: _Found, path: Path, key: str, *, default: bool) -> bool:
        """Return true or false."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return default
        value = data[key]
        if isinstance(value, bool):
            return value
        here = (*path, key)
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower())
        fix = self.positions.replace(here, meant) if meant else None
        self.report(
            "E112",
            here,
            f"`{key}` must be true or false, not {shown(value)}",
            did_you_mean(meant).strip(),
            fix=fix,
        )
        return default

    def integer(self, data: _Found, path: Path, key: str, low: int, high: int) -> int | None:
        """Return a whole number within bounds, or None when it is absent or has a diagnostic."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return None
        value = data[key]
        here = (*path, key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(value, here, "a whole number", _number_hint(value))
            return None
        return value if self._within(value, here, low, high) else None

    def number(self, data: _Found, path: Path, key: str, low: float, high: float) -> float | None:
        """Return a number within bounds, or None when it is absent or has a diagnostic."""
        raw = data.get(key, _ABSENT)
        if raw is _ABSENT or raw is INVALID:
            return None
        value = data[key]
        here = (*path, key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.wrong(value, here, "a number", _number_hint(value))
            return None
        return float(value) if self._within(value, here, low, high) else None

    def _within(self, value: float, path: Path, low: float, high: float) -> bool:
        if low <= value <= high:
            return True
        name = _name_of(path)
        self.report("E114", path, f"{name} must be from {low:,} to {high:,}, not {value:,}")
        return False

    # ---- expressions

    def expression(self, data: _Found, path: Path, key: str) -> Expr:
        """Return an expression, or None when the key is absent; an empty one is reported."""
        if key not in data:
            return None
        raw = data[key]
        return raw if isinstance(raw, str) and raw.strip() else self.one_expression(raw, (*path, key))

    def needed_expression(self, data: _Found, path: Path, key: str) -> Expr:
        """Return an expression; `INVALID` when the key is absent, which is reported already."""
        return self.one_expression(data[key], (*path, key)) if key in data else INVALID

    def one_expression(self, raw: Raw, path: Path) -> Expr:
        """Return an expression that is not null: text, or a number, boolean or list that stands for itself."""
        return self._empty_expression(path) if raw is None else self.argument(raw, path)

    def argument(self, raw: Raw, path: Path) -> Expr:
        """Return an expression or a literal, null included."""
        if raw is None or isinstance(raw, (bool, int, float, Invalid)):
            return raw
        if isinstance(raw, str):
            return raw if raw and not raw.isspace() else self._empty_expression(path)
        if isinstance(raw, dict):
            self.wrong(
                raw,
                path,
                "an expression (text), a number, true, false or a list",
                "write the condition itself; there are no lambdas"
                if any(name.startswith("lambda ") for name in raw)
                else "quote the whole expression; a record is written '{\"name\": value}'",
            )
            return INVALID
        if len(raw) == 1 and isinstance(raw[0], str) and _COMPREHENSION.search(raw[0]):
            self.report(
                "E112",
                path,
                f"{_name_of(path)} must be an expression, not a YAML list that holds one",
                f'quote the expression: "[{raw[0]}]"',
            )
            return INVALID
        return literal_list(raw)

    def expressions(self, data: _Found, path: Path, key: str) -> tuple[Expr, ...]:
        """Return a list of conditions; a single one counts as a list of one."""
        return self.many(data, path, key, self.one_expression)

    def arguments(self, data: _Found, path: Path, key: str) -> dict[str, Expr] | Invalid:
        """Return a mapping from parameter names to expressions."""
        return self.named(data, path, key, self.argument, "a map from names to expressions")

    def _empty_expression(self, path: Path) -> Literal[Invalid.INVALID]:
        self.report("E112", path, f"{_name_of(path)} is empty; it must be an expression", key=True)
        return INVALID


def literal_list(raw: list[Raw]) -> list[JsonValue] | Invalid:
    """Return a list of plain JSON data; INVALID when a part of it has a diagnostic."""
    items: list[JsonValue] = []
    for item in raw:
        value = literal(item)
        if isinstance(value, Invalid):
            return INVALID
        items.append(value)
    return items


def literal(raw: Raw) -> JsonValue | Invalid:
    """Return plain JSON data; INVALID when a part of it has a diagnostic. Depth is limited where text is read."""
    if isinstance(raw, list):
        return literal_list(raw)
    if isinstance(raw, dict):
        fields: dict[str, JsonValue] = {}
        for name, item in raw.items():
            value = literal(item)
            if isinstance(value, Invalid):
                return INVALID
            fields[name] = value
        return fields
    return raw


def _name_of(path: Path) -> str:
    """Return the last part of a path as a message names it."""
    last = path[-1]
    if isinstance(last, int):
        owner = next((part for part in reversed(path) if isinstance(part, str)), "the list")
        return f"item {last + 1} of `{owner}`"
    return f"`{last[:80]}`"


def _number_hint(value: Raw) -> str:
    """Return a hint for a number written with a unit or in quotes."""
    if not isinstance(value, str):
        return ""
    if re.fullmatch(r"\$\s*[0-9.]+", value):
        return f"leave the currency out: {value.lstrip('$ ')}"
    found = re.fullmatch(r"([0-9]+)\s*(ms|s|m|h)", value)
    if found:
        factor = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}[found.group(2)]
        return f"write milliseconds: {int(found.group(1)) * factor}"
    return "leave the quotes out" if re.fullmatch(r"[0-9.]+", value) else ""
