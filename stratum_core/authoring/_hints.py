"""Hints: warnings about definitions that work and could be cheaper, faster or clearer."""

from __future__ import annotations

import warnings

from stratum_core.authoring._places import caller_line

__all__ = ["StratumHint", "hint"]


class StratumHint(UserWarning):
    """A definition works, and could be cheaper, faster or clearer; silence it like any Python warning."""


def hint(message: str, *, at: tuple[str, int] | None = None) -> None:
    """Give a hint about the code that is being decorated, or about a file and line."""
    file, line = caller_line() if at is None else at
    warnings.warn_explicit(message, StratumHint, file, line)
