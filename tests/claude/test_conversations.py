"""Whole conversations as a person has them in their terminal, from their first words to the last line.

The model is scripted; the client, the plugin, the server, the runner processes and the offline model are real. What the
person sees is on docs/conversations.md, which each test holds against its screens.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from stratum_core.engine import Engine, Settings
from stratum_core.errors import ApprovalError
from stratum_core.journal import RunReader
from tests.claude._client import run_print
from tests.claude._json import JsonObject, as_object, as_text, objects
from tests.claude._messages_api import MessagesApi
from tests.claude._plugin import AT_HAND as SERVER
from tests.claude._plugin import LOADED, bring_reviews, client_command, make_plan
from tests.claude._scenes import Scenes
from tests.claude._script import Request, Script, Turn, UseTool, connected, tool_name
from tests.claude._terminal import Choice, Terminal

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode
    from tests.claude._json import Json

pytestmark = [pytest.mark.claude, pytest.mark.slow]

_ASK = "Reply to the unhappy reviews in reviews.csv"
_START = "  ⎿  SessionStart"
_DEBATE = """\
stratum: "1"
name: returns
contracts:
  Stand: { advice: { enum: [free, paid] }, why: { type: string, max_length: 300 } }
functions:
  customer:
    mode: infer
    intent: Argue for free returns, as a customer
    input: { topic: string, arguments: optional<json> }
    output: Stand
  bookkeeper:
    mode: infer
    intent: Argue for paid returns, as the bookkeeper
    input: { topic: string, arguments: optional<json> }
    output: Stand
  conclude:
    mode: infer
    intent: Conclude what the shop should do
    input: { topic: string, arguments: json, converged: bool }
    output: Stand
flows:
  decide:
    input: { topic: string }
    output: { type: json }
    budget: { usd: 0.50 }
    steps:
      - id: decision
        debate:
          agents: [customer, bookkeeper]
          topic: input.topic
          rounds: 2
          agree_on: advice
          synthesize: conclude
          unresolved: human
    return: "{'advice': decision.advice, 'agreed': decision.converged}"
