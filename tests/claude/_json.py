"""JSON values as the client and the scripted model exchange them, with look-ups that never need a cast.

Every look-up is total: a missing key or another shape gives the empty value, so a test compares what was
there instead of failing inside the harness.
"""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"


def parse(text: str | bytes) -> Json:
    """Return the JSON value in `text`.

    Raises:
        json.JSONDecodeError: `text` is not JSON.
    """
    value: Json = json.loads(text)
    return value


def parse_object(line: str | bytes) -> JsonObject:
    """Return the JSON object in `line`, empty when it holds anything else."""
    try:
        return as_object(parse(line))
    except ValueError:
        return {}


def as_object(value: Json) -> JsonObject:
    """Return `value` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return `value` when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json) -> str:
    """Return `value` when it is text, else an empty string."""
    return value if isinstance(value, str) else ""


def objects(value: Json) -> list[JsonObject]:
    """Return the objects of a list, in order; anything else in it is left out."""
    return [item for item in as_list(value) if isinstance(item, dict)]
