"""The language-neutral files: every document has exactly the diagnostics, hashes and plan text its file tells."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.ir import dump, load
from tests.core.ir.make_conformance import FOLDER, Case, cases, expected

CASES: Mapping[str, Case] = {case.name: case for case in cases()}


def told(name: str) -> dict[str, JsonValue]:
    """Return what the file of a document says."""
    found: dict[str, JsonValue] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_document_is_what_its_file_tells(name: str) -> None:
    assert expected(CASES[name]) == told(name)


def test_the_files_show_valid_documents_refused_ones_and_plans() -> None:
    files = [told(name) for name in CASES]
    assert len(files) >= 10
    assert sum("ir_hash" in file for file in files) >= 5
    assert sum("plan" in file for file in files) >= 4
    assert sum("repaired" in file for file in files) >= 1
    assert sum("ir_hash" not in file for file in files) >= 4


def test_the_same_meaning_has_the_same_hash_and_another_has_not() -> None:
    first, same, other = (
        told(name) for name in ("compute_only", "compute_only_as_json", "compute_only_other_minimum")
    )
    assert (first["ir_hash"], first["functions"]) == (same["ir_hash"], same["functions"])
    assert first["ir_hash"] != other["ir_hash"]
    assert first["contracts"] != other["contracts"]


@pytest.mark.parametrize("name", [name for name in CASES if "canonical" in told(name)])
def test_the_canonical_layout_keeps_the_meaning_and_is_its_own_canonical_layout(name: str) -> None:
    layout = str(told(name)["canonical"])
    document = load(layout).document
    assert document is not None
    assert dump(document) == layout
    program = check(layout, limits=CASES[name].limits).program
    assert program is not None
    assert program.ir_hash == told(name)["ir_hash"]


def test_the_readme_tells_of_every_key() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    keys = {key for name in CASES for key in told(name)}
    assert [key for key in keys if f"`{key}`" not in readme] == []
