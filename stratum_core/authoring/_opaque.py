"""`opaque[T]`: data for the model that never stands in instruction text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

__all__ = ["OpaqueMarker", "opaque"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpaqueMarker:
    """The mark `opaque[T]` leaves in an annotation; to type checkers and pydantic the type stays `T`."""


opaque = Annotated[T, OpaqueMarker()]
"""A value the model works on and must not obey: `text: opaque[str]`.

Values of it, at any depth, are sent as a JSON attachment between delimiters that carry the attachment's own hash. This
reduces prompt injection; it does not prevent it.
"""