"""


def _use(
    request: Request, tool: str, *, saying: str = "", **arguments: Json
) -> Generator[Turn, Request, tuple[Request, JsonObject]]:
    """Call a tool of the server, after a sentence if there is one; give the next request and what it answered."""
    call = UseTool(tool_name(request, "stratum", tool), {**arguments})
    request = yield [saying, call] if saying else call
    return request, request.tool_results[-1].json()


def _review_job(
    request: Request, *, saying: str, rows: int | None = None, **options: Json
) -> Generator[Turn, Request, tuple[Request, JsonObject]]:
    """Plan the review job, ask, and run it when the person agreed; give the plan, the answer or the run."""
    request, plan = yield from make_plan(request, rows=rows, **options)
    request, answer = yield from _use(request, "approve", saying=saying, plan_id=plan["plan_id"])
    if answer["state"] != "approved":
        return request, answer
    return (yield from _use(request, "execute", plan_id=plan["plan_id"]))


def _rows(claude: ClaudeCode) -> list[dict[str, str]]:
    with (claude.project / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _engine(claude: ClaudeCode) -> Engine:
    return Engine(Settings.from_environment({"STRATUM_STATE_DIR": str(claude.state_dir)}, cwd=claude.project))


def test_a_plain_request_becomes_a_plan_a_question_live_progress_and_a_file(
    claude: ClaudeCode, terminal_folder: Path
) -> None:
    bring_reviews(claude, times=6)

    def script(request: Request) -> Script:
        request, run = yield from _review_job(request, saying="I will judge 816 reviews and draft replies.")
        return as_text(run["message"])

    with (
        MessagesApi(script) as api,
        Scenes("plain", claude) as scenes,
        Terminal(claude, api.url, folder=terminal_folder, arguments=LOADED, env=SERVER) as terminal,
    ):
        terminal.say(_ASK)
        asked = terminal.form("accept", Run_this_plan=True)
        scenes.add("The plan, in the server's words, and the one question:", asked)
        running = terminal.wait_for(r"Running: .* \d+/816 items")
        scenes.add("While it runs:", running, since="● I will judge")
        done = terminal.wait_for(r"● Done\. 816 processed")
        scenes.add("The end:", done, since="● I will judge")
    assert api.errors == []
    assert re.search(r"says: Stratum's plan \(plan_\w+\):\s+Input: 816 reviews from reviews\.csv\.", asked)
    assert re.search(r"Simulated: likely about \$[0-9.]+ .* At most \$0\.96\.", asked)
    assert len(_rows(claude)) == 816
    assert len(_engine(claude).runs()) == 1


def test_a_no_runs_nothing_and_a_change_is_a_new_plan_with_a_new_question(
    claude: ClaudeCode, terminal_folder: Path
) -> None:
    bring_reviews(claude)

    def script(request: Request) -> Script:
        request, _ = yield from _review_job(request, saying="I will judge 136 reviews and draft replies.")
        request = yield "Nothing was run. What should I change?"
        request, run = yield from _review_job(request, saying="Then the first 50.", rows=50)
        return as_text(run["message"])

    with (
        MessagesApi(script) as api,
        Terminal(claude, api.url, folder=terminal_folder, arguments=LOADED, env=SERVER) as terminal,
    ):
        with Scenes("declined", claude) as scenes:
            terminal.say(_ASK)
            asked_first = terminal.form("decline")
            no = terminal.wait_for(r"Nothing was run")
            assert not (claude.project / "results.csv").exists()
            assert _engine(claude).runs() == ()
            scenes.add("After Decline:", no, since="● I will judge")
        with Scenes("changed", claude) as scenes:
            terminal.say("Only the first 50")
            asked = terminal.form("accept", Run_this_plan=True)
            scenes.add("The new plan and its question:", asked, since="❯ Only the first 50")
            done = terminal.wait_for(r"● Done\. 50 processed")
            scenes.add("The end:", done, since="● Then the first 50.")
    assert api.errors == []
    assert "Input: the first 50 reviews from reviews.csv." in asked
    assert len(_rows(claude)) == 50
    first, second = re.findall(r"Stratum's plan \((plan_\w+)\)", asked_first + asked)
    engine = _engine(claude)
    assert [run.plan_id for run in engine.runs()] == [second]
    with pytest.raises(ApprovalError):
        engine.execute(first)


def test_what_a_debate_leaves_open_is_asked_in_the_chat_and_can_be_answered_in_another_session(
    claude: ClaudeCode, terminal_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs: list[JsonObject] = []

    def first_day(request: Request) -> Script:
        request = yield from connected(request, "stratum", "plan")
        request, plan = yield from _use(
            request,
            "plan",
            spec=_DEBATE,
            inputs={"topic": "The shop's rule for returns next year"},
            options={"model": "offline"},
        )
        request, _ = yield from _use(request, "approve", plan_id=plan["plan_id"])
        request, run = yield from _use(request, "execute", plan_id=plan["plan_id"])
        runs.append(run)
        request, run = yield from _use(
            request, "resume", saying="They did not agree, so it is for you to decide.", run_id=run["run_id"]
        )
        return as_text(run["message"])

    def next_day(request: Request) -> Script:
        request = yield from connected(request, "stratum", "resume")
        request, run = yield from _use(request, "resume", run_id=runs[0]["run_id"])
        runs.append(run)
        return f"{as_text(run['message'])} The advice is: {as_text(as_object(run['result'])['advice'])}."

    with (
        MessagesApi(first_day) as api,
        Scenes("debate", claude) as scenes,
        Terminal(claude, api.url, folder=terminal_folder, arguments=LOADED, env=SERVER) as terminal,
    ):
        terminal.say("Let both sides argue about free returns, and ask me if they do not agree")
        terminal.form("accept", Run_this_plan=True)
        open_question = terminal.form("cancel")
        scenes.add("The question, which the person closes for today with Esc:", open_question)
        waiting = terminal.wait_for(r"● Waiting for a person")
        scenes.add("What the agent says then:", waiting, since="● They did not")
    assert api.errors == []
    with (
        MessagesApi(next_day) as api,
        Scenes("parked", claude) as scenes,
        Terminal(
            claude, api.url, folder=tmp_path_factory.mktemp("tmux"), arguments=LOADED, env=SERVER
        ) as terminal,
    ):
        terminal.wait_for(r"waits for 1 answer of yours")
        scenes.add("Another day, another session; before a word is said:", terminal.ready(), since=_START)
        terminal.say("Yes, go on")
        asked = terminal.form("accept", Your_answer=Choice("free"))
        scenes.add("The question again:", asked, since="❯ Yes")
        done = terminal.wait_for(r"● Done\.(.|\n)*The\s+advice\s+is: free")
        scenes.add("The end:", done, since="● Done")
    assert api.errors == []
    assert [run["state"] for run in runs] == ["waiting", "completed"]
    assert runs[-1]["result"] == {"advice": "free", "agreed": False}


def test_a_run_that_was_killed_with_its_session_goes_on_in_the_next_and_pays_nothing_twice(
    claude: ClaudeCode, terminal_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bring_reviews(claude, times=6)

    def before(request: Request) -> Script:
        request, run = yield from _review_job(request, saying="I will judge 816 reviews and draft replies.")
        return as_text(run["message"])

    with (
        MessagesApi(before) as api,
        Scenes("killed", claude) as scenes,
        Terminal(claude, api.url, folder=terminal_folder, arguments=LOADED, env=SERVER) as terminal,
    ):
        terminal.say(_ASK)
        terminal.form("accept", Run_this_plan=True)
        running = terminal.wait_for(r"Running: .* [1-9]\d*/816 items")
        (run,) = _engine(claude).runs()
        _kill_everything(claude)
        scenes.add("The last that was seen before the power went:", running, since="● I will judge")
    paid = _answered(claude, run.run_id)
    assert 0 < len(paid) < 1000

    def after(request: Request) -> Script:
        request = yield from connected(request, "stratum", "resume")
        request, went_on = yield from _use(request, "resume", run_id=run.run_id)
        return f"{as_text(went_on['note'])}\n\n{as_text(went_on['message'])}"

    with (
        MessagesApi(after) as api,
        Scenes("picked-up", claude) as scenes,
        Terminal(
            claude, api.url, folder=tmp_path_factory.mktemp("tmux"), arguments=LOADED, env=SERVER
        ) as terminal,
    ):
        terminal.wait_for(r"was interrupted: \d+ of 816 done")
        scenes.add("The next session begins with:", terminal.ready(), since=_START)
        terminal.say("Yes, finish it")
        done = terminal.wait_for(r"● On record: (.|\n)*Done\. 816 processed")
        scenes.add("The end:", done, since="❯ Yes")
    assert api.errors == []
    assert len(_rows(claude)) == 816
    assert paid.items() <= _answered(claude, run.run_id).items(), "what was paid before is as it was"


def test_a_run_that_came_to_its_cap_goes_on_after_the_person_named_a_higher_one(
    claude: ClaudeCode, terminal_folder: Path
) -> None:
    bring_reviews(claude)

    def script(request: Request) -> Script:
        request, run = yield from _review_job(
            request,
            saying="I will judge 136 reviews and draft replies, for at most half a cent.",
            cap_usd=0.005,
        )
        request, run = yield from _use(
            request, "resume", saying=as_text(run["message"]), run_id=run["run_id"]
        )
        return as_text(run["message"])

    with (
        MessagesApi(script) as api,
        Scenes("cap", claude) as scenes,
        Terminal(claude, api.url, folder=terminal_folder, arguments=LOADED, env=SERVER) as terminal,
    ):
        terminal.say("Reply to the unhappy reviews, it may cost half a cent")
        terminal.form("accept", Run_this_plan=True)
        asked = terminal.form("accept", Let_it_go_on=True, New_cap_in_dollars="0.05")
        scenes.add("The money is used up, and the person is asked:", asked, since="● I will")
        done = terminal.wait_for(r"● Done\. 136 processed")
        scenes.add("The end:", done, since="● Done")
    assert api.errors == []
    assert "stopped at its cap of $0.005" in asked
    (run,) = _engine(claude).runs()
    assert (run.state, run.cap_usd, len(_rows(claude))) == ("completed", 0.05, 136)


def test_a_developer_looks_into_a_plan_takes_it_as_python_and_runs_that(
    claude: ClaudeCode, terminal_folder: Path
) -> None:
    bring_reviews(claude)
    shown: list[str] = []

    def script(request: Request) -> Script:
        request, plan = yield from make_plan(request)
        uri = f"stratum://plans/{plan['plan_id']}/outline"
        if "ReadMcpResourceTool" not in request.callable_tools:
            request = yield UseTool("ToolSearch", {"query": "select:ReadMcpResourceTool", "max_results": 1})
        request = yield UseTool("ReadMcpResourceTool", {"server": "plugin:stratum:stratum", "uri": uri})
        shown.append(as_text(objects(request.tool_results[-1].json()["contents"])[0]["text"]))
        graph, prompts = (
            _part(shown[0], "STEP GRAPH", "TYPES"),
            _part(shown[0], "FUNCTIONS", "draft_reply  t"),
        )
        request = yield f"```text\n{graph}\n```\n\nSay if you want to see types, budgets or prompts."
        request = yield f"```text\n{prompts}\n```"
        codegen: JsonObject = {"plan_id": plan["plan_id"], "path": "reviews.py"}
        request = yield UseTool(tool_name(request, "stratum", "codegen"), codegen)
        made = request.tool_results[-1].json()
        shown.append(f"{made['contracts_equal']} {made['functions_equal']} {made['same_document']}")
        request = yield [
            "It is written, with the same hashes. I will try it on one review, with the offline model.",
            UseTool(
                "Bash", {"command": "STRATUM_MODEL=offline python reviews.py one.csv", "description": "try"}
            ),
        ]
        return f"It prints:\n\n```json\n{request.tool_results[-1].text}\n```"

    one = 'review_id,Product,Review Text,Stars\nr1,Lamp,"Works perfectly, I love it.",5\n'
    (claude.project / "one.csv").write_text(one, "utf-8")
    with (
        MessagesApi(script) as api,
        Scenes("developer", claude) as scenes,
        Terminal(
            claude,
            api.url,
            folder=terminal_folder,
            arguments=[*LOADED, "--allowedTools", "ReadMcpResourceTool,Bash"],
            env={**SERVER, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        ) as terminal,
    ):
        terminal.say("/stratum-review")
        graph = terminal.wait_for("Say if you want")
        scenes.add("The step graph:", graph, since="● STEP")
        terminal.say("The prompts, please")
        prompts = terminal.wait_for(r"</data \w+>")
        scenes.add("Functions, and the first prompt as it is compiled:", prompts, since="● FUNC")
        terminal.say("Put it into our project as Python, and try it")
        scenes.add("The file is written only with a yes:", terminal.permission("yes"), since="❯ Put")
        done = terminal.wait_for(r'"processed": 1')
        scenes.add("The module runs on its own:", done, since="● It is")
    assert api.errors == []
    assert '"label": "positive"' in done
    assert "# Look into a plan or a run" in json.dumps(api.requests[0].body), "the skill was loaded"
    assert shown[0] == _engine(claude).code.outline(_plan_id(shown[0]))
    assert shown[1:] == ["5 2 True"]


def test_lasting_work_becomes_infer_python_as_the_skill_says(claude: ClaudeCode) -> None:
    outputs: list[str] = []

    def script(request: Request) -> Script:
        told = re.search(r"Base directory for this skill: (\S+?)\\n", json.dumps(request.messages))
        assert told, "the client says where the skill lies"
        assert "references/python.md" in json.dumps(request.messages)
        request = yield UseTool("Read", {"file_path": f"{told[1]}/references/python.md"})
        (written,) = re.findall(
            r"```python\n(.*?)```", re.sub(r"(?m)^\s*\d+[\t→]", "", request.tool_results[-1].text), re.DOTALL
        )
        request = yield UseTool("Write", {"file_path": str(claude.project / "tone.py"), "content": written})
        outputs.append(request.notices)
        request = yield UseTool(
            "Bash", {"command": "STRATUM_MODEL=offline python tone.py", "description": "try"}
        )
        return request.tool_results[-1].text

    with MessagesApi(script) as api:
        done = run_print(
            claude,
            api.url,
            "/stratum:stratum write me a function that judges the tone of a review",
            arguments=[*LOADED, "--allowedTools", "Read,Write,Bash"],
            env={**SERVER, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
    assert api.errors == []
    assert "@infer(" in (claude.project / "tone.py").read_text("utf-8")
    assert done.answer.startswith("[Tone(label='negative', confidence=")
    assert "retries by hand" not in "".join(outputs)


def test_in_print_mode_the_plan_waits_for_a_person_and_names_the_command(claude: ClaudeCode) -> None:
    bring_reviews(claude)

    def script(request: Request) -> Script:
        request, answer = yield from _review_job(request, saying="")
        return as_text(answer["message"])

    with MessagesApi(script) as api, Scenes("headless", claude) as scenes:
        done = run_print(claude, api.url, _ASK, arguments=LOADED, env=SERVER)
        scenes.add("What is printed:", f'\n$ claude -p "{_ASK}"\n{done.answer}', since="$ claude")
    assert (api.errors, done.exit_code) == ([], 0)
    assert re.search(r"stratum approve plan_\w{12}$", done.answer)
    assert _engine(claude).runs() == ()


def test_without_the_plugin_the_server_alone_plans_asks_and_runs(
    claude: ClaudeCode, terminal_folder: Path
) -> None:
    bring_reviews(claude)
    client_command(claude, "mcp", "add", "--scope", "user", "stratum", "--", SERVER["STRATUM_MCP"])

    def script(request: Request) -> Script:
        assert not any("stratum" in name for name in request.callable_tools), (
            "the tools have to be looked for"
        )
        request, run = yield from _review_job(request, saying="I will judge 3 reviews.", rows=3)
        return as_text(run["message"])

    with (
        MessagesApi(script) as api,
        Scenes("server-alone", claude) as scenes,
        Terminal(
            claude, api.url, folder=terminal_folder, env={**SERVER, "ENABLE_TOOL_SEARCH": "true"}
        ) as terminal,
    ):
        terminal.say(_ASK)
        planned = terminal.permission("yes")
        terminal.permission("yes")
        asked = terminal.form("accept", Run_this_plan=True)
        scenes.add("The question of the plan is the same:", asked, since="● I will")
        terminal.permission("yes")
        done = terminal.wait_for(r"● Done\. 3 processed")
        scenes.add("The end:", done, since="● Done")
    assert api.errors == []
    assert "About the stratum — Plan Tool" in planned
    assert len(_rows(claude)) == 3


def _part(text: str, start: str, end: str) -> str:
    """Return what stands between two headings of an outline, the first included."""
    return text[text.index(start) : text.index(end)].rstrip()


def _plan_id(outline: str) -> str:
    return outline.split()[1]


def _kill_everything(claude: ClaudeCode) -> None:
    """End client, server and runner at once, as when the machine goes down."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("STRATUM_STATE_DIR") == str(claude.state_dir):
                process.kill()


def _answered(claude: ClaudeCode, run_id: str) -> dict[str, int]:
    """Return what each answered call of a run cost, by its place."""
    with RunReader.open(claude.state_dir, run_id) as reader:
        paid = [attempt for attempt in reader.attempts() if attempt.state == "answered"]
    by_place = {f"{attempt.path}#{attempt.attempt}": attempt.usage.nusd for attempt in paid}
    assert len(by_place) == len(paid), "no call was answered twice"
    return by_place
