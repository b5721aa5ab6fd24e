"""Generated modules: what is imported, checked by tools, and read back is the document they were made from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stratum_core.codegen import read_module
from stratum_core.contracts import contract_hash
from stratum_core.ir import dump, ir_hash
from stratum_core.llm import template_hash
from stratum_core.specs import InferSpec
from tests.core.codegen._made import DOCUMENTS, imported, made, parts_of

# PIE790 would take the dots of a stub with a docstring; a type checker needs them.
_COMMON_RULES = "E,F,W,I,UP,B,C4,SIM,PIE,N,RUF100,S102,S307"
_ROOT = Path(__file__).parents[3]


def test_the_corpus_is_a_corpus() -> None:
    assert len(DOCUMENTS) >= 40


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_an_imported_module_has_the_hashes_of_its_document(name: str, tmp_path: Path) -> None:
    _, program = parts_of(DOCUMENTS[name])
    module = imported(made(DOCUMENTS[name]), tmp_path, name)

    for contract, record in program.contracts.items():
        assert getattr(module, contract).contract_hash == contract_hash(record)
    for function, spec in program.functions.items():
        own = getattr(module, function).spec
        assert own.function_hash == spec.function_hash, function
        if isinstance(spec, InferSpec):
            assert template_hash(own) == template_hash(spec)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_module_is_read_back_as_the_very_same_document(name: str) -> None:
    _, program = parts_of(DOCUMENTS[name])

    assert ir_hash(read_module(made(DOCUMENTS[name]))) == program.ir_hash


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_second_generation_is_the_first(name: str) -> None:
    second = made(dump(read_module(made(DOCUMENTS[name]))))
    third = made(dump(read_module(second)))

    assert third == second
    assert _code(second) == _code(made(DOCUMENTS[name]))


def _code(text: str) -> list[str]:
    """Return a module's lines without its header, and without comments about steps."""
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("# ir"))
    return [line for line in lines[start:] if "# " not in line]


def test_modules_are_formatted_and_pass_common_rules(tmp_path: Path) -> None:
    for name, text in DOCUMENTS.items():
        (tmp_path / f"{name}_made.py").write_text(made(text), "utf-8")

    formatted = _tool("ruff", "format", "--isolated", "--check", "--diff", str(tmp_path))
    assert formatted.returncode == 0, formatted.stdout
    first_party = 'lint.isort.known-first-party=["stratum_core"]'
    checked = _tool(
        "ruff",
        "check",
        "--isolated",
        "--select",
        _COMMON_RULES,
        "--ignore",
        "PIE790",
        "--config",
        first_party,
        str(tmp_path),
    )
    assert checked.returncode == 0, checked.stdout
    assert max(len(line) for file in tmp_path.glob("*.py") for line in file.read_text().splitlines()) <= 88


@pytest.mark.slow
def test_modules_pass_strict_type_checkers(tmp_path: Path) -> None:
    for name, text in DOCUMENTS.items():
        (tmp_path / f"{name}_made.py").write_text(made(text), "utf-8")
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(_ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(str(settings).replace("'", '"'), "utf-8")

    checked = _tool("pyright", "--pythonpath", sys.executable, "-p", str(tmp_path))
    assert checked.returncode == 0, checked.stdout
    mypy = ("mypy", "--strict", "--disable-error-code=empty-body", "--cache-dir", str(tmp_path / "cache"))
    again = _tool(*mypy, *map(str, sorted(tmp_path.glob("*_made.py"))))
    assert again.returncode == 0, again.stdout


def _tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", name, *arguments], capture_output=True, text=True, check=False, timeout=100
    )
