"""Configurations as people leave them behind, through the command as an ordinary user: installed, or left alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.install._cases import CASES, Case

_ROOT = Path(__file__).parents[2]
_INSTALLED = [case for case in CASES if not case.refused]
_REFUSED = [case for case in CASES if case.refused]
_COPY = ".stratum-backup-1"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Any]]:
    """What became of each case, tried by an account that is not root."""
    top = Path(tempfile.mkdtemp(prefix="stratum-cases-"))
    environ = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(_ROOT)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.install._try_cases", str(top)],
            cwd=top,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads((top / "found.json").read_text("utf-8"))
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(top)], check=False)  # noqa: S607 - whichever there is
        shutil.rmtree(top)


def test_there_are_thirty_of_them_and_the_account_is_an_ordinary_one(found: dict[str, Any]) -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 30
    assert found["(account)"]["uid"] != 0


@pytest.mark.parametrize("case", _INSTALLED, ids=lambda case: case.name)
def test_it_is_installed_once_beside_what_is_there_and_taken_out_again_to_the_byte(
    case: Case, found: dict[str, Any]
) -> None:
    shots, said = found[case.name]["shots"], found[case.name]["said"]
    before, installed, again, after = shots
    assert [code for code, _ in said] == [0, 0, 0], said
    assert installed != before
    assert again == installed
    assert after == before
    for name, (mode, content) in before.items():
        if installed[name] != [mode, content]:
            assert installed[name + _COPY] == [mode, content], "the copy is what was there"
            assert installed[name][0] == mode
    assert "secret-" not in "".join(text for _, text in said)
    _is_in_place(installed, plugin="--no-plugin" not in case.arguments)


@pytest.mark.parametrize("case", _REFUSED, ids=lambda case: case.name)
def test_it_is_left_as_it_is_and_the_reason_is_said(case: Case, found: dict[str, Any]) -> None:
    shots, said = found[case.name]["shots"], found[case.name]["said"]
    assert shots[1] == shots[2] == shots[3] == shots[0]
    code, text = said[0]
    assert code == 1
    assert [word for word in case.refused if word not in text] == []
    assert "Traceback" not in text


def _is_in_place(shot: dict[str, Any], *, plugin: bool) -> None:
    """Read the files as the client does: the last of two equal keys counts."""
    contents = {name: content.encode("latin-1").decode("utf-8-sig") for name, (_, content) in shot.items()}
    texts = [text for name, text in contents.items() if name.endswith("CLAUDE.md")]
    assert len(texts) == 1
    assert texts[0].count("<!-- stratum:begin (") == texts[0].count("<!-- stratum:end -->") == 1
    if plugin:
        names = [name for name, text in contents.items() if name.endswith("s.json") and text[:2] != "->"]
        name = names[0]
        settings = json.loads(contents[name], parse_int=float)
        assert settings["enabledPlugins"]["stratum@stratum"] is True
        assert settings["extraKnownMarketplaces"]["stratum"]["source"]["path"] == str(_ROOT / "claude")
        assert Path(settings["env"]["STRATUM_MCP"]).name == "stratum-mcp"
    else:
        servers = json.loads(contents[".claude.json"])["mcpServers"]
        assert servers["other"]["env"] == {"TOKEN": "secret-1"}
        assert Path(servers["stratum"]["command"]).name == "stratum-mcp"
