"""JSON in and out of the journal: compact, exact, and clear about what is not JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalError

__all__ = ["decode_object", "encode"]

_MAX_DEPTH = 200


def encode(value: object, *, where: str) -> str:
    """Return a value as compact JSON text in ASCII.

    Args:
        value: Mappings, sequences and JSON scalars.
        where: The start of the path that errors name, e.g. `outcome`.

    Raises:
        JournalError: Some part of it is not JSON; the message holds the path of that part.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unserialisable(value, where, error) from error


def decode_object(text: str | None) -> dict[str, JsonValue]:
    """Return the object a journal column holds; empty for none."""
    return {} if text is None else cast("dict[str, JsonValue]", json.loads(text))


def _plain(value: object) -> object:
    """Turn what `JsonValue` allows beside dict and list into one of them."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if _is_container(value):
        return list(cast("Sequence[object]", value))
    raise TypeError


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_plain)


def _unserialisable(value: object, where: str, error: Exception) -> JournalError:
    path, fault = _first_fault(value, where) or (where, str(error))
    return JournalError(
        f"the journal stores JSON only, but {path} is {fault}",
        remedy="give text, numbers, booleans, null, lists and objects with text keys",
        detail={"path": path},
    )


def _first_fault(value: object, path: str, depth: int = 0) -> tuple[str, str] | None:
    """Return the path of the first part that is not JSON, and what it is."""
    if depth > _MAX_DEPTH:
        return path[:200], f"nested more than {_MAX_DEPTH} levels deep"
    for child_path, key, child in _children(value, path):
        if not isinstance(key, str | int):
            return child_path, f"keyed by a {type(key).__name__}"
        fault = _first_fault(child, child_path, depth + 1)
        if fault:
            return fault
    return None if _is_container(value) or _is_scalar(value) else (path, _named(value))


def _children(value: object, path: str) -> list[tuple[str, object, object]]:
    """Return path, key and value of each part of a container."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return [(f"{path}.{key}", key, child) for key, child in items]
    if _is_container(value):
        return [(f"{path}[{at}]", at, child) for at, child in enumerate(cast("Sequence[object]", value))]
    return []


def _is_container(value: object) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes | bytearray)


def _is_scalar(value: object) -> bool:
    if isinstance(value, float):
        return value - value == 0
    return value is None or isinstance(value, str | int)


def _named(value: object) -> str:
    return f"the number {value}" if isinstance(value, float) else f"a {type(value).__name__}"
