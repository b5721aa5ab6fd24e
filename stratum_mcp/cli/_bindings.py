"""`--input NAME=FILE|JSON` and `--column NAME.FIELD=COLUMN` as the engine's inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from stratum_core.contracts import JsonValue

__all__ = ["read_bindings"]

_JSON_STARTS = ("{", "[", '"')
_SHOWN_CHARACTERS = 80


def read_bindings(inputs: Sequence[str], columns: Sequence[str]) -> dict[str, JsonValue]:
    """Return the inputs by name: what reads as JSON is the value itself, anything else is the path of a file.

    So a text is written with its quotes (`topic='"winter"'`), and a file whose name reads like JSON with `./`. What
    starts as a list, a record or a text of JSON does is never taken for a file.

    Raises:
        click.BadParameter: An entry is malformed, a name is bound twice, or a column belongs to no file.
    """
    bound: dict[str, JsonValue] = {}
    for entry in inputs:
        name, value = _pair(entry, "NAME=FILE or NAME=JSON", "--input")
        if name in bound:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="--input")
        bound[name] = _value(name, value)
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


def _value(name: str, text: str) -> JsonValue:
    """Return JSON as its value, anything else as a file to read."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        why = f"{fault.msg} at line {fault.lineno}, column {fault.colno}"
    except (ValueError, RecursionError) as fault:
        why = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
    if text.lstrip().startswith(_JSON_STARTS):
        shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
        raise click.BadParameter(
            f"{name!r} is not JSON: {why}, in {shown!r}; a file of such a name is written with ./",
            param_hint="--input",
        )
    return {"file": text}


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not a value of JSON")
