"""The option `mode: persistent`: a run that is done leaves its job as Python, and never over a file that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, RunView
from stratum_core.errors import PlanError
from stratum_core.plan import plan_hash_of, stands_there
from stratum_core.runtime import create_file
from tests.core.engine._bench import Bench, ended

NAME = "all_notes.py"
REFUSED = """\
stratum: "1"
contracts:
  Found: { label: string, schema: string }
functions:
  judge: { mode: infer, intent: Judge a note, input: { text: string }, output: Found }
flows:
  one_note:
    input: { text: string }
    output: Found
    steps: [{ id: found, function: judge, inputs: { text: input.text } }]
    return: found
"""


def _run(bench: Bench, **options: JsonValue) -> RunView:
    engine = bench.engine()
    plan = bench.approved(engine, rows=5, **options)
    return ended(engine, engine.execute(plan.plan_id).run_id)


class TestThePlan:
    def test_says_what_is_written_and_where(self, bench: Bench) -> None:
        engine = bench.engine()
        beside = bench.plan(engine, mode="persistent", out="made.csv")
        assert (
            "It goes to made.csv. When it is done, the job is written as Python to all_notes.py in the same folder."
            in " ".join(beside.summary.split())
        )
        assert "Writes made.csv and all_notes.py." in " ".join(engine.question(beside.plan_id).split())
        alone = bench.plan(engine, mode="persistent")
        assert "written as Python to all_notes.py in the folder project." in " ".join(alone.summary.split())
        assert "Writes all_notes.py." in " ".join(engine.question(alone.plan_id).split())
        assert not (bench.job.folder / NAME).exists()

    def test_is_another_than_the_one_that_keeps_nothing(self, bench: Bench) -> None:
        engine = bench.engine()
        found = [bench.plan(engine, mode=mode).plan_id for mode in ("transient", "persistent", "persistent")]
        first, second, third = (engine._control.plan(plan_id) for plan_id in found)
        assert first.plan_hash != second.plan_hash == third.plan_hash
        assert "Python" not in str(first.record["summary"])
        assert "module" not in first.record

    def test_tells_of_a_file_that_is_in_the_way(self, bench: Bench) -> None:
        (bench.job.folder / NAME).write_text("mine = 1\n", "utf-8")
        engine = bench.engine()
        plan = bench.plan(engine, mode="persistent")
        assert plan.warnings == (
            "all_notes.py is there and differs, so it is left alone and no Python is written",
        )
        assert "written as Python" not in plan.summary
        assert "Writes" not in engine.question(plan.plan_id)

    def test_refuses_a_document_without_a_form_in_python(self, bench: Bench) -> None:
        engine = bench.engine()
        with pytest.raises(PlanError, match="field `schema` of `Found`") as caught:
            engine.plan(REFUSED, inputs={"text": "well"}, options={"mode": "persistent"})
        assert "transient" in caught.value.remedy
        assert len(caught.value.detail["reasons"]) == 1
        assert engine.plan(REFUSED, inputs={"text": "well"}).approval == "needs_approval"

    def test_never_takes_a_name_that_python_or_the_module_itself_loads(self, bench: Bench) -> None:
        engine = bench.engine()
        named = bench.job.spec.read_text("utf-8")
        for flow in ("json", "pydantic", "conftest"):
            bench.job.spec.write_text(named.replace("all_notes", flow), "utf-8")
            plan = bench.plan(engine, mode="persistent")
            assert f"written as Python to {flow}_flow.py" in " ".join(plan.summary.split())

    def test_binds_the_text_and_the_place_that_are_agreed_to(self, bench: Bench) -> None:
        engine = bench.engine()
        stored = engine._control.plan(bench.plan(engine, mode="persistent").plan_id)
        record = dict(stored.record)
        module = cast("dict[str, JsonValue]", record["module"])
        for other in ({**module, "text": "x = 1\n"}, {**module, "path": "/tmp/x.py"}, None):
            assert plan_hash_of({**record, "module": other}) != stored.plan_hash
        assert plan_hash_of(record) == stored.plan_hash


@pytest.mark.slow
class TestTheRun:
    def test_leaves_the_job_as_python_beside_its_result(self, bench: Bench) -> None:
        (bench.job.folder / "made").mkdir()
        out = bench.job.folder / "made" / "out.csv"
        view = _run(bench, mode="persistent", out="made/out.csv")
        written = out.with_name(NAME)
        assert (view.state, view.module, view.module_error) == ("completed", str(written), "")
        assert view.message.endswith(f"Results: {out}. Python: {written}")
        assert view.to_json()["module"] == str(written)
        engine = bench.engines[0]
        again = engine.code.codegen(view.plan_id, path="made/again.py").text
        assert written.read_text("utf-8") == again.replace(f"plan {view.plan_id}", "a document")
        assert ' / "../notes.csv"' in again
        assert str(bench.job.folder) not in again
        done = subprocess.run(
            [sys.executable, str(written)],
            env={**os.environ, **bench.job.environ},
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert b'"judged": 5' in done.stdout

    def test_leaves_a_file_that_is_there_alone_and_says_so(self, bench: Bench) -> None:
        mine = bench.job.folder / NAME
        mine.write_text("mine = 1\n", "utf-8")
        view = _run(bench, mode="persistent")
        assert (view.state, view.module) == ("completed", "")
        assert view.module_error == (
            "all_notes.py is there and differs, so it was left alone; "
            f"`stratum codegen {view.plan_id} -o FILE` writes it"
        )
        assert view.module_error in view.message
        assert not view.resumable
        assert mine.read_text("utf-8") == "mine = 1\n"

    def test_finds_its_python_there_the_second_time(self, bench: Bench) -> None:
        first = _run(bench, mode="persistent")
        written = Path(first.module)
        before = written.stat()
        engine = bench.engine()
        plan = bench.approved(engine, mode="persistent")
        assert "all_notes.py is this job as Python already." in " ".join(plan.summary.split())
        second = ended(engine, engine.execute(plan.plan_id).run_id)
        assert (second.module, second.module_error) == (first.module, "")
        assert (written.stat().st_mtime_ns, written.stat().st_ino) == (before.st_mtime_ns, before.st_ino)

    def test_that_a_no_kept_from_starting_writes_nothing(self, bench: Bench) -> None:
        engine = bench.engine()
        plan = bench.plan(engine, mode="persistent")
        engine.decide(plan.plan_id, approved=False, channel="terminal")
        assert sorted(path.name for path in bench.job.folder.iterdir()) == ["notes.csv", "notes.stratum.yaml"]

    def test_that_is_not_done_writes_it_when_it_is(self, bench: Bench) -> None:
        engine = bench.engine()
        (bench.job.folder / "made").mkdir()
        plan = bench.approved(engine, mode="persistent", out="made/out.csv")
        (bench.job.folder / "made").rename(bench.job.folder / "gone")
        view = ended(engine, engine.execute(plan.plan_id).run_id)
        assert view.resumable
        assert view.module_error.startswith("the job as Python cannot be written to ")
        (bench.job.folder / "gone").rename(bench.job.folder / "made")
        engine.resume(view.run_id)
        again = ended(engine, view.run_id)
        assert (again.module_error, again.out_error) == ("", "")
        assert again.module == str(bench.job.folder / "made" / NAME)

    def test_never_writes_through_a_link_that_leads_out(self, bench: Bench, tmp_path: Path) -> None:
        engine = bench.engine()
        (bench.job.folder / "made").mkdir()
        plan = bench.approved(engine, mode="persistent", out="made/out.csv")
        (tmp_path / "outside").mkdir()
        (bench.job.folder / "made").rmdir()
        (bench.job.folder / "made").symlink_to(tmp_path / "outside")
        view = ended(engine, engine.execute(plan.plan_id).run_id)
        assert view.module == ""
        assert "outside" in view.module_error
        assert list((tmp_path / "outside").iterdir()) == []

    def test_that_stopped_at_its_cap_writes_none(self, bench: Bench) -> None:
        view = _run(bench, mode="persistent", cap_calls=2)
        assert view.state == "stopped_budget"
        assert (view.module, view.module_error) == ("", "")
        assert not (bench.job.folder / NAME).exists()

    @pytest.mark.skipif(
        sys.platform != "linux", reason="needs a folder nobody can write to, the administrator included"
    )
    def test_says_why_the_python_could_not_be_written(self, bench: Bench) -> None:
        closed = Path(f"/proc/{os.getpid()}/fdinfo")
        settings = replace(bench.engine().settings, roots=(closed, bench.job.folder))
        with Engine(settings) as engine:
            plan = engine.plan(
                str(bench.job.spec),
                inputs={"notes": {"file": str(bench.job.data)}},
                options={"mode": "persistent"},
            )
            engine.decide(plan.plan_id, approved=True, channel="terminal")
            view = ended(engine, engine.execute(plan.plan_id).run_id)
        assert (view.state, view.module) == ("completed", "")
        assert view.module_error.startswith(f"the job as Python cannot be written to {closed / NAME}: ")


def test_a_file_is_compared_whole_and_what_cannot_be_read_is_another(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", "utf-8")
    assert stands_there(tmp_path / "a.py", "x = 1\n")
    assert not stands_there(tmp_path / "a.py", "x = 2\n")
    assert not stands_there(tmp_path / "a.py", "x = 1\n\n")
    assert not stands_there(tmp_path, "")
    assert not stands_there(tmp_path / ("long" * 100), "")


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    create_file(tmp_path / "a.py", "é\n")
    assert (tmp_path / "a.py").read_bytes() == "é\n".encode()
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "a.py", "other")
    with pytest.raises(UnicodeEncodeError):
        create_file(tmp_path / "b.py", "half of a pair: \ud800")
    (tmp_path / "link.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "link.py", "through")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "link.py"]
