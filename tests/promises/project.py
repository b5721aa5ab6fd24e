"""Promises about the project itself: how it installs, what its files and pages keep to."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["PROJECT"]

TRY = ("README.md", "Try it: two commands")
LAYERS = ("AGENTS.md", "Layers")
STYLE = ("AGENTS.md", "Style")
TESTS = ("AGENTS.md", "Tests")
LOCKS = ("docs/decisions/0004-locked-dependencies.md", "4. Locks: uv resolves, plain pip installs")
NAME = ("docs/decisions/0002-distribution-name.md", "2. The distribution is `stratum-runtime`")

PROJECT: tuple[Promise, ...] = (
    promise(
        "project.bench",
        "`make bench` measures ours beside the peers, and shows that a killed run pays for nothing twice",
        ("AGENTS.md", "Commands"),
        "project/test_bench.py",
    ),
    promise(
        "project.examples",
        "The examples' documents have no findings, and the commands that show them work",
        ("examples/README.md", "Examples"),
        "docs/test_commands.py::test_a_command_that_costs_nothing_does_what_the_page_says",
        "docs/test_pages.py::test_an_example_is_told_of_on_its_page_and_has_no_findings",
    ),
    promise(
        "project.fakes",
        "The ports have fakes, so that nothing of ours is mocked",
        TESTS,
        "core/testing/test_script.py",
    ),
    promise(
        "project.files",
        "Files are short, public names are listed, and a stage's files are its own",
        STYLE,
        "project/test_repository.py",
    ),
    promise(
        "project.layers",
        "The core knows no surface, and importing it loads no client and opens no socket",
        LAYERS,
        "docs/test_pages.py::test_the_page_of_stages_names_the_stages_that_the_import_order_names",
        "project/test_imports.py::test_importing_the_library_loads_no_client_and_opens_no_socket",
    ),
    promise(
        "project.locks",
        "Everything installed is locked by hash, satisfies what is declared, and names no package index",
        LOCKS,
        "project/test_repository.py::test_no_file_names_a_package_registry",
        "project/test_repository.py::test_the_lock_satisfies_what_the_project_declares",
    ),
    promise(
        "project.machines_that_lack_something",
        "On a machine that lacks something the commands say what is missing and what to do",
        TRY,
        "project/test_makefile.py",
    ),
    promise(
        "project.nothing_is_reached",
        "The demonstration needs no key and no network after the install",
        TRY,
        "project/test_offline.py",
    ),
    promise(
        "project.pages",
        "Generated pages are fresh, links lead somewhere, and documents, figures and commands on pages are right",
        ("AGENTS.md", "Commands"),
        "docs/test_commands.py",
        "docs/test_pages.py",
        "docs/test_statements.py",
    ),
    promise(
        "project.promises",
        "Every promise has its tests, and every test file serves a promise",
        TESTS,
        "project/test_requirements.py",
    ),
    promise(
        "project.wheel",
        "One wheel holds both packages, complete, and runs where it is installed",
        NAME,
        "project/test_wheel.py",
    ),
)
