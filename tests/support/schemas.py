"""A typed face of the JSON Schema validator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from jsonschema import Draft202012Validator

from stratum_core.contracts import JsonValue

__all__ = ["check_schema", "fits"]


class _Validator(Protocol):
    def is_valid(self, instance: object) -> bool: ...


def check_schema(schema: Mapping[str, JsonValue]) -> None:
    """Raise when a schema is not one of draft 2020-12."""
    Draft202012Validator.check_schema(dict(schema))


def fits(schema: Mapping[str, JsonValue], value: object) -> bool:
    """Return whether a value satisfies a schema."""
    return cast("_Validator", Draft202012Validator(dict(schema))).is_valid(value)
