"""What a runner's exit status says when it cannot work: another has the run, or a shared file was busy too long."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from stratum_core.journal import ControlStore, _files
from stratum_core.runtime import worker


def test_a_control_file_that_stays_busy_is_not_taken_for_a_run_that_another_runner_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    control = ControlStore.open(tmp_path)
    monkeypatch.setattr(_files, "PATIENCE_S", 0.01)
    with FileLock(control.path.with_suffix(".lock")):
        assert worker.main(["--state-dir", str(tmp_path), "--run", "run_1"]) == 74
    assert "journal_busy" in caplog.text
