"""The little of JSON Schema that the offline model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from stratum_core.contracts import JsonValue

__all__ = ["Schema", "bound", "clamp", "inner", "is_optional", "items", "kind_of", "properties", "text"]

Schema: TypeAlias = Mapping[str, JsonValue]


def items(value: JsonValue) -> list[JsonValue]:
    """Return the items of a JSON list; of anything else, none."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def text(node: Schema, keyword: str) -> str:
    """Return a keyword's text, or nothing."""
    value = node.get(keyword)
    return value if isinstance(value, str) else ""


def properties(node: Schema) -> dict[str, Schema]:
    """Return the properties of an object schema, in order."""
    value = node.get("properties")
    if not isinstance(value, Mapping):
        return {}
    return {name: part for name, part in value.items() if isinstance(part, Mapping)}


def is_optional(node: Schema) -> bool:
    """Return whether null is allowed beside something else."""
    return any(isinstance(part, Mapping) and part.get("type") == "null" for part in items(node.get("anyOf")))


def inner(node: Schema) -> Schema:
    """Look through `anyOf` to the first branch that is not null, keeping the description."""
    branches = [part for part in items(node.get("anyOf")) if isinstance(part, Mapping)]
    wanted = next((part for part in branches if part.get("type") != "null"), None)
    if wanted is None:
        return node
    said = text(node, "description")
    return {"description": said, **wanted} if said else wanted


def kind_of(node: Schema) -> str:
    """Return the JSON type a schema asks for; `any` when it asks for none."""
    if "enum" in node or "const" in node:
        return "enum"
    kind = node.get("type")
    if isinstance(kind, str):
        return kind
    return next((name for name in items(kind) if isinstance(name, str) and name != "null"), "any")


def bound(node: Schema, keyword: str) -> float | None:
    """Return a numeric keyword, or None."""
    value = node.get(keyword)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def clamp(value: float, node: Schema) -> float:
    """Return a number inside the schema's bounds."""
    low, high = bound(node, "minimum"), bound(node, "maximum")
    value = value if low is None else max(low, value)
    return value if high is None else min(high, value)
