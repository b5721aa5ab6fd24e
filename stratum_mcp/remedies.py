"""Remedies in the words of the surface that says them: arguments of a tool, or options of a command.

The core names no surface. An error carries as facts what its remedy is about, and the words are put here: for an agent
what it passes to a tool, for a person what they type.
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from stratum_core.errors import StratumError

__all__ = ["for_command", "for_setting", "for_tool"]

_INPUTS = "inputs."
_LISTED = 20


def for_tool(error: StratumError) -> str:
    """Return the remedy for an agent that calls the tools."""
    return _with_model(error, 'options: {"model": "offline"}')


def for_command(error: StratumError) -> str:
    """Return the remedy for a person at the command line."""
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


def _with_model(error: StratumError, way: str) -> str:
    """Return the remedy; where it ends with the built-in model, with how that is taken."""
    return f"{error.remedy} ({way})" if error.detail.get("needs") == "model" else error.remedy
