"""Promises about installing for a client, about finding what is wrong, and about providers' keys."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["INSTALL"]

PAGE = "docs/install.md"
CLIENT = (PAGE, "For Claude Code")
FILES = (PAGE, "What happens to your files")
DOCTOR = (PAGE, "Doctor")
MODELS = (PAGE, "Models without and with a key")
DECISION = (
    "docs/decisions/0023-settings-are-edited-in-place.md",
    "23. Settings of other programs are edited in place, and comments are refused",
)

INSTALL: tuple[Promise, ...] = (
    promise(
        "install.client",
        "After `stratum install` a session of the real client has the tools, told by its commands or its files alone",
        CLIENT,
        "claude/test_install_session.py",
        "cli/test_install.py",
    ),
    promise(
        "install.decided",
        "Only the characters of our members change; what has another's name or cannot be read stops the installation",
        DECISION,
        "install/test_json_text.py",
        "install/test_mangled.py::test_it_is_left_as_it_is_and_the_reason_is_said",
    ),
    promise(
        "install.doctor",
        "Each thing that can be wrong is found with its place and its remedy, and the exit code tells",
        DOCTOR,
        "cli/test_doctor.py",
        "install/test_doctor.py",
    ),
    promise(
        "install.files",
        "Files are changed whole or not at all, copied before, and are again what they were after `uninstall`",
        FILES,
        "cli/test_install.py",
        "install/test_json_text.py",
        "install/test_mangled.py",
        "install/test_writing.py",
    ),
    promise(
        "install.keys",
        "Keys are typed, never arguments; the environment comes before the keyring; no file, error or reply holds one",
        MODELS,
        "cli/test_keys.py",
        "core/engine/test_stored_keys.py",
        "core/llm/test_key_store.py",
    ),
    promise(
        "install.three_ways",
        "When no model can be used, every surface says the three ways to one",
        MODELS,
        "core/engine/test_stored_keys.py::test_the_library_says_the_three_ways_when_nothing_is_configured",
        "core/plan/test_build.py::test_no_model_at_all_is_explained",
        "install/test_doctor.py::TestConfiguration::test_a_missing_key_comes_with_the_three_ways_to_a_model",
    ),
)
