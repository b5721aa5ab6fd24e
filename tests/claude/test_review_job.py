"""The main conversation through the real client: reviews in, one plan, one question, checked results out.

The model is scripted, everything else is real: Claude Code, the server it starts, the engine, a runner process and
the offline model.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stratum_core.money import format_usd, to_nusd
from tests.claude._client import StreamSession, accept, allow, decline, mcp_server, run_print
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, UseTool, connected, tool_name
from tests.claude._terminal import Terminal

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode
    from tests.claude._json import JsonObject

pytestmark = [pytest.mark.claude, pytest.mark.slow]

_EXAMPLES = Path(__file__).parents[2] / "examples"
_COLUMNS: JsonObject = {"id": "review_id", "product": "Product", "text": "Review Text", "stars": "Stars"}
_REQUEST = "Analyse the sentiment of each review, draft a response for negative ones, flag what is uncertain"
_ALLOWED = ["--allowedTools", "mcp__stratum"]


@pytest.fixture
def reviews_project(claude: ClaudeCode) -> ClaudeCode:
    """A project that holds a file of reviews and nothing else."""
    shutil.copy(_EXAMPLES / "reviews.csv", claude.project)
    return claude


def _server(claude: ClaudeCode) -> list[str]:
    return mcp_server(
        "stratum",
        sys.executable,
        "-m",
        "stratum_mcp.server",
        env={"STRATUM_STATE_DIR": str(claude.state_dir)},
    )


def _model(told: list[JsonObject], *, hasty: bool = False) -> Callable[[Request], Script]:
    """An agent that writes the document, plans, asks and runs; `told` collects what the tools answered.

    Args:
        told: The structured content of every tool result.
        hasty: Whether it tries to run the plan before anybody agreed.
    """
    document = (_EXAMPLES / "reviews.stratum.yaml").read_text("utf-8")

    def script(request: Request) -> Script:
        request = yield from connected(request, "stratum", "plan")
        call = {name: tool_name(request, "stratum", name) for name in ("plan", "approve", "execute")}
        request = yield UseTool(
            call["plan"],
            {
                "spec": document,
                "flow": "process_reviews",
                "inputs": {"reviews": {"file": "reviews.csv", "columns": _COLUMNS}},
                "options": {"model": "offline", "out": "results.csv", "rows": 40},
            },
        )
        plan = request.tool_results[-1].json()
        told.append(plan)
        plan_id: JsonObject = {"plan_id": plan["plan_id"]}
        if hasty:
            request = yield UseTool(call["execute"], plan_id)
            told.append(
                {"is_error": request.tool_results[-1].is_error, "text": request.tool_results[-1].text}
            )
        request = yield UseTool(call["approve"], plan_id)
        told.append(request.tool_results[-1].json())
        if told[-1]["state"] != "approved":
            return f"Nothing was run: {told[-1]['message']}"
        request = yield UseTool(call["execute"], plan_id)
        told.append(request.tool_results[-1].json())
        return str(told[-1]["message"])

    return script


def _results(claude: ClaudeCode) -> list[dict[str, str]]:
    with (claude.project / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_person_who_agrees_in_the_terminal_sees_the_plan_and_gets_the_results(
    reviews_project: ClaudeCode, terminal_folder: Path
) -> None:
    told: list[JsonObject] = []
    with (
        MessagesApi(_model(told)) as api,
        Terminal(
            reviews_project, api.url, folder=terminal_folder, arguments=[*_server(reviews_project), *_ALLOWED]
        ) as terminal,
    ):
        terminal.say(_REQUEST)
        form = terminal.form("accept", Run_this_plan=True)
        terminal.wait_for(r"Done\. 40 processed", timeout_s=60)
    assert api.errors == []
    assert "the first 40 reviews from reviews.csv" in form
    assert re.search(r"likely about \$[0-9.]+\. At most \$[0-9.]+\.", form), "the price is on the screen"
    assert "more lines" not in form
    assert (told[-1]["state"], told[-1]["done"], told[-1]["total"]) == ("completed", 40, 40)
    assert [row["id"] for row in _results(reviews_project)] == [f"r{number}" for number in range(1001, 1041)]


def test_the_person_is_asked_in_four_lines_with_the_price_last(reviews_project: ClaudeCode) -> None:
    told: list[JsonObject] = []
    with (
        MessagesApi(_model(told)) as api,
        StreamSession(
            reviews_project,
            api.url,
            arguments=_server(reviews_project),
            on_permission=allow,
            on_elicitation=accept(approve=True),
        ) as session,
    ):
        said = session.say(_REQUEST).answer
    assert (api.errors, session.faults) == ([], [])
    (asked,) = session.elicitations
    lines = str(asked["message"]).splitlines()
    assert len(lines) == 4
    assert f"At most {format_usd(to_nusd(str(told[0]['at_most_usd'])))}." in lines[-1]
    assert said.startswith("Done. 40 processed, ")
    assert len(_results(reviews_project)) == 40


def test_an_agent_that_runs_before_the_yes_is_refused_and_nothing_is_paid(
    reviews_project: ClaudeCode,
) -> None:
    told: list[JsonObject] = []
    with (
        MessagesApi(_model(told, hasty=True)) as api,
        StreamSession(
            reviews_project, api.url, arguments=_server(reviews_project), on_elicitation=decline
        ) as session,
    ):
        said = session.say(_REQUEST).answer
    assert (api.errors, session.faults) == ([], [])
    assert told[1]["is_error"] is True
    assert "needs_approval" in str(told[1]["text"])
    assert told[2]["state"] == "declined"
    assert said.startswith("Nothing was run: The person said no")
    assert not (reviews_project.project / "results.csv").exists()
    assert list((reviews_project.state_dir / "runs").glob("*.db")) == []


def test_print_mode_ends_in_needs_approval_with_the_command_for_the_person(
    reviews_project: ClaudeCode,
) -> None:
    told: list[JsonObject] = []
    with MessagesApi(_model(told)) as api:
        done = run_print(reviews_project, api.url, _REQUEST, arguments=[*_server(reviews_project), *_ALLOWED])
    assert (api.errors, done.exit_code) == ([], 0)
    assert told[-1]["state"] == "needs_approval"
    assert f"stratum approve {told[0]['plan_id']}" in done.answer
    assert not (reviews_project.project / "results.csv").exists()


def test_a_vague_answer_is_not_a_yes(reviews_project: ClaudeCode, terminal_folder: Path) -> None:
    told: list[JsonObject] = []
    with (
        MessagesApi(_model(told)) as api,
        Terminal(
            reviews_project, api.url, folder=terminal_folder, arguments=[*_server(reviews_project), *_ALLOWED]
        ) as terminal,
    ):
        terminal.say(_REQUEST)
        terminal.form("cancel")
        terminal.wait_for("Nothing was run")
    assert api.errors == []
    assert told[-1]["state"] == "needs_approval"
