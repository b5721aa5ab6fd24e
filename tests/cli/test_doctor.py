"""`stratum doctor` in words and as JSON, with an exit code a script can use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli._command import Done
from tests.support.jobs import Job

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def home(job: Job, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and this environment's commands on PATH."""
    folder = job.folder.parent / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(folder / "keys"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin")
    return folder


def test_all_is_well_ends_with_0_and_changes_nothing(
    home: Path, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATUM_MODEL", "offline")
    done = stratum("doctor")
    assert (done.code, done.out.splitlines()[-1]) == (0, "All is well.")
    assert [*home.rglob("*")] == []


def test_a_fault_ends_with_1_and_says_what_where_and_what_to_do(
    home: Path, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "policy.yaml").write_text("max_usd: lots\n", "utf-8")
    monkeypatch.setenv("STRATUM_POLICY", str(home / "policy.yaml"))
    done = stratum("doctor")
    assert done.code == 1
    assert "FAULT settings: the policy file" in done.out
    assert f"STRATUM_POLICY={home / 'policy.yaml'}" in done.out
    assert "1 to mend." in done.out
    record = stratum("doctor", "--json").record()
    assert record["ok"] is False
    fault = next(each for each in record["findings"] if each["state"] == "fault")
    assert {*fault} == {"check", "state", "what", "where", "remedy"}
    assert fault["check"] == "settings"
