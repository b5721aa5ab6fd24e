"""Promises about the testing kit."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["TESTING"]

KIT = ("docs/testing.md", "Testing programs that call models")
PYTEST = ("docs/testing.md", "pytest")

TESTING = (
    promise(
        "testing.cassettes",
        "A cassette plays what was recorded and asks nobody, fails on a miss and on a call not made, and holds no key",
        PYTEST,
        "core/testing/test_cassette.py",
    ),
    promise(
        "testing.faults",
        "Each fault of a provider can be put before any client, and a program meets it as it would meet the real one",
        KIT,
        "core/testing/test_faults.py",
    ),
    promise(
        "testing.plugin",
        "pytest finds fixtures for scripts, cassettes and a clock; what a script has left over fails the test",
        PYTEST,
        "core/testing/test_plugin.py",
    ),
    promise(
        "testing.scripts",
        "A scripted client is kept to: an unexpected request and an unused step are failures; its answers are values "
        "of the function's type, and text is what the model said",
        KIT,
        "core/testing/test_script.py",
        "core/testing/test_script_values.py",
    ),
)
