"""Remedies in the words of the surface that says them: arguments of a tool, or options of a command.

The core names no surface. An error carries as facts what its remedy is about, and the words are put here: for an agent
what it passes to a tool, for a person what they type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, cast

from stratum_core.errors import StratumError

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue

__all__ = ["for_command", "for_setting", "for_tool"]

_INPUTS = "inputs."
_LISTED = 20


def for_tool(error: StratumError) -> str:
    """Return the remedy for an agent that calls the tools."""
    return _of_each(error, for_tool) or _with_model(error, 'options: {"model": "offline"}')


def for_command(error: StratumError) -> str:
    """Return the remedy for a person at the command line."""
    several = _of_each(error, for_command)
    if several:
        return several
    facts: Mapping[str, object] = error.detail
    name = str(facts.get("input", "")).removeprefix(_INPUTS)
    match facts:
        case {"missing": [field, *_], "columns": [column, *more]} if name:
            mapped = quote(f"{name}.{field}={column}")
            listed = ", ".join(repr(each) for each in (column, *more)[:_LISTED])
            return f"take each from a column, e.g. --column {mapped}; the columns are {listed}"
        case {"no_file": str(text)} if name:
            typed = quote(f'{name}="{text}"')
            return f"{error.remedy}; if it is no file but a text, write it with its quotes: --input {typed}"
        case _:
            return _with_model(error, "--model offline, or STRATUM_MODEL=offline")


def for_setting(remedy: str) -> str:
    """Return a remedy that ends with the built-in model for whoever sets variables."""
    return f"{remedy} (STRATUM_MODEL=offline)"


def _of_each(error: StratumError, words: Callable[[StratumError], str]) -> str:
    """Return the remedies of all the faults one error stands for; empty where it stands for itself."""
    faults = cast("Sequence[Mapping[str, JsonValue]]", error.detail.get("faults", ()))
    remedies = [
        words(
            StratumError(
                str(fault["message"]),
                remedy=str(fault["remedy"]),
                detail=cast("Mapping[str, JsonValue]", fault["detail"]),
            )
        )
        for fault in faults
    ]
    return "; ".join(dict.fromkeys(filter(None, remedies)))


def _with_model(error: StratumError, way: str) -> str:
    """Return the remedy; where it ends with the built-in model, with how that is taken."""
    return f"{error.remedy} ({way})" if error.detail.get("needs") == "model" else error.remedy
