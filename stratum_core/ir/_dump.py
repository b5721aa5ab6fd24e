"""A document as YAML text: one layout, keys in one order, defaults left out.

Expressions and types are written as the document holds them, so that loading the text gives an equal document;
comments and the layout of the original are gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml

from stratum_core.contracts import JsonValue
from stratum_core.ir._document import (
    AwaitHuman,
    Branch,
    BudgetForm,
    ComputeFunction,
    Contract,
    Debate,
    Document,
    Flow,
    InferFunction,
    Invalid,
    LongType,
    Parallel,
    Race,
    Refine,
    Step,
)
from stratum_core.ir._scalars import NotJsonNumberError, resolve

__all__ = ["dump", "to_data"]

_RECORDS = (
    AwaitHuman,
    Branch,
    BudgetForm,
    ComputeFunction,
    Debate,
    Flow,
    InferFunction,
    LongType,
    Parallel,
    Race,
    Refine,
    Step,
)
_Record: TypeAlias = (
    AwaitHuman
    | Branch
    | BudgetForm
    | ComputeFunction
    | Debate
    | Flow
    | InferFunction
    | LongType
    | Parallel
    | Race
    | Refine
    | Step
)
_Value: TypeAlias = (
    "str | int | float | bool | Invalid | Contract | _Record | Sequence[_Value] | Mapping[str, _Value] | None"
)
_ALWAYS = frozenset({"mode", "intent", "question", "branches", "steps", "fields"})


def dump(document: Document) -> str:
    """Return YAML text that loads as an equal document.

    Raises:
        ValueError: The document holds a part with a diagnostic.
    """
    return yaml.dump(
        to_data(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,
    )


def to_data(document: Document) -> dict[str, JsonValue]:
    """Return a document as the data its YAML or JSON holds, defaults left out.

    Raises:
        ValueError: The document holds a part with a diagnostic.
    """
    data: dict[str, JsonValue] = {"stratum": document.stratum}
    for key in ("name", "description"):
        text: str = getattr(document, key)
        if text:
            data[key] = text
    for key in ("contracts", "functions", "flows"):
        parts: Mapping[str, _Value] = getattr(document, key)
        if parts:
            data[key] = _plain(parts)
    return data


def _record(record: _Record) -> dict[str, JsonValue]:
    """Return the fields of a part that are not at their default."""
    data: dict[str, JsonValue] = {}
    for field in dataclasses.fields(record):
        value: _Value = getattr(record, field.name)
        if field.name == "verb" or (field.name not in _ALWAYS and _is_default(record, field.name, value)):
            continue
        data[field.name.rstrip("_")] = _plain(value)
    return data


def _is_default(record: _Record, name: str, value: _Value) -> bool:
    """Return whether a field says what its absence says."""
    if name == "on_error" and isinstance(record, Step) and record.for_each is not None:
        return value == "drop"
    field = type(record).__dataclass_fields__[name]
    if isinstance(value, Mapping) and not value:
        return field.default_factory is not dataclasses.MISSING
    return value is field.default or (value == field.default and type(value) is type(field.default))


def _plain(value: _Value) -> JsonValue:
    """Return a part as plain data."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Contract):
        return {name: _plain(form) for name, form in value.fields.items()}
    if isinstance(value, _RECORDS):
        return _record(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise ValueError("the document has diagnostics; only one without any can be written")


class _Dumper(yaml.CSafeDumper):
    """Writes text so that YAML 1.2 and YAML 1.1 readers both read it as text, and never writes anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out each time."""
        del data
        return True


def _write_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    """Quote a text that would be read as a number, a boolean or null."""
    try:
        is_text = isinstance(resolve(text), str)
    except NotJsonNumberError:
        is_text = False
    del dumper
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=None if is_text else "'")


_Dumper.add_representer(str, _write_text)
