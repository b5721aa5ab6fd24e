"""`--input NAME=FILE|JSON` and `--column NAME.FIELD=COLUMN` as the engine's inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from stratum_core.contracts import JsonValue

__all__ = ["read_bindings"]


def read_bindings(inputs: Sequence[str], columns: Sequence[str]) -> dict[str, JsonValue]:
    """Return the inputs by name: what reads as JSON is the value itself, anything else is the path of a file.

    So a text is written with its quotes (`topic='"winter"'`), and a file whose name is a number with `./`.

    Raises:
        click.BadParameter: An entry is malformed, a name is bound twice, or a column belongs to no file.
    """
    bound: dict[str, JsonValue] = {}
    for entry in inputs:
        name, value = _pair(entry, "NAME=FILE or NAME=JSON", "--input")
        if name in bound:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="--input")
        bound[name] = _value(value)
    for entry in columns:
        target, column = _pair(entry, "NAME.FIELD=COLUMN", "--column")
        name, dot, field = target.partition(".")
        if not (name and dot and field):
            raise click.BadParameter(f"{entry!r} is not NAME.FIELD=COLUMN", param_hint="--column")
        file = bound.get(name)
        if not isinstance(file, dict) or "file" not in file:
            raise click.BadParameter(
                f"{name!r} is not bound to a file; add --input {name}=FILE", param_hint="--column"
            )
        mapping = file.setdefault("columns", {})
        if not isinstance(mapping, dict):
            raise click.BadParameter(f"the columns of {name!r} are not a record", param_hint="--column")
        mapping[field] = column
    return bound


def _pair(entry: str, shape: str, option: str) -> tuple[str, str]:
    """Split at the first equals sign."""
    name, equals, value = entry.partition("=")
    if not (name and equals and value):
        raise click.BadParameter(f"{entry!r} is not {shape}", param_hint=option)
    return name, value


def _value(text: str) -> JsonValue:
    """Return JSON as its value, anything else as a file to read."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {"file": text}


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")
