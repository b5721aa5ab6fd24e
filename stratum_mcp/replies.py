"""Replies: what a tool call sends back, small enough to be read and complete enough to act on.

Claude Code gives its model only the structured content of a good reply and only the text of an error, so the summary
stands inside the record and an error carries its remedy, its diagnostics included. No reply is longer than
`MAX_CHARACTERS`; what is longer stays in its file and its resource.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

from stratum_core.errors import NeedsApproval, StratumError
from stratum_mcp.plain import plain
from stratum_mcp.remedies import for_tool

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue
    from stratum_core.engine import ApprovalView, PlanView, RunView

__all__ = ["MAX_CHARACTERS", "approval_record", "bounded", "plan_record", "reply", "run_record", "tool_error"]

MAX_CHARACTERS = 20_000

_NEXT_FOR_PLAN = {
    "approved": "approved already: call execute with this plan_id",
    "declined": "the person said no: change the plan with them and call plan again",
    "needs_approval": "tell the person the summary, then call approve with this plan_id: they are asked themselves",
}
_NEXT_FOR_APPROVAL = {
    "approved": "call execute with this plan_id",
    "declined": "nothing runs; ask the person what to change, then call plan again",
    "needs_approval": "show the person the message and stop; they approve, not you; then call execute",
}
_ASK_FIRST = "call approve with this plan_id: the person is asked; execute it when they said yes"
_NEXT_ASKS = (
    "tell the person what is asked, then call resume with this run_id: they are asked, you cannot answer"
)
_NEXT_CAP_ASKS = (
    "tell the person how far it came, then call resume with this run_id: they are asked for a higher cap, you cannot "
    "give one; with their no, plan again only if they ask for that"
)
_NEXT_CAP_TELLS = (
    "show the person the message and stop; they name a higher cap in their own terminal; then call resume"
)
_NEXT_TELLS = (
    "show the person the message and stop; they answer in their own terminal, not you; then call resume"
)


def plan_record(view: PlanView) -> dict[str, JsonValue]:
    """Return a plan and what to do with it."""
    return {**view.to_json(), "next": _NEXT_FOR_PLAN[view.approval]}


def approval_record(view: ApprovalView) -> dict[str, JsonValue]:
    """Return where a plan stands with the person, and what to do now."""
    return {**view.to_json(), "next": _NEXT_FOR_APPROVAL[view.state]}


def run_record(view: RunView, *, can_ask: bool = True) -> dict[str, JsonValue]:
    """Return a run as it stands; its trace and census are in its resource.

    Args:
        view: The run.
        can_ask: Whether the client can put a form before the person, and they have not just closed one.
    """
    record = view.to_json()
    record["trace"] = f"stratum://runs/{view.run_id}"
    if not view.final:
        record["next"] = (
            "it goes on by itself: call resume with this run_id to wait for it, cancel to stop it"
        )
    elif view.waiting_for and view.state == "waiting":
        record["next"] = _NEXT_ASKS if can_ask else _NEXT_TELLS
    elif view.resumable:
        record["next"] = "call resume with this run_id to go on; nothing recorded as paid is paid again"
    elif view.needs_cap:
        record["next"] = _NEXT_CAP_ASKS if can_ask else _NEXT_CAP_TELLS
    elif view.state == "stopped_budget":
        record["next"] = (
            "the cap is fixed with the plan: ask the person, then plan again with a higher cap_usd"
        )
    return record


def reply(record: Mapping[str, JsonValue]) -> CallToolResult:
    """Return a record as structured content, and the same as text for clients that read only that."""
    text = _text(bounded(record, MAX_CHARACTERS))
    # Through bytes, because half a surrogate pair in a text would make the whole answer unsendable.
    structured = json.loads(text.encode("utf-8", "replace"))
    return CallToolResult(content=[TextContent(type="text", text=plain(text))], structured_content=structured)


def tool_error(error: StratumError) -> ToolError:
    """Return an error as the model reads it: what happened, what to do, and the facts to repair it in one round."""
    lines = [f"{error.code}: {plain(error.message)}"]
    remedy = _ASK_FIRST if isinstance(error, NeedsApproval) else for_tool(error)
    if remedy:
        lines.append(f"What to do: {plain(remedy)}")
    if error.detail:
        left = MAX_CHARACTERS - 200 - sum(map(len, lines))
        lines.append(plain(_text(bounded(error.detail, max(left, 1_000)))))
    return ToolError("\n".join(lines)[: MAX_CHARACTERS - 100])


def bounded(record: Mapping[str, JsonValue], limit: int) -> dict[str, JsonValue]:
    """Return a record of about so many characters of JSON: lists lose their tail, long texts their end.

    What was left out is counted in `omitted`; the names of the record all stay.
    """
    small = dict(record)
    omitted: dict[str, JsonValue] = {}
    while len(_text(small)) > limit:
        name = max(
            (key for key in small if key != "omitted"), key=lambda key: len(_text(small[key])), default=""
        )
        shorter, left_out = _shorter(small.get(name))
        if not left_out:
            break
        before = omitted.get(name, 0)
        omitted[name] = left_out + (before if isinstance(before, int) else 0)
        small[name] = shorter
        small["omitted"] = omitted
    return small


def _shorter(value: JsonValue) -> tuple[JsonValue, int]:
    """Return about half of a value and how many parts it lost; 0 when it cannot be made shorter."""
    if isinstance(value, (list, str)) and len(value) > 1:
        kept = value[: len(value) // 2]
        return kept, len(value) - len(kept)
    return (value, 0) if value is None or isinstance(value, (bool, int, float)) else (None, 1)


def _text(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """Return compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
