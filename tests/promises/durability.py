"""Promises about what outlasts crashes: the chaos suite, the audit trail, keeping and removing."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["DURABILITY"]

PROMISED = ("docs/durability.md", "What is promised")
CHAOS = ("docs/durability.md", "The chaos suite")

DURABILITY = (
    promise(
        "durability.chaos",
        "Runs that are killed, stopped, starved and raced end as the undisturbed one, and nothing is paid twice",
        CHAOS,
        "chaos/test_chaos.py",
    ),
    promise(
        "durability.killed_writers",
        "A file that a killed process left half written is read as it was before",
        PROMISED,
        "core/journal/test_killed_writers.py",
    ),
)
