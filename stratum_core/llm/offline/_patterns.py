"""Regular expressions from a document, in linear time: the same engine that checks contracts (Rust's `regex`)."""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

__all__ = ["matches"]


@lru_cache(maxsize=256)
def _validator(pattern: str) -> SchemaValidator | None:
    """Return what checks a pattern, or None when the pattern is not valid."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern occurs in a text; an invalid pattern occurs nowhere."""
    validator = _validator(pattern)
    return validator is not None and validator.isinstance_python(text)
