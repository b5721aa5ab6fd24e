"""What a reader may rely on in every file: size, public names, forbidden calls, honest locks."""

import ast
import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

PACKAGES = ("stratum_core", "stratum_mcp")
# Written in two halves, so that this file passes its own check.
REGISTRY_HOSTS = tuple(
    left + right
    for left, right in (
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("registry.npmjs", ".org"),
        ("registry.yarnpkg", ".com"),
    )
)
PLACE_OF_ONE_MACHINE = re.compile(rb"(?<![\w.*-])/(?:home|root|work|Users|mnt)/\w")
RUNS_TEXT_AS_CODE = {"eval", "exec", "__import__"}
UNSAFE_LOADERS = {"pickle", "marshal", "shelve", "dill"}


@pytest.fixture(scope="session")
def sources(own_files: tuple[Path, ...], root: Path) -> dict[Path, ast.Module]:
    """The parsed Python files of the two packages, by path from the top."""
    return {
        path.relative_to(root): ast.parse(path.read_text("utf-8"))
        for path in own_files
        if path.suffix == ".py" and path.relative_to(root).parts[0] in PACKAGES
    }


@pytest.fixture(scope="session")
def pyproject(root: Path) -> dict[str, Any]:
    """The project file as data."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _public_bindings(tree: ast.Module, module: str) -> set[str]:
    """Public names the module defines, or re-exports from its own files."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ImportFrom(module=str(source), names=imported) if source.startswith(f"{module}."):
                names.update(alias.asname or alias.name for alias in imported)
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def _imported(node: ast.AST) -> list[str]:
    """Names of the modules a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _declared_all(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return list(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                return list(ast.literal_eval(value))
            case _:
                pass
    return None


def test_no_python_file_is_longer_than_500_lines(own_files: tuple[Path, ...]) -> None:
    assert {
        path.name: _lines(path) for path in own_files if path.suffix == ".py" and _lines(path) > 500
    } == {}


def test_the_readme_fits_in_150_lines_and_a_decision_in_40(root: Path) -> None:
    limits = {root / "README.md": 150} | dict.fromkeys((root / "docs" / "decisions").glob("*.md"), 40)
    assert {path.name: _lines(path) for path, limit in limits.items() if _lines(path) > limit} == {}


def test_decisions_are_numbered_without_gaps(root: Path) -> None:
    numbers = sorted(int(path.name[:4]) for path in (root / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_no_file_names_a_package_registry(own_files: tuple[Path, ...], root: Path) -> None:
    named = {
        str(path.relative_to(root)): host
        for path in own_files
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    }
    assert named == {}


def test_no_file_names_a_place_of_one_machine(own_files: tuple[Path, ...], root: Path) -> None:
    named = {
        str(path.relative_to(root)): match[0].decode()
        for path in own_files
        if (match := PLACE_OF_ONE_MACHINE.search(path.read_bytes()))
    }
    assert named == {}


def test_the_packages_never_run_text_as_code(sources: dict[Path, ast.Module]) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in RUNS_TEXT_AS_CODE
    ]
    assert found == []


def test_the_packages_import_no_loader_that_can_run_code(sources: dict[Path, ast.Module]) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and UNSAFE_LOADERS & {alias.name for alias in node.names})
        or (isinstance(node, ast.ImportFrom) and node.module in UNSAFE_LOADERS)
    ]
    assert found == []


def test_nothing_inside_imports_from_the_front_door(sources: dict[Path, ast.Module]) -> None:
    """`from stratum_core import x` would go around the order of the stages, which is checked by module."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in PACKAGES
    ]
    assert found == []


def test_only_the_command_line_imports_what_draws_on_a_terminal(sources: dict[Path, ast.Module]) -> None:
    """The server's standard output is the protocol."""
    found = {
        path.parent.as_posix()
        for path, tree in sources.items()
        for node in ast.walk(tree)
        for name in _imported(node)
        if name.partition(".")[0] in {"click", "rich"}
    }
    assert found == {"stratum_mcp/cli"}


def test_every_package_and_public_module_lists_exactly_its_public_names(
    sources: dict[Path, ast.Module],
) -> None:
    problems: list[str] = []
    for path, tree in sources.items():
        if any(part.startswith("_") and part != "__init__.py" for part in path.parts):
            continue
        declared = _declared_all(tree)
        if declared is None:
            problems.append(f"{path}: no __all__")
            continue
        defined = _public_bindings(tree, _module(path))
        problems += [f"{path}: {name} is not in __all__" for name in sorted(defined - set(declared))]
        module = importlib.import_module(_module(path))
        problems += [
            f"{path}: {name} of __all__ is missing" for name in declared if not hasattr(module, name)
        ]
    assert problems == []


def test_every_package_keeps_its_files_private(root: Path, pyproject: dict[str, Any]) -> None:
    guarded = {
        allowed
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract["type"] == "protected"
        and contract["protected_modules"] == [f"{contract['allowed_importers'][0]}.*"]
        for allowed in contract["allowed_importers"]
    }
    packages = {
        _module(path.relative_to(root))
        for top in PACKAGES
        for path in (root / top).rglob("*/__init__.py")
        if len(list(path.parent.glob("*.py"))) > 1
    }
    assert packages - guarded == set()


def test_the_lock_satisfies_what_the_project_declares(root: Path, pyproject: dict[str, Any]) -> None:
    locked = dict(
        re.findall(
            r"^([a-z0-9-]+)==([^ ;]+)",
            (root / "requirements" / "runtime.txt").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    declared = [Requirement(text) for text in pyproject["project"]["dependencies"]]
    declared += [Requirement(text) for text in pyproject["project"]["optional-dependencies"]["offline"]]
    assert [
        str(each) for each in declared if not each.specifier.contains(locked.get(each.name.lower(), "0"))
    ] == []


def test_every_runtime_dependency_has_its_reason(root: Path, pyproject: dict[str, Any]) -> None:
    reasons = (root / "docs" / "decisions" / "0003-runtime-dependencies.md").read_text("utf-8")
    names = [Requirement(text).name for text in pyproject["project"]["dependencies"]]
    assert [name for name in names if not re.search(rf"^\| {name}\b", reasons, re.MULTILINE)] == []


@pytest.mark.parametrize("stolen", ["1.82.7", "1.82.8"])
def test_the_litellm_releases_that_stole_credentials_are_never_allowed(
    pyproject: dict[str, Any], stolen: str
) -> None:
    (litellm,) = (
        each for each in map(Requirement, pyproject["project"]["dependencies"]) if each.name == "litellm"
    )
    assert f"!={stolen}" in str(litellm.specifier)
