"""The commands of the Makefile on machines that lack something: each says what is missing and what to do."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROMISED = {"help", "setup", "fmt", "lint", "types", "imports", "test", "cov", "bench", "docs", "demo", "all"}


def _make(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call make as a person would, not as a child of the make that may be running the tests."""
    make = shutil.which("make")
    assert make is not None
    inherited = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    }
    inherited.pop("STRATUM_REQUIRE_CLAUDE", None)
    return subprocess.run(
        [make, "--no-print-directory", *arguments],
        cwd=root,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_make_alone_lists_every_command(root: Path) -> None:
    listed = set(re.findall(r"^ {2}make ([a-z-]+)", _make(root).stdout, re.MULTILINE))
    assert PROMISED - listed == set()


def test_an_old_python_is_refused_with_the_way_out(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.1" && exit 0\nexit 1\n', "utf-8")
    old.chmod(0o755)
    done = _make(root, "setup", f"PYTHON={old}", f"VENV={tmp_path}/venv")
    assert done.returncode != 0
    assert f"needs Python 3.11 or newer, but '{old}' is Python 3.9.1" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_without_npm_the_client_tests_are_announced_as_skipped(root: Path, tmp_path: Path) -> None:
    done = _make(root, "setup-client", f"CLIENT={tmp_path}", f"OTHERS={tmp_path}", PATH=str(tmp_path))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "The tests that drive the real Claude Code client and other clients will be skipped: npm is not on PATH.",
    )


def test_a_required_client_that_cannot_be_installed_stops_the_tests(root: Path, tmp_path: Path) -> None:
    done = _make(
        root,
        "setup-client",
        f"CLIENT={tmp_path}",
        f"OTHERS={tmp_path}",
        PATH=str(tmp_path),
        STRATUM_REQUIRE_CLAUDE="1",
    )
    assert done.returncode != 0
    assert "STRATUM_REQUIRE_CLAUDE=1" in done.stderr


@pytest.mark.parametrize("script", [".ci/run", "requirements/lock.sh"])
def test_scripts_are_executable_and_parse(root: Path, script: str) -> None:
    assert os.access(root / script, os.X_OK)
    bash = shutil.which("bash")
    assert bash is not None
    checked = subprocess.run(
        [bash, "-n", root / script], capture_output=True, text=True, check=False, timeout=10
    )
    assert checked.stderr == ""
