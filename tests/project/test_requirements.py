"""Promises and tests, both ways: each promise has tests that exist, each test file serves a promise."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.requirements import PARTS, REQUIREMENTS
from tests.support.pages import ROOT, headings, pages, section, table_rows

SUPPORT = ROOT / "tests" / "support"
UNPROMISED: tuple[str, ...] = ()
"""Test files that serve no promise, each with its reason beside it."""

SECURITY_ROWS = tuple(
    row
    for heading in headings(ROOT / "SECURITY.md")
    if "| attack |" in (text := section(ROOT / "SECURITY.md", heading))
    for row in table_rows(text, "attack")
)

CONFORMANCE = ROOT / "docs" / "conformance.md"
SHOWN_ROWS = tuple(
    row
    for heading, first in (
        ("Rules", "rule"),
        ("Defects that are not here", "defect"),
        ("Figures", "what is tried"),
    )
    for row in table_rows(section(CONFORMANCE, heading), first)
)


@cache
def _tests(path: Path) -> frozenset[str]:
    """Return the tests of a file: functions, methods as `Class::method`, and classes."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            found.add(node.name)
            found.update(f"{node.name}::{name}" for name in _functions(node.body))
    return frozenset(found | _functions(ast.parse(path.read_text("utf-8")).body))


def _functions(body: list[ast.stmt]) -> set[str]:
    return {
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@cache
def _texts(path: Path) -> frozenset[str]:
    """Return the text literals of a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _fault(node_id: str) -> str | None:
    """Return what is wrong with a node id; the name of a case has to stand in the file or in the support files."""
    file, _, rest = node_id.partition("::")
    name, _, case = rest.partition("[")
    path = ROOT / file
    if not path.is_file():
        return f"{node_id}: there is no such file"
    if name and name not in _tests(path):
        return f"{node_id}: there is no such test"
    if case and not any(case.removesuffix("]") in _texts(each) for each in (path, *SUPPORT.glob("*.py"))):
        return f"{node_id}: there is no such case"
    return None


def _test_files() -> set[str]:
    files = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
    return {path.as_posix() for path in files if "node_modules" not in path.parts}


def test_every_named_test_exists() -> None:
    assert [fault for entry in REQUIREMENTS for test in entry.tests if (fault := _fault(test))] == []


def test_every_promise_is_made_where_it_says() -> None:
    missing = [
        f"{entry.id}: {entry.page} has no heading {entry.heading!r}"
        for entry in REQUIREMENTS
        if not (ROOT / entry.page).is_file() or entry.heading not in headings(ROOT / entry.page)
    ]
    assert missing == []


def test_every_promise_names_a_test_and_names_it_once() -> None:
    assert [
        entry.id for entry in REQUIREMENTS if not entry.tests or len({*entry.tests}) < len(entry.tests)
    ] == []


def test_every_test_file_serves_a_promise_or_says_why_not() -> None:
    named = {test.partition("::")[0] for entry in REQUIREMENTS for test in entry.tests}
    assert sorted(_test_files() - named - {*UNPROMISED}) == []
    assert {*UNPROMISED} - _test_files() == set()


def test_ids_are_unique_and_sorted() -> None:
    ids = [entry.id for entry in REQUIREMENTS]
    assert len({*ids}) == len(ids)
    for name, part in PARTS.items():
        assert [entry.id for entry in part] == sorted(entry.id for entry in part), name


def test_every_row_of_the_readmes_promises_is_one() -> None:
    rows = table_rows((ROOT / "README.md").read_text("utf-8"), "promise")
    told = {entry.sentence for entry in REQUIREMENTS if entry.page == "README.md"}
    assert [promised for promised, _ in rows if promised not in told] == []
    assert len(rows) > 5


def test_every_page_that_promises_behaviour_is_the_source_of_a_promise() -> None:
    sources = {entry.page for entry in REQUIREMENTS}
    expected = {
        page.relative_to(ROOT).as_posix() for page in pages() if page.parent.name in {"docs", "decisions"}
    }
    silent = {
        "docs/decisions/0001-record-decisions.md",  # about the records themselves
        "docs/glossary.md",  # words, no behaviour
    }
    assert expected - sources - silent == set()


def test_every_attack_that_is_tried_in_a_file_of_its_own_stands_in_the_threat_model() -> None:
    shown = " ".join(row[2] for row in SECURITY_ROWS)
    tried = {path.name for path in (ROOT / "tests" / "hardening").glob("test_*.py")}
    assert len(SECURITY_ROWS) > 40
    assert {name for name in tried if f"hardening/{name}::" not in shown} == set()


@pytest.mark.parametrize("row", SECURITY_ROWS, ids=lambda row: str(row[0]))
def test_what_stops_an_attack_is_shown_by_tests_that_exist(row: tuple[str, ...]) -> None:
    attack, stopped_by, shown_by = row
    tests = re.findall(r"`([^`]+)`", shown_by)
    assert (bool(attack), bool(stopped_by), bool(tests)) == (True, True, True)
    assert [fault for test in tests if (fault := _fault(f"tests/{test}"))] == []


@pytest.mark.parametrize("row", SHOWN_ROWS, ids=lambda row: str(row[0]))
def test_a_rule_of_the_library_is_shown_by_tests_that_exist(row: tuple[str, ...]) -> None:
    tests = re.findall(r"`([^`]+)`", row[-1])
    assert all((*row, tests))
    assert [fault for test in tests if (fault := _fault(f"tests/{test}"))] == []


def test_every_table_of_the_librarys_conformance_is_read() -> None:
    assert len(table_rows(section(CONFORMANCE, "Rules"), "rule")) > 50
    assert len(table_rows(section(CONFORMANCE, "Defects that are not here"), "defect")) == 12
    assert len(table_rows(section(CONFORMANCE, "Figures"), "what is tried")) == 3


def test_a_promise_with_a_wrong_test_file_or_case_is_found() -> None:
    here = "tests/project/test_requirements.py"
    assert _fault(f"{here}::test_ids_are_unique_and_sorted") is None
    assert (
        _fault(f"{here}::test_that_does_not_exist")
        == f"{here}::test_that_does_not_exist: there is no such test"
    )
    assert _fault("tests/test_none.py") == "tests/test_none.py: there is no such file"
    assert (_fault(f"{here}::test_every_named_test_exists[no {'such'} case]") or "").endswith(
        "there is no such case"
    )
