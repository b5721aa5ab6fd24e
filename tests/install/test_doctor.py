"""Each thing that can be wrong with an installation, made wrong, and found with its place and its remedy."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stratum_mcp.install import Finding, examine
from stratum_mcp.install._doctor import (
    client,
    configuration,
    on_path,
    provider_library,
    python_for_hooks,
    python_version,
    server,
)
from stratum_mcp.install._probe import list_tools

_BIN = Path(sys.executable).parent
_CHECKS = ["python", "hooks", "path", "litellm", "settings", "state", "model", "server", "client"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a person whose installation is whole and whose model needs no key."""
    (tmp_path / "home").mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{_BIN}{os.pathsep}/usr/bin:/bin",
        "STRATUM_STATE_DIR": str(tmp_path / "state"),
        "STRATUM_KEYS_DIR": str(tmp_path / "keys"),
        "STRATUM_MODEL": "offline",
    }


def _program(folder: Path, name: str, text: str) -> str:
    """Write a program and return a PATH with its folder first."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin:/bin"


def _only(findings: tuple[Finding, ...], check: str) -> Finding:
    return next(each for each in findings if each.check == check)


@pytest.mark.slow
def test_a_whole_installation_has_no_fault(environ: dict[str, str], tmp_path: Path) -> None:
    listed = "stratum: /x/stratum-mcp  - ✔ Connected"
    environ["PATH"] += os.pathsep + _program(tmp_path / "bin", "claude", f"echo '{listed}'")
    found = examine(environ, tmp_path)
    assert [each.check for each in found] == _CHECKS
    assert [each for each in found if each.state != "ok"] == []
    assert all(each.where for each in found)


def test_an_old_python_is_a_fault() -> None:
    found = python_version((3, 10, 4))
    assert (found.state, "3.10.4 is too old" in found.what, found.remedy != "") == ("fault", True, True)


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("echo 3 8", "older than 3.9"),
        ("exit 1", "does not start"),
        ("echo Python", "does not start"),
        (None, "no python3 on PATH"),
    ],
)
def test_a_python_the_hooks_cannot_run_on_is_a_fault(tmp_path: Path, program: str | None, what: str) -> None:
    path = str(tmp_path) if program is None else _program(tmp_path / "bin", "python3", program)
    found = python_for_hooks({"PATH": path})
    assert (found.state, what in found.what) == ("fault", True)


class TestPath:
    def test_commands_that_are_not_on_it_are_a_fault(self, environ: dict[str, str], tmp_path: Path) -> None:
        found = on_path({**environ, "PATH": "/usr/bin:/bin"}, tmp_path)
        assert (found.state, found.what) == ("fault", "`stratum` and `stratum-mcp` not on PATH")
        assert f"put {_BIN} on PATH" in found.remedy

    @pytest.mark.parametrize("where", ["variable", "settings"])
    def test_that_is_none_where_the_client_is_told_the_place(
        self, environ: dict[str, str], tmp_path: Path, where: str
    ) -> None:
        environ["PATH"] = "/usr/bin:/bin"
        if where == "variable":
            environ["STRATUM_MCP"] = "/x/stratum-mcp"
        else:
            settings = Path(environ["HOME"]) / ".claude" / "settings.json"
            settings.parent.mkdir()
            settings.write_text('{"env": {"STRATUM_MCP": "/x/stratum-mcp"}}', "utf-8")
        found = on_path(environ, tmp_path)
        assert (found.state, "/x/stratum-mcp" in found.what) == ("note", True)

    def test_settings_that_cannot_be_read_tell_nothing(self, environ: dict[str, str], tmp_path: Path) -> None:
        (Path(environ["HOME"]) / ".claude").mkdir()
        (Path(environ["HOME"]) / ".claude" / "settings.json").write_text("{", "utf-8")
        assert on_path({**environ, "PATH": "/bin"}, tmp_path).state == "fault"

    def test_another_installation_in_front_is_named(self, environ: dict[str, str], tmp_path: Path) -> None:
        first = _program(tmp_path / "other", "stratum-mcp", "exit 0")
        found = on_path({**environ, "PATH": f"{first}{os.pathsep}{environ['PATH']}"}, tmp_path)
        assert (found.state, found.where) == ("note", str(tmp_path / "other" / "stratum-mcp"))


class TestProviderLibrary:
    @pytest.mark.parametrize("version", ["1.82.7", "1.82.8"])
    def test_a_version_that_steals_is_found_without_importing_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        info = tmp_path / f"litellm-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: litellm\nVersion: {version}\n", "utf-8")
        (tmp_path / "litellm.py").write_text("raise SystemExit('stolen')", "utf-8")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        found = provider_library()
        assert (found.state, found.where) == ("fault", str(tmp_path))
        assert f"litellm {version} carries code that steals credentials" in found.what
        assert "replace every key" in found.remedy

    def test_none_at_all_is_a_fault(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "path", [str(tmp_path)])
        assert provider_library().what == "the library litellm is missing"


class TestConfiguration:
    @pytest.mark.parametrize(
        ("name", "text", "what"),
        [
            ("STRATUM_POLICY", "max_usd: lots\n", "max_usd"),
            ("STRATUM_POLICY", "{", "is not YAML"),
            ("STRATUM_PRICES", "[]", "prices"),
        ],
    )
    def test_a_wrong_policy_or_price_file_is_named(
        self, environ: dict[str, str], tmp_path: Path, name: str, text: str, what: str
    ) -> None:
        path = tmp_path / "wrong.yaml"
        path.write_text(text, "utf-8")
        (found,) = configuration({**environ, name: str(path)}, tmp_path)
        assert (found.check, found.state, f"{name}={path}" in found.where) == ("settings", "fault", True)
        assert what in f"{found.what}{found.where}".lower() or what in found.what
        assert found.remedy

    def test_a_state_directory_that_cannot_be_used_is_named(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "state").write_text("no folder", "utf-8")
        found = _only(configuration(environ, tmp_path), "state")
        assert (found.state, found.where) == ("fault", str(tmp_path / "state"))

    def test_a_state_directory_others_can_write_is_named(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "state").mkdir()
        (tmp_path / "state").chmod(0o777)
        found = _only(configuration(environ, tmp_path), "state")
        assert (found.state, "chmod go-w" in found.remedy) == ("fault", True)

    def test_a_network_file_system_is_named(
        self, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Mount:
            mountpoint = str(tmp_path)
            fstype = "nfs4"

        def mounts(*, all: bool) -> list[type[Mount]]:
            return [Mount]

        monkeypatch.setattr("psutil.disk_partitions", mounts)
        found = _only(configuration(environ, tmp_path), "state")
        assert (found.state, "network file system (nfs4)" in found.what) == ("fault", True)

    @pytest.mark.parametrize(
        ("model", "what"),
        [
            (None, "no model can be used"),
            ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini needs a key, but OPENAI_API_KEY is not set"),
        ],
    )
    def test_a_missing_key_comes_with_the_three_ways_to_a_model(
        self, environ: dict[str, str], tmp_path: Path, model: str | None, what: str
    ) -> None:
        del environ["STRATUM_MODEL"]
        environ |= {"STRATUM_MODEL": model} if model else {}
        found = _only(configuration({**environ, "PATH": "/bin"}, tmp_path), "model")
        assert (found.state, what in found.what) == ("fault", True)
        for way in ("_API_KEY where Stratum runs", "stratum keys set", "claude-cli/", "`offline`"):
            assert way in found.remedy

    def test_a_login_without_its_program_is_told_as_that(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        environ |= {"STRATUM_MODEL": "claude-cli/claude-haiku-4-5", "PATH": "/bin"}
        found = _only(configuration(environ, tmp_path), "model")
        assert (found.state, found.what) == (
            "fault",
            "the default model claude-cli/claude-haiku-4-5 needs the `claude` program, which is not on PATH",
        )
        assert "set PATH" not in found.remedy
        assert "install Claude Code and log in" in found.remedy

    @pytest.mark.parametrize(
        ("more", "what"),
        [
            ({"STRATUM_MODEL": "", "OPENAI_API_KEY": "sk-x"}, "openai/gpt-4.1-mini, and its key is there"),
            ({"STRATUM_MODEL": "claude-cli/haiku"}, "behind your Claude Code login"),
        ],
    )
    def test_a_model_that_can_be_used_is_named_and_its_key_is_not(
        self, environ: dict[str, str], tmp_path: Path, more: Mapping[str, str], what: str
    ) -> None:
        path = _program(tmp_path / "bin", "claude", "exit 0")
        found = _only(configuration({**environ, "PATH": path, **more}, tmp_path), "model")
        assert (found.state, what in found.what, "sk-x" in str(found)) == ("ok", True, False)


class TestServer:
    def test_its_tools_are_listed(self, environ: dict[str, str], tmp_path: Path) -> None:
        assert server(environ, tmp_path).state == "ok"

    @pytest.mark.parametrize(
        ("program", "why"),
        [
            ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
            ("print('hello')", "it ended with status 0"),
            ("print('{}'); print('[]')", "it ended with status 0"),
            ("import time; time.sleep(60)", "no answer within 0.5 s"),
        ],
    )
    def test_one_that_does_not_answer_is_told_by_what_it_said(
        self, tmp_path: Path, program: str, why: str
    ) -> None:
        tools, said = list_tools(
            [sys.executable, "-c", program], {}, tmp_path, deadline_s=0.5 if "sleep" in program else 20
        )
        assert (tools, why in said) == ((), True)

    def test_one_that_cannot_be_started_is_told(self, tmp_path: Path) -> None:
        assert list_tools([str(tmp_path / "none")], {}, tmp_path) == ((), "No such file or directory")

    def test_one_with_other_tools_or_none_is_a_fault(
        self, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("stratum_mcp.install._doctor.server_command", lambda: ("/bin/false",))
        found = server(environ, tmp_path)
        assert (found.state, "it does not start: it ended with status 1" in found.what) == ("fault", True)
        reply = '{"id": 1}\n{"id": 2, "result": {"tools": [{"name": "plan"}]}}'
        command = ("/bin/sh", "-c", f"printf '%s\\n' {shlex.quote(reply)}; cat >/dev/null")
        monkeypatch.setattr("stratum_mcp.install._doctor.server_command", lambda: command)
        assert "lists 1 tools, not 8" in server(environ, tmp_path).what


@pytest.mark.parametrize(
    ("program", "state", "what"),
    [
        ("echo 'No MCP servers configured.'", "fault", "does not know the server"),
        ("echo 'plugin:stratum:stratum: stratum-mcp  - ✔ Connected'", "ok", "is connected"),
        ("echo 'stratum: stratum-mcp  - ✘ Failed to connect'", "fault", "cannot start the server"),
        ("echo 'stratum: stratum-mcp  - ⏸ Pending approval (run it)'", "fault", "waits for your approval"),
        ("echo 'stratum: a - ✔ Connected'; echo 'plugin:stratum:stratum: a - ✔ Connected'", "fault", "twice"),
        ("echo 'settings are broken' >&2; exit 1", "fault", "settings are broken"),
    ],
)  # fmt: skip
def test_what_the_client_says_of_the_server_is_told(
    environ: dict[str, str], tmp_path: Path, program: str, state: str, what: str
) -> None:
    environ["PATH"] = _program(tmp_path / "bin", "claude", program)
    found = client(environ, tmp_path)
    assert (found.state, what in found.what) == (state, True)
    assert (found.remedy == "") == (state == "ok") or state == "ok"


def test_without_a_client_that_is_only_noted(environ: dict[str, str], tmp_path: Path) -> None:
    assert client(environ, tmp_path).state == "note"
