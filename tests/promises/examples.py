"""Promises about the examples of the Python library."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["EXAMPLES"]

EXAMPLES: tuple[Promise, ...] = (
    promise(
        "examples.python",
        "Each example of the library runs as it stands without a key, through a provider's client with one, ends with "
        "what it used, and passes strict type checkers",
        ("examples/README.md", "Python"),
        "docs/test_examples.py",
    ),
    promise(
        "examples.usage",
        "`usage_of` adds up what calls used: requests, tokens and dollars, simulated and unknown ones marked",
        ("docs/traces.md", "Trace records"),
        "core/trace/test_usage.py",
    ),
)
