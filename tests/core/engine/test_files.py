"""State on disk: newer files are left alone, and one bad file does not hide the others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from stratum_core.errors import InputError, JournalVersionError
from tests.core.engine._bench import Bench, ended


def from_the_future(path: Path) -> bytes:
    """Make a journal file look as if a newer Stratum had written it, and return its bytes."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    return path.read_bytes()


def test_a_control_file_from_a_newer_version_is_refused_untouched(bench: Bench) -> None:
    bench.engine()
    path = bench.job.state_dir / "control.db"
    before = from_the_future(path)
    with pytest.raises(JournalVersionError):
        bench.engine()
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_run_from_a_newer_version_is_refused_untouched_and_the_list_still_shows_it(bench: Bench) -> None:
    engine = bench.engine()
    newer = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    usual = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    path = bench.private_file(newer.run_id, ".db")
    before = from_the_future(path)
    for use in (engine.show_run, engine.resume, engine.cancel):
        with pytest.raises(JournalVersionError):
            use(newer.run_id)
    assert path.read_bytes() == before
    assert [(run.run_id, run.error == "") for run in engine.runs()] == [
        (usual.run_id, True),
        (newer.run_id, False),
    ]


def test_a_document_is_given_as_text_or_by_its_path(bench: Bench) -> None:
    engine = bench.engine()
    text = bench.job.spec.read_text("utf-8")
    by_text, by_path = engine.validate(text), engine.validate(str(bench.job.spec))
    assert by_text == by_path
    assert (by_text.ok, len(by_text.ir_hash)) == (True, 64)
    assert not engine.validate("{}").ok


def test_a_document_outside_the_allowed_folders_is_not_read(bench: Bench, tmp_path: Path) -> None:
    engine = bench.engine()
    secret = tmp_path / "secret.yaml"
    secret.write_text("stratum: '1'\n", "utf-8")
    link = bench.job.folder / "link.yaml"
    link.symlink_to(secret)
    for name in (str(secret), "../secret.yaml", str(link), "/etc/passwd", "nowhere.yaml"):
        with pytest.raises(InputError):
            engine.validate(name)


def test_the_language_describes_itself(bench: Bench) -> None:
    engine = bench.engine()
    assert isinstance(engine.schema(), dict)
    assert engine.guide().startswith("#")
