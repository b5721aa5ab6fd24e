"""Every code has a bad document, everything said about it is pinned, and every fix mends what it is attached to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stratum_core.checks import CATALOGUE, check
from tests.core.checks._support import BAD, BadDocument, apply, bad_documents, shown

DOCUMENTS: Mapping[str, BadDocument] = {document.name: document for document in bad_documents()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_document_gets_exactly_its_diagnostics(name: str) -> None:
    document = DOCUMENTS[name]
    assert [shown(found) for found in document.check()] == document.expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_document_shows_the_code_it_is_named_after(name: str) -> None:
    assert DOCUMENTS[name].code in {found["code"] for found in DOCUMENTS[name].expected}


def test_every_code_has_a_bad_document() -> None:
    assert {document.code for document in DOCUMENTS.values()} == set(CATALOGUE)


def fixes() -> list[tuple[str, int]]:
    return [
        (name, index)
        for name, document in DOCUMENTS.items()
        for index, found in enumerate(document.check())
        if found.fix is not None
    ]


@pytest.mark.parametrize(("name", "index"), fixes())
def test_a_fix_removes_its_diagnostic(name: str, index: int) -> None:
    document = DOCUMENTS[name]
    found = document.check()[index]
    assert found.fix is not None
    mended = BadDocument(
        name=name,
        text=apply(document.text, found.fix),
        expected=[],
        limits=document.limits,
    )
    left = {(other.code, other.path, other.message) for other in mended.check()}
    assert (found.code, found.path, found.message) not in left


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_place_lies_inside_the_document(name: str) -> None:
    document = DOCUMENTS[name]
    lines = document.text.splitlines() or [""]
    for found in document.check():
        assert 1 <= found.line <= len(lines) + 1
        assert 1 <= found.column < found.end_column


GOOD = sorted((BAD.parent / "ok").glob("*.stratum.yaml"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name.partition(".")[0])
def test_a_good_document_has_no_findings(path: Path) -> None:
    checked = check(path.read_bytes())
    assert checked.diagnostics == ()
    assert checked.program is not None
