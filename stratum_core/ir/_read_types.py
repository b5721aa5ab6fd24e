"""Reads contracts, parameters, types in long form and budgets."""

from __future__ import annotations

from stratum_core.contracts import JsonScalar
from stratum_core.ir._document import INVALID, BudgetForm, Contract, Invalid, LongType, TypeForm
from stratum_core.ir._positions import Path
from stratum_core.ir._reader import Keys, Reader, shown
from stratum_core.ir._words import KEY_ALIASES
from stratum_core.ir._yaml import Raw

__all__ = ["read_budget", "read_contract", "read_parameters", "read_type"]

_LONG_TYPE = Keys(
    what="a type",
    optional=("type", "min", "max", "min_length", "max_length", "pattern", "enum", "description"),
)
_BUDGET = Keys(what="a budget", optional=("usd", "ms", "tokens", "calls"))
_MAX_NUMBER = 1e18
_MAX_LENGTH = 1_000_000
_MAX_USD = 1_000_000.0
_MAX_MS = 366 * 24 * 3_600_000
_MAX_TOKENS = 10**12
_MAX_CALLS = 10**9
_SMALLEST_USD = 1e-9
_NESTED = "a nested record is a contract of its own: declare it under contracts and give its name"
_WRAPPERS = {"optional": "optional", "nullable": "optional", "opaque": "opaque"}
_TYPE_WORDS = frozenset((*_LONG_TYPE.all, *_WRAPPERS, "items"))


def read_contract(reader: Reader, raw: Raw, path: Path) -> Contract | Invalid:
    """Return a contract: a map from field names to types."""
    if not isinstance(raw, dict):
        if raw is not INVALID:
            reader.wrong(raw, path, "a map from field names to types")
        return INVALID
    fields = reader.parts(raw, path, lambda value, place: read_type(reader, value, place))
    if not fields:
        reader.report(
            "E123", path, f"the contract `{path[-1]}` has no fields", "give it at least one", key=True
        )
    return Contract(fields=fields)


def read_parameters(reader: Reader, data: dict[str, Raw], path: Path) -> dict[str, TypeForm] | Invalid:
    """Return the typed inputs of a function or flow."""
    return reader.named(
        data, path, "input", lambda raw, place: read_type(reader, raw, place), "a map from names to types"
    )


def read_type(reader: Reader, raw: Raw, path: Path) -> TypeForm:
    """Return a type as text or in long form."""
    if isinstance(raw, str):
        found = reader.one_text(raw, path)
        return INVALID if isinstance(found, Invalid) else found
    if raw is INVALID:
        return INVALID
    if isinstance(raw, list):
        inner = raw[0] if len(raw) == 1 and isinstance(raw[0], str) else "T"
        hint = (
            f"write list<{inner}>" if len(raw) == 1 else f"write {{enum: [{', '.join(map(str, raw[:4]))}]}}"
        )
        reader.report("E112", path, f"a type must be text or a map, not {shown(raw)}", hint)
        return INVALID
    if not isinstance(raw, dict):
        hint = 'for the type that only holds null, quote it: "null"' if raw is None else ""
        reader.wrong(raw, path, "text (a type) or a map", hint)
        return INVALID
    return _read_long(reader, raw, path)


