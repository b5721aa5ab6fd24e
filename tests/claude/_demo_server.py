"""A tiny MCP stdio server for the harness's own tests: plan, approve (asks the person), execute.

Standard library only, so it starts at once and shows the client's behaviour rather than a library's.
"""

from __future__ import annotations

import itertools
import json
import sys

from tests.claude._json import JsonObject, as_object, as_text, parse_object

_PLAN_ID: JsonObject = {
    "type": "object",
    "properties": {"plan_id": {"type": "string"}},
    "required": ["plan_id"],
}
_TASK: JsonObject = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
_TOOLS: list[JsonObject] = [
    {"name": "plan", "description": "Make a plan", "inputSchema": _TASK},
    {"name": "approve", "description": "Ask the person to approve a plan", "inputSchema": _PLAN_ID},
    {"name": "execute", "description": "Run an approved plan", "inputSchema": _PLAN_ID},
]
_FORM: JsonObject = {
    "type": "object",
    "required": ["approve"],
    "properties": {
        "approve": {"type": "boolean", "title": "Run this plan", "description": "Costs $0.02, at most $0.05"},
        "note": {"type": "string", "title": "Note"},
    },
}
_ids = itertools.count(1000)
_approved: set[str] = set()


def _send(message: JsonObject) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def _ask(message: str) -> JsonObject:
    """Elicit the form; requests that arrive meanwhile are answered too."""
    mine = next(_ids)
    params: JsonObject = {"mode": "form", "message": message, "requestedSchema": _FORM}
    _send({"id": mine, "method": "elicitation/create", "params": params})
    for line in sys.stdin:
        reply = parse_object(line)
        if reply.get("id") == mine and "method" not in reply:
            return as_object(reply.get("result"))
        _handle(reply)
    raise EOFError("the client went away while the person was asked")


def _call(tool: str, arguments: JsonObject) -> tuple[JsonObject, bool]:
    """Return a tool's answer and whether it is an error."""
    plan_id = as_text(arguments.get("plan_id"))
    if tool == "plan":
        return {"plan_id": "p-1", "task": arguments.get("task")}, False
    if tool == "approve":
        answer = _ask(f"Plan {plan_id}\n1. read 3 tickets\n2. classify each")
        content = as_object(answer.get("content"))
        if answer.get("action") == "accept" and content.get("approve") is True:
            _approved.add(plan_id)
        return {"approved": plan_id in _approved, "action": answer.get("action"), "content": content}, False
    if plan_id not in _approved:
        return {"error": "not approved; call approve first"}, True
    return {"result": "3 tickets classified"}, False


def _handle(message: JsonObject) -> None:
    if "id" not in message or "method" not in message:
        return
    params = as_object(message.get("params"))
    result: JsonObject = {}
    if message["method"] == "initialize":
        result = {
            "protocolVersion": params.get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "demo", "version": "1"},
            "instructions": "Plan, then approve, then execute.",
        }
    elif message["method"] == "tools/list":
        result = {"tools": [*_TOOLS]}
    elif message["method"] == "tools/call":
        answer, is_error = _call(as_text(params.get("name")), as_object(params.get("arguments")))
        result = {"content": [{"type": "text", "text": json.dumps(answer)}], "isError": is_error}
    _send({"id": message["id"], "result": result})


if __name__ == "__main__":
    for request in sys.stdin:
        _handle(parse_object(request))
