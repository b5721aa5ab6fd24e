"""Every `stratum` command shown on a page is one the command line takes; those that cost nothing are really run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from stratum_mcp.cli import main
from stratum_mcp.cli._exit import Exit
from tests.support.pages import ROOT, fences

PAGES = ("README.md", "examples/README.md")
ACTIVATED = ". .venv/bin/activate"
FREE = {"audit", "guide", "plan", "plans", "runs", "schema", "spend", "validate"}
"""Commands that cost nothing and need no plan or run."""
MISUSE = {Exit.USAGE, Exit.INTERNAL}


def _commands() -> list[list[str]]:
    """Return the arguments of every `stratum` command in a shell block, in order of appearance."""
    texts = [each.text for page in PAGES for each in fences(ROOT / page) if each.language == "sh"]
    lines = [line for text in texts for line in text.replace("\\\n", " ").splitlines()]
    words = [shlex.split(part, comments=True) for line in lines for part in re.split(r"; (?=stratum)", line)]
    return [each[1:] for each in words if each and Path(each[0]).name == "stratum"]


COMMANDS = _commands()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the checkout's top, without keys and with a state of its own."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name in ("STRATUM_POLICY", "STRATUM_PRICES", "STRATUM_ROOTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STRATUM_STATE_DIR", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.endswith("_API_KEY") or name == "STRATUM_MODEL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/bin")  # a fresh machine: neither a login nor a key stands in for a model
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_pages_show_the_whole_job() -> None:
    verbs = {arguments[0] for arguments in COMMANDS}
    assert {
        "install",
        "validate",
        "plan",
        "approve",
        "execute",
        "resume",
        "runs",
        "show",
        "cancel",
    } - verbs == set()


@pytest.mark.parametrize(
    "arguments",
    [each for each in COMMANDS if each[0] in FREE],
    ids=" ".join,
)
def test_a_command_that_costs_nothing_does_what_the_page_says(arguments: list[str], project: Path) -> None:
    assert _exit_code(arguments) == Exit.OK


@pytest.mark.parametrize(
    "arguments", [each for each in COMMANDS if each[1:] and each[1].endswith("...")], ids=" ".join
)
def test_a_command_that_needs_a_plan_or_run_is_taken_and_says_that_there_is_none(
    arguments: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code(arguments) not in {Exit.OK, *MISUSE}
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [each for each in COMMANDS if each[0] == "install"], ids=" ".join)
def test_an_installation_shows_what_it_would_do(
    arguments: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code([*arguments, "--dry-run"]) == Exit.OK
    assert "stratum@stratum" in capsys.readouterr().out


def test_the_doctor_finds_something_or_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ["doctor"] in COMMANDS
    assert _exit_code(["doctor"]) in {Exit.OK, Exit.FAILED}
    assert "server: the server starts" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_a_program_is_typed_as_a_fresh_clone_has_it(page: str) -> None:
    text = "\n".join(each.text for each in fences(ROOT / page) if each.language == "sh")
    for program in ("stratum", "python"):
        typed = re.search(rf"(?:^|; ){program} ", text, re.MULTILINE)
        if typed is not None:
            assert ACTIVATED in text[: typed.start() + 1], f"{page} types `{program}` before it can be found"


def test_the_page_of_the_commands_says_how_a_clone_finds_the_program() -> None:
    assert ACTIVATED in (ROOT / "docs" / "cli.md").read_text("utf-8")
    for page in ("codegen.md", "install.md", "team.md"):
        assert "cli.md" in (ROOT / "docs" / page).read_text("utf-8")


def test_every_command_shown_is_tried_by_one_of_these_tests() -> None:
    tried = FREE | {"install", "doctor"}
    left = [each for each in COMMANDS if each[0] not in tried and not (each[1:] and each[1].endswith("..."))]
    assert left == []
