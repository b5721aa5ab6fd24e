"""What a verb gives: its spec when it is right, the type of its value, and whether its text is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stratum_core.contracts import Field, RecordType, Type
from stratum_core.specs import Verb

__all__ = ["VerbOutcome", "record"]


class VerbOutcome(NamedTuple):
    """A checked verb."""

    verb: Verb | None
    """None when it has a diagnostic."""
    type: Type
    """Of one run of the verb: for one item, and without `when` and `on_error`."""
    tainted: bool = False
    """Whether a model made its text from opaque data."""


def record(fields: Mapping[str, Type], *, name: str = "") -> RecordType:
    """Return a record type from names and types."""
    return RecordType(name=name, fields=tuple(Field(name=field, type=kind) for field, kind in fields.items()))
