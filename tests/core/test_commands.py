"""The command that a person is told can be typed where they are: found, quoted, and about the right plans."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from stratum_core.commands import command_line
from stratum_core.engine import Settings

OWN = Path(sys.executable).parent
"""Where this installation's program is."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder for PATH that holds another program of the name."""
    folder = tmp_path / "other tools"
    folder.mkdir()
    program = folder / "stratum"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return folder


def test_the_bare_name_is_told_where_it_leads_here(tmp_path: Path) -> None:
    assert command_line("approve", "plan_1", path=str(OWN)) == "stratum approve plan_1"
    (tmp_path / "stratum").symlink_to(OWN / "stratum")
    assert command_line("approve", "plan_1", path=str(tmp_path)) == "stratum approve plan_1"


def test_where_path_lacks_it_or_leads_elsewhere_the_whole_path_is_told(elsewhere: Path) -> None:
    whole = f"{shlex.quote(str(OWN / 'stratum'))} approve plan_1"
    assert command_line("approve", "plan_1", path="") == whole
    assert command_line("approve", "plan_1", path=str(elsewhere)) == whole


def test_a_program_in_a_folder_with_a_space_is_quoted(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(elsewhere / "python"))
    assert shlex.split(command_line("resume", "run 1", path="")) == [
        str(elsewhere / "stratum"),
        "resume",
        "run 1",
    ]


def test_an_installation_without_the_program_tells_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert command_line("runs", path="") == "stratum runs"


def test_without_a_path_that_of_this_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(OWN))
    assert command_line("runs") == "stratum runs"


def test_a_state_directory_of_its_own_is_named_and_the_usual_one_is_not(tmp_path: Path) -> None:
    usual = Path(platformdirs.user_state_dir("stratum"))
    assert command_line("runs", state_dir=usual, path=str(OWN)) == "stratum runs"
    own = tmp_path / "a b"
    assert command_line("runs", state_dir=own, path=str(OWN)) == f"STRATUM_STATE_DIR='{own}' stratum runs"


def test_what_the_settings_tell_works_when_it_is_typed(tmp_path: Path) -> None:
    environ = {"STRATUM_STATE_DIR": str(tmp_path / "state dir"), "PATH": "/usr/bin:/bin"}
    command = Settings.from_environment(environ, cwd=tmp_path).command("show", "plan_000000000000")
    typed = subprocess.run(
        [shutil.which("sh") or "sh", "-c", command],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (typed.returncode, "there is no plan plan_000000000000" in typed.stderr) == (1, True), typed.stderr
    assert (tmp_path / "state dir" / "control.db").is_file()


def test_at_a_teams_server_nothing_is_told_of_a_machine_the_person_is_not_at(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, roots=(), environ={"PATH": os.defpath}, principal="alice")
    assert settings.command("approve", "plan_1") == "stratum approve plan_1"
