"""The catalogue explains every code the packages can report, and the page in docs is what it says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from stratum_core.checks import CATALOGUE, errors_page

ROOT = Path(__file__).parents[3]
CODE = re.compile(r'"([EWN][0-9]{3})"')


def test_the_catalogue_holds_exactly_the_codes_the_source_can_report() -> None:
    tables = {"_codes.py"}
    sources = [
        path
        for stage in ("checks", "ir")
        for path in (ROOT / "stratum_core" / stage).rglob("*.py")
        if path.name not in tables
    ]
    used = {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert set(CATALOGUE) == used


def test_codes_stand_in_order() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)


def test_every_code_has_a_title_an_explanation_and_a_remedy() -> None:
    for code, info in CATALOGUE.items():
        assert info.title, code
        assert info.explanation.endswith("."), code
        assert info.remedy.endswith("."), code


def test_the_page_of_errors_is_fresh() -> None:
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == errors_page()


def test_the_page_has_one_heading_for_each_code() -> None:
    headings = re.findall(r"^### ([EWN][0-9]{3}): ", errors_page(), flags=re.MULTILINE)
    assert sorted(headings) == list(CATALOGUE)


def test_the_page_is_written_by_running_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["checks", str(tmp_path / "errors.md")])
    runpy.run_module("stratum_core.checks", run_name="__main__")
    assert (tmp_path / "errors.md").read_text(encoding="utf-8") == errors_page()
