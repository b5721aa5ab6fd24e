"""`validate --fix` and `fmt`: files changed on request only, whole, and never with a comment lost in silence."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from stratum_core.engine import Engine, Settings
from stratum_core.errors import InputError
from stratum_core.ir import ir_hash, load
from tests.cli._command import Done
from tests.support.jobs import DOCUMENT, Job

BROKEN = "# my notes\n" + DOCUMENT.replace("intent: Judge", "prompt: Judge").replace(
    "tone.confidence", "tone.confidnce"
)
MENDED = "# my notes\n" + DOCUMENT


def test_fix_mends_the_file_and_says_what_it_did(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(BROKEN, "utf-8")
    job.spec.chmod(0o640)
    done = stratum("validate", job.spec.name, "--fix")
    assert (done.code, job.spec.read_text("utf-8")) == (0, MENDED)
    assert job.spec.stat().st_mode & 0o777 == 0o640
    assert done.out.count(": fixed E") == 2
    assert done.out.splitlines()[-1].startswith("valid, ")


def test_diff_shows_the_changes_and_writes_nothing(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(BROKEN, "utf-8")
    done = stratum("validate", job.spec.name, "--fix", "--diff")
    assert (done.code, job.spec.read_text("utf-8")) == (0, BROKEN)
    assert "+    intent: Judge the tone of a note" in done.out
    assert "-    prompt: Judge the tone of a note" in done.out
    assert stratum("validate", job.spec.name, "--diff").code == 2


def test_what_cannot_be_mended_is_shown_and_ends_with_1(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(BROKEN.replace("mode: infer", "mode: guess"), "utf-8")
    record = stratum("validate", job.spec.name, "--fix", "--json")
    assert record.code == 1
    found = record.record()
    assert (found["ok"], found["written"], len(found["fixed"]) > 0) == (False, True, True)
    assert [one["code"] for one in found["diagnostics"]] == ["E116"]


def test_what_is_left_is_told_with_the_name_of_the_file(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(BROKEN.replace("mode: infer", "mode: guess"), "utf-8")
    for more in ("--diff", ""):
        done = stratum("validate", job.spec.name, "--fix", *filter(None, [more]))
        assert f"{job.spec.name}:" in done.out
        assert "<text>" not in done.out


def test_text_from_stdin_is_mended_to_stdout(
    stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(BROKEN))
    done = stratum("validate", "-", "--fix")
    assert (done.code, done.out.rstrip("\n"), "fixed" in done.err) == (0, MENDED.rstrip("\n"), True)


def test_fmt_prints_the_one_layout_with_the_comments_at_the_top(
    stratum: Callable[..., Done], job: Job
) -> None:
    job.spec.write_text(MENDED, "utf-8")
    printed = stratum("fmt", job.spec.name).out
    assert printed.startswith("# my notes\nstratum: '1'\ncontracts:\n")
    before, after = load(MENDED).document, load(printed).document
    assert before is not None
    assert after is not None
    assert ir_hash(before) == ir_hash(after)
    assert job.spec.read_text("utf-8") == MENDED


def test_fmt_checks_and_writes(stratum: Callable[..., Done], job: Job) -> None:
    assert stratum("fmt", job.spec.name, "--check").code == 1
    assert stratum("fmt", job.spec.name, "--write").code == 0
    assert stratum("fmt", job.spec.name, "--check").code == 0
    assert stratum("fmt", job.spec.name, "--check", "--write").code == 2
    assert stratum("fmt", job.spec.name, "--write", "--json").record()["written"] is False


def test_fmt_loses_no_comment_unasked(stratum: Callable[..., Done], job: Job) -> None:
    text = DOCUMENT.replace("functions:", "functions:   # what is asked")
    job.spec.write_text(text, "utf-8")
    done = stratum("fmt", job.spec.name, "--write")
    assert (done.code, job.spec.read_text("utf-8")) == (1, text)
    assert "comments that would be lost" in done.err
    assert stratum("fmt", job.spec.name, "--write", "--drop-comments").code == 0
    assert "#" not in job.spec.read_text("utf-8")


def test_fmt_of_a_wrong_document_shows_what_is_wrong(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(BROKEN, "utf-8")
    done = stratum("fmt", job.spec.name)
    assert (done.code, "E110" in done.err) == (1, True)


def test_a_file_that_changed_in_between_is_left_alone(job: Job) -> None:
    with Engine(Settings(state_dir=job.state_dir, roots=(job.folder,), environ={})) as engine:
        job.spec.write_text(BROKEN, "utf-8")
        mended = engine.repair(str(job.spec))
        job.spec.write_text(BROKEN + "# more\n", "utf-8")
        with pytest.raises(InputError, match="changed in between"):
            engine.write(mended)
        assert job.spec.read_text("utf-8") == BROKEN + "# more\n"
        with pytest.raises(InputError, match="no file"):
            engine.write(engine.repair(BROKEN))


def test_a_file_that_is_not_text_or_is_gone_is_told(job: Job) -> None:
    with Engine(Settings(state_dir=job.state_dir, roots=(job.folder,), environ={})) as engine:
        mended = engine.repair(str(job.spec))
        job.spec.unlink()
        with pytest.raises(InputError, match="cannot be written"):
            engine.write(mended)
        job.spec.write_bytes(b"\xff")
        for rewrite in (engine.repair, engine.canonical_form):
            with pytest.raises(InputError, match="not UTF-8"):
                rewrite(str(job.spec))