def _read_long(reader: Reader, raw: dict[str, Raw], path: Path) -> TypeForm:
    """Return a type in long form."""
    before = len(reader.diagnostics)
    if raw and not any(name in _TYPE_WORDS or name in KEY_ALIASES for name in raw):
        reader.report(
            "E112", path, f"a type must be text or a map with `type` or `enum`, not {shown(raw)}", _NESTED
        )
        return INVALID
    kept = {name: value for name, value in raw.items() if name not in _WRAPPERS and name != "items"}
    for name in raw.keys() & _WRAPPERS.keys():
        wrapper = _WRAPPERS[name]
        inner = raw.get("type")
        reader.report(
            "E110",
            (*path, name),
            f"unknown key `{name}` in a type",
            f"write type: {wrapper}<{inner if isinstance(inner, str) else 'T'}>",
            key=True,
        )
    if "items" in raw:
        inner = raw["items"]
        shown_inner = inner if isinstance(inner, str) else "T"
        reader.report(
            "E110",
            (*path, "items"),
            "unknown key `items` in a type",
            f"write type: list<{shown_inner}>",
            key=True,
        )
    data = reader.known(kept, path, _LONG_TYPE)
    if "type" not in data and "enum" not in data and len(reader.diagnostics) == before:
        reader.report(
            "E111",
            path,
            "a type in long form needs the key `type` or `enum`",
            _NESTED,
            key=True,
        )
    form = LongType(
        type=_type_text(reader, data, path),
        min=_bound(reader, data, path, "min"),
        max=_bound(reader, data, path, "max"),
        min_length=reader.integer(data, path, "min_length", 0, _MAX_LENGTH),
        max_length=reader.integer(data, path, "max_length", 0, _MAX_LENGTH),
        pattern=reader.text_or_none(data, path, "pattern"),
        enum=_enum(reader, data, path),
        description=reader.text(data, path, "description"),
    )
    broken = any(found.code != "E110" or found.fix is None for found in reader.diagnostics[before:])
    return INVALID if broken else form


def _type_text(reader: Reader, data: dict[str, Raw], path: Path) -> str | None:
    """Return the `type` of a long form; null means the type that only holds null."""
    if "type" in data and data["type"] is None:
        reader.wrong(
            None, (*path, "type"), "text (a type)", 'for the type that only holds null, quote it: "null"'
        )
        return None
    return reader.text_or_none(data, path, "type")


def _bound(reader: Reader, data: dict[str, Raw], path: Path, key: str) -> int | float | None:
    """Return a bound as written: an integer stays one."""
    value = reader.number(data, path, key, -_MAX_NUMBER, _MAX_NUMBER)
    raw = data.get(key)
    return raw if value is not None and isinstance(raw, int) and not isinstance(raw, bool) else value


def _enum(reader: Reader, data: dict[str, Raw], path: Path) -> tuple[JsonScalar, ...] | None:
    """Return the values of an enum: texts, numbers, booleans or null."""
    raw = data.get("enum")
    if "enum" not in data or raw is INVALID:
        return None
    here = (*path, "enum")
    if not isinstance(raw, list) or not raw:
        reader.wrong(raw, here, "a list of at least one value", "write {enum: [a, b]}")
        return None
    values: list[JsonScalar] = []
    for index, value in enumerate(raw):
        if isinstance(value, (dict, list)):
            reader.wrong(value, (*here, index), "text, a number, true, false or null")
        elif not isinstance(value, Invalid):
            values.append(value)
    seen: set[tuple[type, JsonScalar]] = set()
    for index, value in enumerate(values):
        if (type(value), value) in seen:
            reader.report("E124", (*here, index), f"the value {shown(value)} is listed twice", "remove one")
        seen.add((type(value), value))
    return tuple(values)


def read_budget(reader: Reader, data: dict[str, Raw], path: Path) -> BudgetForm | None:
    """Return the budget of a function or flow, or None when it is absent or broken."""
    raw = data.get("budget", INVALID)
    here = (*path, "budget")
    found = reader.record(raw, here, _BUDGET)
    if found is None:
        return None
    if not found:
        reader.report(
            "E111", here, "a budget needs at least one of usd, ms, tokens, calls", "e.g. budget: {usd: 0.50}"
        )
    return BudgetForm(
        usd=reader.number(found, here, "usd", _SMALLEST_USD, _MAX_USD),
        ms=reader.integer(found, here, "ms", 1, _MAX_MS),
        tokens=reader.integer(found, here, "tokens", 1, _MAX_TOKENS),
        calls=reader.integer(found, here, "calls", 1, _MAX_CALLS),
    )
