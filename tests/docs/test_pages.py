"""Pages that cannot rot: generated parts are fresh, links lead somewhere, documents in them are right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stratum_core.approval import load_policy
from stratum_core.checks import check
from tests.support.pages import ROOT, Fence, fences, headings, links, pages, section, table_rows
from tools.write_docs import generated

FENCES = [fence for page in pages() for fence in fences(page)]
DOCUMENTS = [fence for fence in FENCES if fence.text.startswith("stratum:")]


def test_pages_and_tables_made_from_the_code_are_fresh() -> None:
    stale = [path.name for path, text in generated().items() if path.read_text("utf-8") != text]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken: list[str] = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in {_anchor(text) for text in headings(target)}):
            broken.append(link)
    assert broken == []


def _anchor(heading: str) -> str:
    """Return the anchor a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_a_link_out_of_the_pages_is_encrypted() -> None:
    assert [link for page in pages() for link in links(page) if link.startswith("http:")] == []


def test_there_are_whole_documents_to_check() -> None:
    assert "stratum_core/ir/guide.md" in {fence.page for fence in DOCUMENTS}


@pytest.mark.parametrize("fence", DOCUMENTS, ids=lambda fence: fence.page)
def test_a_whole_document_on_a_page_has_no_findings(fence: Fence) -> None:
    assert [found.message for found in check(fence.text).diagnostics] == []


def test_the_policy_file_on_its_page_is_read_and_shows_every_key(tmp_path: Path) -> None:
    (fence,) = (each for each in FENCES if each.page == "docs/policy.md" and each.language == "yaml")
    path = tmp_path / "policy.yaml"
    path.write_text(fence.text, "utf-8")
    path.chmod(0o600)
    policy = load_policy(path)
    left_out = [name for name in policy.__slots__ if getattr(policy, name) in (None, (), {})]
    assert left_out == []


@pytest.mark.parametrize(
    "spec", sorted((ROOT / "examples").glob("*.stratum.yaml")), ids=lambda spec: spec.name
)
def test_an_example_is_told_of_on_its_page_and_has_no_findings(spec: Path) -> None:
    assert spec.name in (ROOT / "examples" / "README.md").read_text("utf-8")
    assert [found.message for found in check(spec.read_text("utf-8")).diagnostics] == []


def test_the_changelog_has_an_unreleased_section_with_outcomes() -> None:
    assert len(section(ROOT / "CHANGELOG.md", "Added").strip().splitlines()) > 1
    assert headings(ROOT / "CHANGELOG.md")[1] == "[Unreleased]"


def test_the_page_of_stages_names_the_stages_that_the_import_order_names() -> None:
    """The order itself is checked by `make imports`; a stage that holds no code yet is said to hold none."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "stages")
    named = {name for layer in layers for name in re.findall(r"\w+", layer)}
    rows = table_rows((ROOT / "docs" / "architecture.md").read_text("utf-8"), "stage")
    told = {name: holds for stages, holds in rows for name in re.findall(r"`(\w+)`", stages)}
    assert set(told) == named | {"stratum_mcp"}
    core = ROOT / "stratum_core"
    absent = {name for name in named if not (core / name).is_dir() and not (core / f"{name}.py").is_file()}
    assert {name for name, holds in told.items() if "no code yet" in holds} == absent


def test_every_command_of_the_makefile_named_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        target
        for page in pages()
        for words in re.findall(r"(?:`|^)make ([a-z ]+)", page.read_text("utf-8"), re.MULTILINE)
        for target in words.split()
    }
    assert named - targets == set()


def test_no_page_has_a_place_left_to_fill() -> None:
    assert [page.name for page in pages() if re.search(r"\{\{[A-Z]+\}\}", page.read_text("utf-8"))] == []
