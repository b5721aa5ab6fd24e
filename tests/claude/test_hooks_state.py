"""What the hooks read from the state directory: interrupted runs at the start, a yes that was never used at the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stratum_core.contracts import EnumType
from stratum_core.journal import Question, RunJournal
from stratum_core.money import format_usd
from tests.claude._hooks import PLUGIN, Answer, payload, run_hook
from tests.claude._left_behind import LeftBehind

if TYPE_CHECKING:
    from stratum_core.journal import RunState


class Project(LeftBehind):
    """A project in which the hooks are run."""

    def start(self) -> Answer:
        """Start a session in the project."""
        return self._run("start_session.py", "session_start")

    def stop(self, *, active: bool = False) -> Answer:
        """End a turn in the project."""
        return self._run("end_turn.py", "stop", stop_hook_active=active)

    def _run(self, script: str, name: str, **changed: bool) -> Answer:
        env = {"STRATUM_STATE_DIR": str(self.state_dir), "HOME": str(self.folder.parent / "home")}
        env["CLAUDE_PLUGIN_DATA"] = str(self.folder.parent / "data")
        return run_hook(script, payload(name, project=self.folder, **changed), env=env)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project", tmp_path / "state")


async def test_an_interrupted_run_is_named_with_what_is_done_spent_and_possibly_paid(
    project: Project,
) -> None:
    await project.run(1, state=None)
    found = project.start()
    assert found.to_person == (
        "Stratum: run run_1 was interrupted: 2 of 3 done, $0.0029 (simulated) spent, 1 call possibly paid; resume?"
    )
    assert "run_1 (interrupted). Ask the person before you call resume(run_id)" in found.to_agent


async def test_a_run_that_waits_for_a_person_is_named_with_its_questions(project: Project) -> None:
    await project.run(1, state="waiting")
    for path in ("a", "b"):
        project.store.ask_review("run_1", path, Question(text="Is it so?", answer=EnumType(("yes", "no"))))
    assert "run run_1 waits for 2 answers of yours: 2 of 3 done" in project.start().to_person


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled", "stopped_budget"])
async def test_a_run_that_is_over_is_not_named(project: Project, state: RunState) -> None:
    await project.run(1, state=state)
    assert project.start().reply == {}


async def test_a_run_of_another_project_is_not_named(project: Project, tmp_path: Path) -> None:
    await project.run(1, state=None, roots=[str(tmp_path / "elsewhere")])
    await project.run(2, state=None, roots=[str(tmp_path)])
    assert "run_2" in project.start().to_person
    assert "run_1" not in project.start().to_person


async def test_a_run_that_was_cancelled_is_not_named(project: Project) -> None:
    await project.run(1, state=None)
    project.store.request_cancel("run_1", principal="me")
    assert project.start().reply == {}


async def test_a_run_that_is_at_work_is_named_as_one(project: Project) -> None:
    await project.run(1, state=None)
    journal = RunJournal.open(project.state_dir, "run_1", create=False)
    found = project.start()
    await journal.close(state=None)
    assert found.to_person == (
        "Stratum: run run_1 is still at work: 2 of 3 done, $0.0029 (simulated) spent, 1 call possibly paid; "
        "wait for it?"
    )
    assert "run_1 (running)" in found.to_agent
    assert "run_1 was interrupted" in project.start().to_person


async def test_of_many_runs_the_newest_are_named_and_the_others_counted(project: Project) -> None:
    for number in range(1, 6):
        await project.run(number, state=None)
    lines = project.start().to_person.splitlines()
    assert (len(lines), lines[-1]) == (4, "Stratum: and 2 more: `stratum runs` lists them")


def test_a_hook_that_could_answer_for_the_person_is_told_at_the_start(project: Project) -> None:
    settings = project.folder / ".claude" / "settings.local.json"
    settings.parent.mkdir()
    settings.write_text('{"hooks": {"ElicitationResult": [{"hooks": []}]}}', "utf-8")
    assert f"A hook in {settings} can answer Stratum's questions in your place" in project.start().to_person
    settings.write_text('{"hooks": {"Elicitation": [{"matcher": "^other$", "hooks": []}]}}', "utf-8")
    assert project.start().reply == {}


def test_a_yes_that_was_not_used_is_spoken_of_once(project: Project) -> None:
    project.plan("plan_7")
    found = project.stop()
    assert found.decision == "block"
    assert "The person approved plan_7, and it has not run. Call execute" in found.reason
    assert project.stop().reply == {}


def test_nothing_is_said_while_the_agent_is_already_going_on_because_of_it(project: Project) -> None:
    project.plan("plan_7")
    assert project.stop(active=True).reply == {}


async def test_a_yes_that_was_used_has_lapsed_or_is_for_another_project_is_not_spoken_of(
    project: Project, tmp_path: Path
) -> None:
    await project.run(1, state="completed")
    project.plan("plan_8", roots=[str(tmp_path / "elsewhere")])
    project.plan("plan_9", expires_ms=-1)
    assert project.stop().reply == {}


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_state_directory_that_is_missing_or_broken_is_no_reason_to_stop_a_session(
    project: Project, content: bytes | None
) -> None:
    for left in project.state_dir.iterdir():
        left.unlink()
    if content is not None:
        (project.state_dir / "control.db").write_bytes(content)
    assert [(found.exit_code, found.reply) for found in (project.start(), project.stop())] == [
        (0, {}),
        (0, {}),
    ]


def test_amounts_are_written_as_stratum_writes_them() -> None:
    amounts = [
        0,
        1,
        999,
        12_345,
        990_000_000,
        999_999_999,
        2_845_678,
        10_000_001,
        1_500_000_000,
        10**12 + 1,
        10_000_000,
    ]
    code = f"import sys; sys.path.insert(0, {str(PLUGIN / 'hooks')!r}); import _state, json\n"
    code += f"print(json.dumps([_state._usd(amount) for amount in {amounts}]))"
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [format_usd(amount) for amount in amounts]


def test_the_state_directory_is_found_by_the_same_rules(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(PLUGIN / 'hooks')!r}); import _state; print(_state.state_dir())\n"
    code += "import platformdirs; print(platformdirs.user_state_dir('stratum'))"
    for env in ({}, {"XDG_STATE_HOME": str(tmp_path / "xdg")}, {"XDG_STATE_HOME": " "}):
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            env={"HOME": str(tmp_path), **env},
            capture_output=True,
            text=True,
            check=True,
        )
        ours, theirs = done.stdout.splitlines()
        assert ours == theirs
