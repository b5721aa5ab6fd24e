"""The harness itself, over a tiny MCP server: print mode, a conversation, and the terminal's screen."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.claude._client import StreamSession, accept, allow, decline, deny, mcp_server, run_print
from tests.claude._messages_api import MessagesApi
from tests.claude._script import ApiError, Request, Script, UseTool, connected, tool_name
from tests.claude._terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.claude._client import ClaudeCode
    from tests.claude._json import JsonObject

pytestmark = [pytest.mark.claude, pytest.mark.slow]

_ROOT = Path(__file__).parents[2]
_DEMO = mcp_server("demo", sys.executable, "-m", "tests.claude._demo_server", env={"PYTHONPATH": str(_ROOT)})
_ALLOWED = [*_DEMO, "--allowedTools", "mcp__demo"]


def _conversation(answers: list[JsonObject]) -> Callable[[Request], Script]:
    """A model that plans, asks, and runs what was approved; `answers` collects what it was told."""

    def script(request: Request) -> Script:
        task = request.user_text
        request = yield from connected(request, "demo", "plan")
        call = {name: tool_name(request, "demo", name) for name in ("plan", "approve", "execute")}
        request = yield ["I'll make a plan.", UseTool(call["plan"], {"task": task})]
        plan = request.tool_results[-1].json()
        answers.append(plan)
        request = yield UseTool(call["approve"], {"plan_id": plan["plan_id"]})
        answers.append(request.tool_results[-1].json())
        if not answers[-1]["approved"]:
            return "Nothing was run."
        request = yield UseTool(call["execute"], {"plan_id": plan["plan_id"]})
        answers.append(request.tool_results[-1].json())
        request = yield "Your tickets are sorted."
        return f"You said {request.user_text}."

    return script


class TestPrintMode:
    def test_nobody_is_there_so_a_form_is_cancelled(self, claude: ClaudeCode) -> None:
        answers: list[JsonObject] = []
        with MessagesApi(_conversation(answers)) as api:
            done = run_print(claude, api.url, "Sort my tickets", arguments=_ALLOWED)
        assert api.errors == []
        assert answers == [
            {"plan_id": "p-1", "task": "Sort my tickets"},
            {"approved": False, "action": "cancel", "content": {}},
        ]
        assert (done.exit_code, done.answer) == (0, "Nothing was run.")

    def test_a_tool_without_permission_is_denied(self, claude: ClaudeCode) -> None:
        def script(request: Request) -> Script:
            request = yield from connected(request, "demo", "plan")
            request = yield UseTool("mcp__demo__plan", {"task": "x"})
            return f"error: {request.tool_results[-1].is_error}"

        with MessagesApi(script) as api:
            done = run_print(claude, api.url, "go", arguments=_DEMO)
        assert api.errors == []
        assert done.answer == "error: True"
        assert "mcp__demo__plan" in json.dumps(done.outcome["permission_denials"])

    @pytest.mark.parametrize("tool_search", [True, False])
    def test_with_tool_search_a_model_must_look_for_a_tool_first(
        self, claude: ClaudeCode, tool_search: bool
    ) -> None:
        env = {"ENABLE_TOOL_SEARCH": str(tool_search).lower()}
        answers: list[JsonObject] = []
        with MessagesApi(_conversation(answers)) as api:
            run_print(claude, api.url, "Sort", arguments=_ALLOWED, env=env)
        assert (api.errors, len(answers)) == ([], 2)
        assert ("mcp__demo__plan" in api.requests[0].callable_tools) is not tool_search
        assert "mcp__demo__plan" in api.requests[-1].callable_tools

    def test_the_model_is_told_the_servers_instructions(self, claude: ClaudeCode) -> None:
        with MessagesApi(_conversation([])) as api:
            run_print(claude, api.url, "Sort", arguments=_ALLOWED)
        assert any("Plan, then approve, then execute." in r.notices + r.system for r in api.requests)

    def test_an_overloaded_api_is_asked_again(self, claude: ClaudeCode) -> None:
        def script(request: Request) -> Script:
            yield ApiError(529)
            return "recovered"

        with MessagesApi(script) as api:
            done = run_print(claude, api.url, "go")
        assert (api.errors, done.answer, len(api.requests)) == ([], "recovered", 2)


class TestAScriptThatIsWrong:
    def test_calling_a_tool_that_is_not_offered_is_recorded(self, claude: ClaudeCode) -> None:
        def script(request: Request) -> Script:
            yield UseTool("mcp__nowhere__plan")
            return "unreachable"

        with MessagesApi(script) as api:
            done = run_print(claude, api.url, "go")
        assert len(api.errors) == 1
        assert "no model could call 'mcp__nowhere__plan'" in api.errors[0]
        assert done.answer.startswith("SCRIPT ERROR")


class TestStreamSession:
    def test_a_person_who_agrees_gets_the_result_and_can_go_on(self, claude: ClaudeCode) -> None:
        answers: list[JsonObject] = []
        with (
            MessagesApi(_conversation(answers)) as api,
            StreamSession(
                claude, api.url, arguments=_DEMO, on_elicitation=accept(approve=True, note="today")
            ) as session,
        ):
            first = session.say("Sort my tickets").answer
            second = session.say("thanks").answer
        assert (api.errors, session.faults) == ([], [])
        assert (first, second) == ("Your tickets are sorted.", "You said thanks.")
        assert answers[1]["content"] == {"approve": True, "note": "today"}
        assert [asked["tool_name"] for asked in session.permissions] == [
            "mcp__demo__plan",
            "mcp__demo__approve",
            "mcp__demo__execute",
        ]
        assert [asked["message"] for asked in session.elicitations] == [
            "Plan p-1\n1. read 3 tickets\n2. classify each"
        ]

    def test_a_person_who_declines_gets_nothing_run(self, claude: ClaudeCode) -> None:
        answers: list[JsonObject] = []
        with (
            MessagesApi(_conversation(answers)) as api,
            StreamSession(claude, api.url, arguments=_DEMO, on_elicitation=decline) as session,
        ):
            said = session.say("Sort my tickets").answer
        assert (api.errors, session.faults, said) == ([], [], "Nothing was run.")
        assert answers[-1]["action"] == "decline"

    def test_a_denied_permission_reaches_the_model_as_an_error(self, claude: ClaudeCode) -> None:
        def script(request: Request) -> Script:
            request = yield from connected(request, "demo", "plan")
            request = yield UseTool("mcp__demo__plan", {"task": "x"})
            return request.tool_results[-1].text

        with (
            MessagesApi(script) as api,
            StreamSession(claude, api.url, arguments=_DEMO, on_permission=deny) as session,
        ):
            said = session.say("go").answer
        assert api.errors == []
        assert "the person refused mcp__demo__plan" in said

    def test_an_answer_that_raises_is_kept_as_a_fault(self, claude: ClaudeCode) -> None:
        def broken(request: JsonObject) -> JsonObject:
            raise KeyError("nothing")

        with (
            MessagesApi(_conversation([])) as api,
            StreamSession(
                claude, api.url, arguments=_DEMO, on_permission=allow, on_elicitation=broken
            ) as session,
        ):
            session.say("Sort my tickets")
        assert session.faults == ["elicitation: KeyError('nothing')"]


class TestTerminal:
    def test_a_person_reads_the_plan_ticks_the_box_and_sees_the_end(
        self, claude: ClaudeCode, terminal_folder: Path
    ) -> None:
        answers: list[JsonObject] = []
        with (
            MessagesApi(_conversation(answers)) as api,
            Terminal(claude, api.url, folder=terminal_folder, arguments=_DEMO) as terminal,
        ):
            terminal.say("Sort my tickets")
            planned = terminal.permission("yes")
            terminal.permission("always")
            form = terminal.form("accept", Run_this_plan=True, Note="by friday")
            terminal.permission("yes")
            terminal.wait_for("Your tickets are sorted")
        assert api.errors == []
        assert 'task: "Sort my tickets"' in planned
        assert "2. classify each" in form
        assert "Costs $0.02, at most $0.05" in form
        assert answers[1]["content"] == {"approve": True, "note": "by friday"}

    @pytest.mark.parametrize(
        ("action", "fields", "told"),
        [
            ("decline", {}, {"approved": False, "action": "decline", "content": {}}),
            ("cancel", {}, {"approved": False, "action": "cancel", "content": {}}),
            (
                "accept",
                {"Run_this_plan": False},
                {"approved": False, "action": "accept", "content": {"approve": False}},
            ),
        ],
    )
    def test_whatever_is_not_a_yes_runs_nothing(
        self,
        claude: ClaudeCode,
        terminal_folder: Path,
        action: Literal["accept", "decline", "cancel"],
        fields: dict[str, bool],
        told: JsonObject,
    ) -> None:
        answers: list[JsonObject] = []
        with (
            MessagesApi(_conversation(answers)) as api,
            Terminal(claude, api.url, folder=terminal_folder, arguments=_ALLOWED) as terminal,
        ):
            terminal.say("Sort my tickets")
            terminal.form(action, **fields)
            terminal.wait_for("Nothing was run")
        assert api.errors == []
        assert answers[-1] == told

    def test_a_wait_that_ends_in_vain_shows_the_screen(
        self, claude: ClaudeCode, terminal_folder: Path
    ) -> None:
        with (
            MessagesApi(_conversation([])) as api,
            Terminal(claude, api.url, folder=terminal_folder) as terminal,
        ):
            terminal.ready()
            with pytest.raises(TimeoutError, match=r"never shown(.|\n)*Claude Code"):
                terminal.wait_for("never shown", timeout_s=0.2)
