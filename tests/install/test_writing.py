"""Replacing files: in one step, with mode and owner, and put back when a later one fails; shown without secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from stratum_core.errors import ConfigurationError
from stratum_mcp.install import install
from stratum_mcp.install._diff import shown_diff
from stratum_mcp.install._files import keep_copy, read_file, replace_file

_SETTINGS = '{"a": "secret"}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(_SETTINGS, "utf-8")
    return tmp_path


def _environ(home: Path) -> Mapping[str, str]:
    return {"HOME": str(home), "PATH": "/bin"}


def _install(home: Path) -> None:
    install("user", _environ(home), home, plugin=True, rules=True, dry_run=False)


def test_a_change_of_another_program_in_between_is_not_overwritten(home: Path) -> None:
    path = home / ".claude" / "settings.json"
    kept = read_file(path)
    path.write_text('{"a": 2}', "utf-8")
    with pytest.raises(ConfigurationError, match="another program changed it just now"):
        replace_file(kept, b"{}", private=True)
    assert path.read_text("utf-8") == '{"a": 2}'


def test_when_a_later_file_cannot_be_written_the_earlier_ones_are_put_back(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "CLAUDE.md":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        _install(home)
    assert [path.name for path in home.rglob("*")] == [".claude", "settings.json"]
    assert (home / ".claude" / "settings.json").read_text("utf-8") == _SETTINGS


def test_when_no_copy_can_be_kept_nothing_is_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="no copy of it can be kept: No space left"):
        _install(home)
    assert (home / ".claude" / "settings.json").read_text("utf-8") == _SETTINGS
    assert len([*(home / ".claude").iterdir()]) == 1


def test_copies_are_numbered_on_and_none_is_overwritten(home: Path) -> None:
    path = home / ".claude" / "settings.json"
    (home / ".claude" / "settings.json.stratum-backup-2").mkdir()
    (home / ".claude" / "settings.json.stratum-backup-x").write_text("mine", "utf-8")
    names = [copy.name[-1] for _ in range(3) if (copy := keep_copy(read_file(path)))]
    assert names == ["1", "3", "4"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept_when_root_installs_for_somebody(home: Path) -> None:
    for path in (home / ".claude", home / ".claude" / "settings.json"):
        os.chown(path, 65534, 65534)
    _install(home)
    assert {path.stat().st_uid for path in (home / ".claude").rglob("*")} == {65534}


def test_extended_attributes_are_kept(home: Path) -> None:
    path = home / ".claude" / "settings.json"
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    _install(home)
    assert os.getxattr(path, "user.note") == b"mine"


def test_a_diff_hides_texts_that_are_not_ours() -> None:
    before = '{\n  "env": {"A": "secret", "B": "say \\"secret\\""},\n  "b": 1\n}'
    after = before.replace('"b": 1', '"b": 1,\n  "c": "ours", "d": "secret"')
    shown = shown_diff("f", before, after, ours={'"ours"'})
    assert "secret" not in shown
    assert '+  "c": "ours", "d": "…"' in shown


def test_of_a_very_long_line_only_what_differs_is_shown() -> None:
    before = '{"a": "' + "secret" * 100 + '"}'
    shown = shown_diff("f", before, before[:-1] + ', "b": 1}', ours=frozenset())
    assert shown.splitlines()[3:] == ["-…  …", '+… , "b": 1 …']


def test_a_diff_names_files_that_are_made_and_removed() -> None:
    assert shown_diff("f", None, "a\n", ours=None).startswith("--- /dev/null\n+++ f")
    assert shown_diff("f", "a\n", None, ours=None).startswith("--- f\n+++ /dev/null")
    assert shown_diff("f", "a\n", "a\r\n", ours=None).endswith("(only ends of lines change)")
    assert shown_diff("f", "a", "a", ours=None) == ""
