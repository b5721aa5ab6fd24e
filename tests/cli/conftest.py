"""The command line in a small project: in this process, in a process of its own, or with a person at a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli._command import Done, run_here
from tests.support.jobs import Job, make_job


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A project with a document and five rows, as the working directory."""
    made = make_job(tmp_path)
    monkeypatch.chdir(made.folder)
    for name in [name for name in os.environ if name.startswith(("STRATUM_", "CLAUDE"))]:
        monkeypatch.delenv(name)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def stratum(job: Job, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command in this process, without a terminal."""

    def run(*arguments: str) -> Done:
        return run_here(arguments, capfd)

    return run
