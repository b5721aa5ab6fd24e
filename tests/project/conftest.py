"""The checkout under test, and what of it counts as the project's own text."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def own_files(root: Path) -> tuple[Path, ...]:
    """Every file that is, or with the next commit would be, under version control."""
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    paths = {root / name.decode() for name in listed.stdout.split(b"\0") if name}
    return tuple(sorted(path for path in paths if path.is_file()))
