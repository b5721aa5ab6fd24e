"""The plugin's files: whole, in step with each other and with the server, and accepted by the real client."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import stratum_core
from bench._plugin import client_tokens
from tests.claude._client import ClaudeCode, run_print
from tests.claude._json import JsonObject, as_list, as_object, as_text, objects, parse_object
from tests.claude._messages_api import MessagesApi
from tests.claude._plugin import PLUGIN, ROOT, SERVER, client_command, install
from tests.claude._script import Request, Script, connected
from tests.support.pages import section, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANIFEST = PLUGIN / ".claude-plugin" / "plugin.json"
_MARKETPLACES = (PLUGIN / ".claude-plugin" / "marketplace.json", ROOT / ".claude-plugin" / "marketplace.json")
_TOOLS = {"validate", "plan", "estimate_cost", "approve", "execute", "resume", "cancel", "codegen"}
_SKILLS = sorted(PLUGIN.glob("skills/*/SKILL.md"))
_EVENTS = {"SessionStart", "PreToolUse", "PostToolUse", "ConfigChange", "Stop"}


def _read(path: Path) -> JsonObject:
    return parse_object(path.read_text("utf-8"))


def _entries() -> Iterator[tuple[str, str, JsonObject]]:
    """Yield event, matcher and command of every hook."""
    events = as_object(_read(PLUGIN / "hooks" / "hooks.json").get("hooks"))
    for event, groups in events.items():
        for group in objects(groups):
            for hook in objects(group.get("hooks")):
                yield event, as_text(group.get("matcher")), hook


def _script_of(hook: JsonObject) -> str:
    return Path(as_text(as_list(hook.get("args"))[-1])).name


class TestFiles:
    def test_version_name_and_description_are_those_of_the_package_and_of_both_marketplaces(self) -> None:
        manifest = _read(_MANIFEST)
        assert f'version = "{manifest["version"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
        for path in _MARKETPLACES:
            (entry,) = objects(_read(path).get("plugins"))
            assert {name: entry[name] for name in ("name", "description")} == {
                name: manifest[name] for name in ("name", "description")
            }
            source = path.parent.parent / as_text(entry["source"])
            assert (source / ".claude-plugin" / "plugin.json").resolve() == _MANIFEST

    def test_the_server_entry_has_what_the_client_reads_and_nothing_else(self) -> None:
        """The client's own validation does not look into this file, and drops what it does not know."""
        assert _read(PLUGIN / ".mcp.json") == {
            "mcpServers": {
                "stratum": {"command": "${STRATUM_MCP:-stratum-mcp}", "args": [], "alwaysLoad": True}
            }
        }
        assert 'stratum-mcp = "stratum_mcp.server:main"' in (ROOT / "pyproject.toml").read_text("utf-8")

    def test_every_hook_is_a_python_script_of_ours_started_without_a_shell(self) -> None:
        scripts: set[str] = set()
        for _, _, hook in _entries():
            script = _script_of(hook)
            assert {name: hook[name] for name in ("type", "command", "args")} == {
                "type": "command",
                "command": "python3",
                "args": ["-S", "-E", f"${{CLAUDE_PLUGIN_ROOT}}/hooks/{script}"],
            }
            scripts.add(script)
        assert scripts == {path.name for path in PLUGIN.glob("hooks/[a-z]*.py")}

    def test_hooks_import_the_standard_library_and_each_other_only(self) -> None:
        own = {path.stem for path in PLUGIN.glob("hooks/*.py")}
        for path in PLUGIN.glob("hooks/*.py"):
            names = re.findall(r"^(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE)
            assert {*names} - own - sys.stdlib_module_names == set(), path.name

    @pytest.mark.parametrize("path", sorted(PLUGIN.glob("hooks/*.py")), ids=lambda path: str(path.name))
    def test_a_hook_is_written_in_the_python_that_an_old_system_has(self, path: Path) -> None:
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"), feature_version=(3, 9)))

    def test_the_events_and_matchers_cover_what_is_guarded(self) -> None:
        found = {(event, _script_of(hook)): matcher for event, matcher, hook in _entries()}
        assert {event for event, _ in found} == _EVENTS
        assert re.fullmatch(found["PreToolUse", "guard_shell.py"], "Bash")
        for tool in ("Write", "Edit"):
            assert re.fullmatch(found["PreToolUse", "guard_files.py"], tool)
            assert re.fullmatch(found["PostToolUse", "check_files.py"], tool)
        assert re.fullmatch(found["PreToolUse", "guard_shell.py"], "Monitor")
        assert not re.fullmatch(found["SessionStart", "start_session.py"], "compact")
        free = found["PreToolUse", "allow_tools.py"]
        for server in ("mcp__plugin_stratum_stratum__", "mcp__stratum__"):
            assert {tool for tool in _TOOLS if re.fullmatch(free, server + tool)} == _TOOLS - {"codegen"}
            assert re.fullmatch(found["PostToolUse", "show_plan.py"], server + "plan")

    @pytest.mark.parametrize("path", _SKILLS, ids=lambda path: str(path.parent.name))
    def test_a_skill_says_when_it_is_for_in_few_words(self, path: Path) -> None:
        _, head, body = path.read_text("utf-8").split("---\n", 2)
        told = yaml.safe_load(head)
        assert set(told) == {"name", "description"}
        assert told["name"] == path.parent.name
        assert told["description"].startswith("Use when ")
        assert len(told["description"]) <= 450
        assert len(body) <= 5000

    def test_skills_name_tools_and_files_that_exist(self) -> None:
        for path in _SKILLS:
            text = path.read_text("utf-8")
            named = {*re.findall(r"`(\w+)\([a-z_, ]*\)`", text)} - {"run", "parallel", "configure"}
            assert named <= _TOOLS, path
            for file in re.findall(r"`((?:\.\./)?[\w/]*references/\w+\.md)`", text):
                assert (path.parent / file).resolve().is_file(), file

    def test_the_page_names_every_hook_skill_and_part(self) -> None:
        page = ROOT / "docs" / "claude-code.md"
        hooks = {name.strip("`") for name, *_ in table_rows(section(page, "Hooks"), "hook")}
        assert hooks == {path.stem for path in PLUGIN.glob("hooks/[a-z]*.py")}
        parts = " ".join(name for name, *_ in table_rows(section(page, "What it brings"), "part"))
        assert {path.parent.name for path in _SKILLS} == {*re.findall(r"`/([\w-]+)`", parts)}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installed wheel brings."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=110, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    plugin = folder / "site" / "stratum_mcp" / "plugin"
    assert list(plugin.rglob("__pycache__")) == []
    return plugin


class TestWheel:
    @pytest.mark.slow
    def test_it_holds_the_plugin_as_it_is_in_the_checkout(self, unpacked: Path) -> None:
        def files(top: Path) -> dict[str, bytes]:
            return {
                path.relative_to(top).as_posix(): path.read_bytes()
                for path in top.rglob("*")
                if path.is_file() and path.parent.name != "__pycache__"
            }

        assert files(unpacked) == files(PLUGIN)

    @pytest.mark.slow
    @pytest.mark.claude
    def test_the_client_installs_it_from_there(self, unpacked: Path, claude: ClaudeCode) -> None:
        assert "enabled" in install(claude, unpacked)
        _sees_the_tools(claude)


def _python_of_the_skill(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program beside `shown.py`, the module that the skill shows."""
    shown = (PLUGIN / "skills" / "stratum" / "references" / "python.md").read_text("utf-8")
    (fence,) = re.findall(r"```python\n(.*?)```", shown, re.DOTALL)
    (folder / "shown.py").write_text(fence, "utf-8")
    env = {
        **os.environ,
        "STRATUM_MODEL": "offline",
        "STRATUM_STATE_DIR": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.slow
def test_the_python_that_the_skill_shows_runs(tmp_path: Path) -> None:
    done = _python_of_the_skill("import runpy; runpy.run_path('shown.py', run_name='__main__')", tmp_path)
    assert done.stdout.startswith("[Tone(label='negative', confidence="), done.stderr


_ONE_FAILS = """
import sys; sys.path.insert(0, "")
from shown import judge_all
from stratum_core import configure, run
from stratum_core.testing import FunctionClient

good = {"label": "neutral", "confidence": 0.9, "reasoning": "It says that it works."}
configure(client=FunctionClient(lambda asked: "?" if "odd" in asked.messages[1].blocks[0] else good))
print(len(run(judge_all(["fine"] * 19 + ["odd"] + ["fine"] * 19))))
"""


@pytest.mark.slow
def test_where_an_item_fails_the_python_that_the_skill_shows_keeps_the_others_and_says_which(
    tmp_path: Path,
) -> None:
    done = _python_of_the_skill(_ONE_FAILS, tmp_path)
    assert done.stdout == "38\n", done.stderr
    assert done.stderr.startswith("item 19: ")
    assert "not valid JSON" in done.stderr


def test_the_skills_name_only_what_the_library_has() -> None:
    text = "\n".join(path.read_text("utf-8") for path in _SKILLS)
    named = {
        *re.findall(r"`@(\w+)", text),
        *re.findall(r"`(parallel|Budget|configure|run|race|debate)\(", text),
    }
    assert named - {*stratum_core.__all__} == set()
    assert len(named) >= 6


def test_the_package_says_where_the_plugin_is() -> None:
    command = [sys.executable, "-c", "from stratum_mcp.cli import main; main()", "install", "--where"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    assert Path(done.stdout.strip()) == PLUGIN
    as_json = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert json.loads(as_json.stdout) == {"plugin": str(PLUGIN)}


@pytest.mark.slow
@pytest.mark.claude
def test_the_figures_on_the_page_are_those_that_are_measured(claude_binary: Path) -> None:
    page = ROOT / "docs" / "claude-code.md"
    told = {what: int(tokens) for what, _, tokens in table_rows(section(page, "What it costs"), "what")}
    measured = {row.area: row.ours for row in client_tokens(claude_binary) if row.unit == "tokens"}
    assert len(told) == len(measured)
    for stated, found in zip(told.values(), measured.values(), strict=True):
        assert abs(stated - found) <= 0.1 * found, (told, measured)
    assert measured["tools in every request"] <= 1300


@pytest.mark.slow
@pytest.mark.claude
@pytest.mark.parametrize("top", [PLUGIN, ROOT], ids=["the plugin's folder", "the top of a clone"])
class TestRealClient:
    def test_it_validates_strictly(self, claude: ClaudeCode, top: Path) -> None:
        assert "Validation passed" in client_command(claude, "plugin", "validate", "--strict", str(top))

    def test_it_is_installed_and_its_tools_are_offered(self, claude: ClaudeCode, top: Path) -> None:
        listed = install(claude, top)
        assert "stratum@stratum" in listed
        assert "enabled" in listed
        _sees_the_tools(claude)
        client_command(claude, "plugin", "uninstall", "stratum@stratum")
        assert "stratum@stratum" not in client_command(claude, "plugin", "list")


def _sees_the_tools(claude: ClaudeCode) -> None:
    """Start a session with tool search on, as most people have it: the tools are there without a search."""

    def script(request: Request) -> Script:
        yield from connected(request, "stratum", "plan")
        return "ready"

    with MessagesApi(script) as api:
        done = run_print(claude, api.url, "hello", env={**SERVER, "ENABLE_TOOL_SEARCH": "true"})
    assert (api.errors, done.answer) == ([], "ready")
    offered = {name for request in api.requests for name in request.callable_tools if "stratum" in name}
    assert offered == {f"mcp__plugin_stratum_stratum__{tool}" for tool in _TOOLS}
    skills = as_list(as_object(done.of("system", "init")[0]).get("skills"))
    assert {"stratum:stratum", "stratum:stratum-review", "stratum:stratum-migrate"} <= {*map(str, skills)}
