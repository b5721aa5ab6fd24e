"""Documents, the modules made from them, and such a module imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from stratum_core.checks import check
from stratum_core.codegen import generate
from stratum_core.ir import Document, load
from stratum_core.specs import Program

__all__ = ["DOCUMENTS", "imported", "made", "parts_of"]

_ROOT = Path(__file__).parents[3]
_FOLDERS = (Path(__file__).parent, _ROOT / "tests/corpus/ok", _ROOT / "tests/corpus/ir", _ROOT / "examples")


def parts_of(text: str) -> tuple[Document, Program]:
    """Return a document and its program."""
    document, program = load(text).document, check(text).program
    assert document is not None
    assert program is not None, check(text).diagnostics
    return document, program


def made(text: str, *, made_from: str = "a.stratum.yaml", flow: str | None = None) -> str:
    """Return the module of a document."""
    document, program = parts_of(text)
    return generate(document, program, made_from=made_from, flow=flow)


def imported(text: str, folder: Path, name: str) -> ModuleType:
    """Import a module's text under a name of its own."""
    file = folder / f"{name}.py"
    file.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(f"made_{name}_{folder.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[module.__name__]
    return module


def _whole(path: Path) -> bool:
    return check(path.read_text("utf-8")).program is not None


DOCUMENTS: dict[str, str] = {
    path.name.split(".")[0]: path.read_text("utf-8")
    for folder in _FOLDERS
    for path in sorted([*folder.glob("*.stratum.yaml"), *folder.glob("*.stratum.json")])
    if _whole(path)
}
"""Every document of the corpus and the examples that is a whole program, by name."""
