"""The functions and methods of the language: names, arity, and the signatures that documentation prints."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "FUNCTION_ALIASES",
    "FUNCTION_ARITY",
    "FUNCTION_HINTS",
    "FUNCTION_NAMES",
    "METHOD_ALIASES",
    "METHOD_ARITY",
    "METHOD_NAMES",
    "SIGNATURES",
]

_MANY = 9

FUNCTION_ARITY: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "abs": (1, 1),
        "all": (1, 1),
        "any": (1, 1),
        "assert_stable": (2, 2),
        "count": (1, 2),
        "default": (2, 2),
        "find_all": (2, 2),
        "first": (1, 1),
        "flatten": (1, 1),
        "float": (1, 1),
        "group_by": (2, 2),
        "int": (1, 1),
        "last": (1, 1),
        "len": (1, 1),
        "matches": (2, 2),
        "max": (1, _MANY),
        "min": (1, _MANY),
        "most_likely": (1, 1),
        "round": (1, 2),
        "set": (1, 1),
        "sort_by": (2, 2),
        "sorted": (1, 1),
        "str": (1, 1),
        "sum": (1, 1),
        "top": (2, 3),
        "zip": (2, 3),
    },
)
FUNCTION_NAMES = frozenset(FUNCTION_ARITY)

METHOD_ARITY: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "count": (1, 1),
        "endswith": (1, 1),
        "get": (1, 2),
        "join": (1, 1),
        "keys": (0, 0),
        "lower": (0, 0),
        "replace": (2, 2),
        "split": (0, 1),
        "startswith": (1, 1),
        "strip": (0, 0),
        "upper": (0, 0),
        "values": (0, 0),
    },
)
METHOD_NAMES = frozenset(METHOD_ARITY)

METHOD_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "endsWith": "endswith",
        "lowerAscii": "lower",
        "replaceAll": "replace",
        "startsWith": "startswith",
        "toLowerCase": "lower",
        "toUpperCase": "upper",
        "trim": "strip",
        "upperAscii": "upper",
    },
)

FUNCTION_ALIASES: Mapping[str, str] = MappingProxyType(
    {"Number": "float", "String": "str", "double": "float", "length": "len", "size": "len", "string": "str"},
)

_NO_CLOCK = "there is no clock, so that a run can be repeated; pass the date as an input"
_NO_TYPES = "types are checked before the run; it is not needed"

FUNCTION_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "bool": "write the comparison itself",
        "date": 'compare a date with text in ISO form: input.due < "2026-01-31"',
        "dict": 'write a record: {"key": value}',
        "enumerate": "in a for_each step `index` is the position",
        "eval": "an expression cannot run text",
        "filter": "write [x for x in items if condition]",
        "getattr": "write x.field",
        "isinstance": _NO_TYPES,
        "list": "a comprehension is already a list",
        "map": "write [f(x) for x in items]",
        "now": _NO_CLOCK,
        "open": "an expression cannot read files; bind the file as a flow input",
        "print": "an expression has no side effects",
        "random": "there is no randomness, so that a run can be repeated",
        "range": "walk over the list itself",
        "reduce": "use sum, min, max, len or a compute function",
        "reversed": 'use sort_by(items, "-field") or top(items, n, "field")',
        "today": _NO_CLOCK,
        "tuple": "write a list",
        "type": _NO_TYPES,
    },
)

SIGNATURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "len": ("len(text | list | map) -> int", "Characters, items or keys."),
        "all": ("all(list<bool>) -> bool", "Whether every item is true; stops at the first that is not."),
        "any": ("any(list<bool>) -> bool", "Whether one item is true; stops at the first that is."),
        "sum": (
            "sum(list<number | bool>) -> number",
            "The sum from left to right; of booleans, how many are true.",
        ),
        "min": ("min(list<T>) -> T, min(a, b, ...) -> T", "The smallest; an empty list is an error."),
        "max": ("max(list<T>) -> T, max(a, b, ...) -> T", "The largest; an empty list is an error."),
        "abs": ("abs(number) -> number", "The absolute value."),
        "round": (
            "round(number) -> int, round(number, digits) -> number",
            "Rounded, halves to the even neighbour.",
        ),
        "int": ("int(number | text | bool) -> int", "Cut towards zero; text must be a whole number."),
        "float": ("float(number | text | bool) -> float", "As a float; text must be a finite number."),
        "str": ("str(scalar) -> string", "As text, e.g. 3, 0.5, True."),
        "sorted": ("sorted(list<T>) -> list<T>", "In rising order; numbers, text or dates."),
        "set": ("set(list<T>) -> list<T>", "Without repeats, in order of first appearance."),
        "first": ("first(list<T>) -> optional<T>", "The first item; null when there is none."),
        "last": ("last(list<T>) -> optional<T>", "The last item; null when there is none."),
        "default": ("default(optional<T>, T) -> T", "The first argument, or the second when it is null."),
        "matches": ('matches(text, "pattern") -> bool', "Whether the pattern is found; anchor with ^ and $."),
        "find_all": (
            'find_all(text, "pattern") -> list<string>',
            "Every part of the text that matches, left to right.",
        ),
        "count": (
            "count(list<T>, value) -> int, count(list<bool>) -> int",
            "How many items equal the value, or are true.",
        ),
        "flatten": ("flatten(list<list<T>>) -> list<T>", "The items of all lists in one."),
        "zip": (
            "zip(list<A>, list<B>) -> list<{first, second}>",
            "Items side by side up to the shorter list; `for a, b in zip(xs, ys)` takes them apart.",
        ),
        "sort_by": (
            'sort_by(list<record>, "field") -> list<record>',
            'In rising order of a field; "-field" falls.',
        ),
        "group_by": (
            'group_by(list<record>, "field") -> list<{key, items}>',
            "Records with the same value together, in order of first appearance.",
        ),
        "top": (
            'top(list<record>, n, "field") -> list<record>, top(list<T>, n) -> list<T>',
            "The n largest, largest first; equal ones keep their order.",
        ),
        "most_likely": (
            "most_likely(probabilistic<T>) -> T",
            "The most frequent sample; the earliest of equals.",
        ),
        "assert_stable": (
            "assert_stable(probabilistic<T>, share) -> T",
            "The most frequent sample; an error when its share of the samples is smaller.",
        ),
        "text.lower": ("text.lower() -> string", "In lower case."),
        "text.upper": ("text.upper() -> string", "In upper case."),
        "text.strip": ("text.strip() -> string", "Without white space at both ends."),
        "text.startswith": ("text.startswith(text) -> bool", "Whether it begins so."),
        "text.endswith": ("text.endswith(text) -> bool", "Whether it ends so."),
        "text.split": (
            "text.split() -> list<string>, text.split(separator)",
            "The parts; without a separator, words.",
        ),
        "text.join": ("separator.join(list<string>) -> string", "The texts with the separator between them."),
        "text.replace": ("text.replace(old, new) -> string", "With every `old` replaced."),
        "text.count": ("text.count(part) -> int, list.count(value) -> int", "How often it occurs."),
        "map.get": (
            "map.get(key) -> optional<T>, map.get(key, T) -> T",
            "The value of a key, or the fallback.",
        ),
        "map.keys": ("map.keys() -> list<string>", "The keys in order."),
        "map.values": ("map.values() -> list<T>", "The values in order."),
    },
)
"""Name to signature and meaning; methods are written `text.lower`, `map.get`."""
