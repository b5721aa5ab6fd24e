"""File modes, seen as an ordinary account sees them: root, as which tests may run, is stopped by none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a whole job left behind, made by an ordinary account with a umask that forbids nothing."""
    folder = tmp_path_factory.mktemp("ordinary")
    for parent in folder.parents[:3]:  # pytest keeps its own, two or three of them, to whoever started it
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "-m", "tests.hardening._ordinary", str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    told: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        told.update(json.loads(line))
    return told


@pytest.mark.slow
def test_everything_in_the_state_directory_is_for_its_owner_only(found: dict[str, Any]) -> None:
    assert found["uid"] != 0
    assert found["status"] == 0
    folders = {name: mode for name, mode in found["modes"].items() if mode.startswith("0o7")}
    assert set(folders) == {".", "runs"}
    assert set(folders.values()) == {"0o700"}
    assert set(found["modes"].values()) - {"0o700"} == {"0o600"}
    assert len(found["modes"]) > 6


@pytest.mark.slow
def test_another_account_can_read_none_of_it(found: dict[str, Any]) -> None:
    assert found["open"] == []


@pytest.mark.slow
def test_files_without_rights_and_directories_with_too_many_are_refused_in_our_own_words(
    found: dict[str, Any],
) -> None:
    assert found["refused"] == {
        "unreadable data": "invalid_input",
        "state that cannot be written": "journal_error",
        "state for all": "journal_error",
    }
