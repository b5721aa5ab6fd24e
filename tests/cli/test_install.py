"""`stratum install` and `uninstall` beside a stand-in for the client's command, and without one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli._command import Done
from tests.support.jobs import Job

_SERVER = Path(sys.executable).parent / "stratum-mcp"
_PLUGIN = Path(__file__).parents[2] / "claude"
_CLIENT = """\
#!/bin/sh
echo "$@" >> "$CALLS"
if [ -n "$STUCK" ]; then exec sleep 30; fi
if [ -n "$BROKEN" ]; then echo "no such command" >&2; exit 1; fi
if [ "$2" = list ]; then printf '%s' "${LISTED:-[]}"; fi
if [ -n "$REWRITE" ]; then cp "$REWRITE" "$HOME/.claude/settings.json"; fi
"""
_BEFORE = '{"model": "opus",   "env": {"TOKEN": "secret"}}'


@pytest.fixture
def home(job: Job, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with settings in it; no client is on PATH."""
    folder = job.folder.parent / "home"
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude" / "settings.json").write_text(_BEFORE, "utf-8")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder


@pytest.fixture
def calls(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What a stand-in for `claude` on PATH was called with."""
    folder = home.parent / "bin"
    folder.mkdir()
    (folder / "claude").write_text(_CLIENT, "utf-8")
    (folder / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(folder / "calls"))
    return lambda: (folder / "calls").read_text("utf-8").splitlines() if (folder / "calls").exists() else []


def _files(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): path.read_text("utf-8") for path in home.rglob("*") if path.is_file()
    }


def test_without_the_client_the_files_are_changed_and_it_is_said(
    home: Path, stratum: Callable[..., Done]
) -> None:
    done = stratum("install")
    assert (done.code, "`claude` is not on PATH: only the files were looked at" in done.out) == (0, True)
    settings = json.loads(_files(home)[".claude/settings.json"])
    assert settings["enabledPlugins"] == {"stratum@stratum": True}
    assert settings["env"] == {"TOKEN": "secret", "STRATUM_MCP": str(_SERVER)}
    assert "secret" not in done.out
    assert f"+++ {home}/.claude/settings.json" in done.out
    assert _files(home)[".claude/settings.json.stratum-backup-1"] == _BEFORE


def test_the_client_is_told_by_its_own_commands(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done]
) -> None:
    assert stratum("install").code == 0
    assert calls() == [
        f"plugin marketplace add --scope user {_PLUGIN}",
        "plugin install --scope user stratum@stratum",
    ]
    assert stratum("uninstall").code == 0
    assert calls()[2:] == [
        "plugin uninstall --scope user stratum@stratum",
        "plugin list --json",
        "plugin marketplace remove stratum",
    ]
    assert _files(home) == {".claude/settings.json": _BEFORE}


def test_the_server_alone_is_registered_by_its_absolute_path(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done]
) -> None:
    assert stratum("install", "--no-plugin").code == 0
    assert calls() == [f"mcp add --scope user stratum -- {_SERVER}"]
    server = json.loads(_files(home)[".claude.json"])["mcpServers"]["stratum"]
    assert server == {"type": "stdio", "command": str(_SERVER), "args": [], "env": {}}
    assert stratum("install", "--no-plugin").code == 0
    assert len(calls()) == 1, "the client refuses a second registration, so it is not asked for one"
    assert stratum("uninstall").code == 0
    assert calls()[-1] == "mcp remove --scope user stratum"
    assert ".claude.json" not in _files(home)


def test_in_a_project_what_is_for_all_and_what_is_for_this_machine_are_two_files(
    home: Path, calls: Callable[[], list[str]], job: Job, stratum: Callable[..., Done]
) -> None:
    before = _files(job.folder)
    assert stratum("install", "--scope", "project").code == 0
    files = _files(job.folder)
    assert json.loads(files[".claude/settings.json"]) == {"enabledPlugins": {"stratum@stratum": True}}
    own = json.loads(files[".claude/settings.local.json"])
    assert own["extraKnownMarketplaces"]["stratum"]["source"]["path"] == str(_PLUGIN)
    assert "- Only the person approves a plan" in files["CLAUDE.md"]
    assert calls()[0] == f"plugin marketplace add --scope local {_PLUGIN}"
    assert stratum("uninstall", "--scope", "project").code == 0
    assert _files(job.folder) == before
    assert not (job.folder / ".claude").exists()


def test_the_marketplace_stays_while_another_scope_uses_it(
    calls: Callable[[], list[str]], stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    stratum("install")
    monkeypatch.setenv("LISTED", '[{"id": "stratum@stratum", "scope": "project"}]')
    assert stratum("uninstall").code == 0
    assert calls()[-1] == "plugin list --json"


def test_a_dry_run_shows_the_change_and_the_commands_and_does_nothing(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done]
) -> None:
    before = _files(home)
    done = stratum("install", "--dry-run", "--json")
    record = done.record()
    assert [each["change"] for each in record["files"]] == ["changed", "made"]
    assert (
        '+ "enabledPlugins"' in record["files"][0]["diff"] or "enabledPlugins" in record["files"][0]["diff"]
    )
    assert [each["command"].split(" ")[:3] for each in record["commands"]] == [
        ["claude", "plugin", "marketplace"],
        ["claude", "plugin", "install"],
    ]
    shown = stratum("install", "--dry-run").out
    assert "settings.json: would be changed" in shown
    assert "would run: claude plugin install --scope user stratum@stratum" in shown
    assert (_files(home), calls()) == (before, [])


def test_what_the_client_lays_out_anew_is_put_back_as_it_was(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {
        "enabledPlugins": {"stratum@stratum": True},
        "extraKnownMarketplaces": {"stratum": {"source": {"source": "directory", "path": str(_PLUGIN)}}},
    }
    written = home.parent / "written.json"
    written.write_text(json.dumps({"env": {"TOKEN": "secret"}, **ours, "model": "opus"}, indent=4), "utf-8")
    monkeypatch.setenv("REWRITE", str(written))
    assert stratum("install").code == 0
    assert _files(home)[".claude/settings.json"].startswith(
        '{"model": "opus",   "env": {"TOKEN": "secret", "STR'
    )


def test_what_the_client_changed_beside_that_is_kept(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = home.parent / "written.json"
    written.write_text('{"model": "opus", "env": {"TOKEN": "secret"}, "new": 1}', "utf-8")
    monkeypatch.setenv("REWRITE", str(written))
    assert stratum("install").code == 0
    settings = json.loads(_files(home)[".claude/settings.json"])
    assert (settings["new"], settings["enabledPlugins"]) == (1, {"stratum@stratum": True})


@pytest.mark.parametrize("fault", ["BROKEN", "STUCK"])
def test_a_client_that_fails_or_hangs_is_spoken_of_and_the_files_hold_it_all_the_same(
    home: Path,
    calls: Callable[[], list[str]],
    stratum: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setenv(fault, "1")
    monkeypatch.setattr("stratum_mcp.install._client._TIMEOUT_S", 0.2)
    done = stratum("install")
    assert done.code == 0
    assert "the files say it all the same" in done.err
    assert "stratum@stratum" in _files(home)[".claude/settings.json"]


def test_a_second_file_that_cannot_be_changed_keeps_the_first_from_being_changed(
    home: Path, stratum: Callable[..., Done]
) -> None:
    (home / ".claude" / "CLAUDE.md").write_text("<!-- stratum:end -->\n", "utf-8")
    before = _files(home)
    done = stratum("install")
    assert (done.code, "CLAUDE.md was left as it is" in done.err) == (1, True)
    assert _files(home) == before


def test_without_rules_the_text_stays_and_where_the_server_is_found_no_variable_is_set(
    home: Path, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{_SERVER.parent}{os.pathsep}/usr/bin:/bin")
    assert stratum("install", "--no-rules").code == 0
    assert json.loads(_files(home)[".claude/settings.json"])["env"] == {"TOKEN": "secret"}
    assert ".claude/CLAUDE.md" not in _files(home)


def test_uninstalling_takes_only_ours_out_of_a_file_that_changed_since(
    home: Path, stratum: Callable[..., Done]
) -> None:
    stratum("install")
    path = home / ".claude" / "settings.json"
    path.write_text(path.read_text("utf-8").replace('"opus"', '"haiku"'), "utf-8")
    rules = home / ".claude" / "CLAUDE.md"
    rules.write_text(f"Before.\n\n{rules.read_text('utf-8')}\nAfter.\n", "utf-8")
    assert stratum("uninstall").code == 0
    assert json.loads(path.read_text("utf-8")) == {"model": "haiku", "env": {"TOKEN": "secret"}}
    assert rules.read_text("utf-8") == "Before.\n\nAfter.\n"
    assert _files(home)[".claude/settings.json.stratum-backup-2"].startswith('{"model": "haiku"')


def test_what_a_person_wrote_between_the_marks_is_kept_in_a_copy(
    home: Path, stratum: Callable[..., Done]
) -> None:
    stratum("install")
    rules = home / ".claude" / "CLAUDE.md"
    edited = rules.read_text("utf-8").replace("- To flag", "- Mine!\n- To flag")
    rules.write_text(edited, "utf-8")
    assert stratum("uninstall").code == 0
    assert not rules.exists()
    assert _files(home)[".claude/CLAUDE.md.stratum-backup-1"] == edited


def test_a_newer_installation_replaces_what_an_older_one_wrote(
    home: Path, stratum: Callable[..., Done]
) -> None:
    stratum("install")
    path = home / ".claude" / "settings.json"
    path.write_text(path.read_text("utf-8").replace(str(_PLUGIN), "/old/claude"), "utf-8")
    assert stratum("install").code == 0
    assert "/old/claude" not in path.read_text("utf-8")
    assert stratum("uninstall").code == 0
    assert _files(home) == {".claude/settings.json": _BEFORE}


def test_uninstalling_where_nothing_is_installed_changes_nothing(
    home: Path, calls: Callable[[], list[str]], stratum: Callable[..., Done]
) -> None:
    (home / ".claude.json").write_bytes(b"\xff not json")
    (home / ".claude" / "CLAUDE.md").mkdir()
    done = stratum("uninstall")
    assert (done.code, calls()) == (0, [])
    assert done.out.count(": unchanged") == 3


def test_uninstalling_leaves_a_broken_file_that_holds_something_of_ours_to_the_person(
    home: Path, stratum: Callable[..., Done]
) -> None:
    stratum("install")
    path = home / ".claude" / "settings.json"
    path.write_text(path.read_text("utf-8")[:-3], "utf-8")
    before = _files(home)
    done = stratum("uninstall")
    assert (done.code, "settings.json was left as it is" in done.err) == (1, True)
    assert _files(home) == before


def test_the_folder_the_client_was_told_to_use_is_used(
    home: Path, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "other"))
    assert stratum("install", "--no-plugin").code == 0
    assert {*_files(home)} == {".claude/settings.json", "other/.claude.json", "other/CLAUDE.md"}
