"""Packages whose parts are imported when they are asked for: the list they keep is that of the imports beside it."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stratum_core.late import late

ROOT = Path(__file__).parents[2] / "stratum_core"
PACKAGES = sorted(
    ".".join(path.relative_to(ROOT.parent).parent.parts)
    for path in ROOT.rglob("__init__.py")
    if "late(" in path.read_text()
)


def shown_to_type_checkers(package: ModuleType) -> dict[str, str]:
    """Return the module of each public name, as the imports under `TYPE_CHECKING` say."""
    tree = ast.parse(Path(str(package.__file__)).read_text())
    return {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and str(node.module) != "stratum_core.late"
        and str(node.module).startswith(f"{package.__name__}.")
        for alias in node.names
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_of_a_late_package_comes_from_where_type_checkers_see_it(name: str) -> None:
    package = importlib.import_module(name)
    places = shown_to_type_checkers(package)
    assert sorted(places) == sorted(package.__all__)
    for public, place in places.items():
        assert getattr(package, public) is getattr(importlib.import_module(place), public)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a late package with two modules; one of them cannot be imported."""
    folder = tmp_path / "late_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from stratum_core.late import late\n"
        '__getattr__ = late(__name__, {"_good": "one two", "_broken": "three"})\n'
    )
    (folder / "_good.py").write_text("one, two = object(), object()\n")
    (folder / "_broken.py").write_text("raise RuntimeError('not this one')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for module in ("late_sample", "late_sample._good", "late_sample._broken"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module("late_sample")


def test_a_name_loads_its_own_module_and_no_other_and_stays(package: ModuleType) -> None:
    assert "late_sample._good" not in sys.modules
    assert package.one is package.one
    assert "one" in vars(package)
    assert "late_sample._broken" not in sys.modules
    with pytest.raises(RuntimeError, match="not this one"):
        _ = package.three


def test_a_name_that_is_in_no_list_is_missing_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'somewhere' has no attribute 'four'$"):
        late("somewhere", {"_good": "one"})("four")
