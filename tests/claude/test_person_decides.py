"""A debate that leaves something open: the run waits without a process, and the person answers in the client."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.claude._client import StreamSession, allow, mcp_server
from tests.claude._json import as_object, as_text
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, UseTool, connected, tool_name

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode
    from tests.claude._json import JsonObject

pytestmark = [pytest.mark.claude, pytest.mark.slow]

_CORPUS = Path(__file__).parents[1] / "corpus" / "ok"
_ALWAYS = {
    "        when: not advice.converged or len(advice.open_points) > 2 or not covered\n": "",
    "vote.value if vote is not None else advice.advice": "vote.value",
    ' if vote is not None else "advisers"': "",
    "default(vote.rationale, advice.why) if vote is not None else advice.why": "default(vote.rationale, advice.why)",
}
"""What the corpus document says, and what it says when the council decides whatever the advisers conclude."""


def _document() -> str:
    """The hearing of the corpus, with a council that is always asked."""
    text = (_CORPUS / "planning_objections.stratum.yaml").read_text("utf-8")
    for old, new in _ALWAYS.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _model(told: list[JsonObject]) -> Callable[[Request], Script]:
    """An agent that plans, asks, runs, and asks again for what only a person can decide."""
    call_data = json.loads((_CORPUS / "planning_objections.inputs.json").read_text("utf-8"))

    def script(request: Request) -> Script:
        request = yield from connected(request, "stratum", "plan")
        call = {
            name: tool_name(request, "stratum", name) for name in ("plan", "approve", "execute", "resume")
        }
        request = yield UseTool(
            call["plan"], {"spec": _document(), **call_data, "options": {"model": "offline"}}
        )
        told.append(request.tool_results[-1].json())
        plan_id: JsonObject = {"plan_id": told[0]["plan_id"]}
        request = yield UseTool(call["approve"], plan_id)
        told.append(request.tool_results[-1].json())
        request = yield UseTool(call["execute"], plan_id)
        told.append(request.tool_results[-1].json())
        request = yield UseTool(call["resume"], {"run_id": told[-1]["run_id"]})
        told.append(request.tool_results[-1].json())
        return as_text(told[-1]["message"])

    return script


def test_a_person_decides_in_the_dialog_what_a_debate_left_open(claude: ClaudeCode) -> None:
    told: list[JsonObject] = []

    def person(request: JsonObject) -> JsonObject:
        if "Run this plan?" in json.dumps(request):
            return {"action": "accept", "content": {"approve": True}}
        fields = as_object(as_object(request.get("requested_schema")).get("properties"))
        return {"action": "accept", "content": {next(iter(fields)): "postpone"}}

    server = mcp_server(
        "stratum",
        sys.executable,
        "-m",
        "stratum_mcp.server",
        env={"STRATUM_STATE_DIR": str(claude.state_dir)},
    )
    with (
        MessagesApi(_model(told)) as api,
        StreamSession(
            claude, api.url, arguments=server, on_permission=allow, on_elicitation=person
        ) as session,
    ):
        session.say("Hear the objections, let both sides argue, and ask me where they leave it open")
    assert (api.errors, session.faults) == ([], [])
    assert [answer["state"] for answer in told[1:]] == ["approved", "waiting", "completed"]
    assert "What does the council decide?" in json.dumps(session.elicitations[-1])
    result = told[-1]["result"]
    assert isinstance(result, dict)
    assert (result["outcome"], result["decided_by"]) == ("postpone", "council")
