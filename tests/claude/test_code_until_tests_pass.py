"""Code refined until its tests pass: the agent asks for it, a provider writes it, registered Python judges it.

The client, the server, the runner and litellm are real; the provider is a loopback server that errs once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.from_thread
import pytest

from tests.claude._client import StreamSession, accept, allow, mcp_server
from tests.claude._json import as_text
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, UseTool, connected, tool_name
from tests.support.providers import ProviderServer, openai

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode
    from tests.claude._json import JsonObject

pytestmark = [pytest.mark.claude, pytest.mark.slow]

DOCUMENT = """
stratum: "1"
contracts:
  Task: { description: { type: string, max_length: 400 }, signature: { type: string, max_length: 100 } }
  Code: { source: { type: string, max_length: 2000 }, explanation: { type: string, max_length: 400 } }
  TestReport: { all_pass: bool, failures: { type: list<string>, max_length: 10 } }
functions:
  run_tests: { mode: compute, python: run_tests, input: { result: Code }, output: TestReport }
  write_code:
    mode: infer
    intent: Write the function described by the task so that its tests pass
    input: { task: Task }
    output: Code
    model: openai/gpt-4.1-mini
    ensure: ["'NotImplementedError' not in result.source"]
    refine: { check: run_tests, until: check.all_pass, feedback: "check.failures[:5]", max_iterations: 4 }
flows:
  write_and_test:
    input: { task: Task }
    output: Code
    budget: { usd: 0.50 }
    steps: [{ id: code, function: write_code, inputs: { task: input.task } }]
    return: code
"""

RUN_TESTS = """
import json, sys

space = {}
exec(json.load(sys.stdin)["result"]["source"], space)
cases = [((1, 2), 3), ((-1, 1), 0), ((0.5, 0.25), 0.75)]
wrong = [f"add{given} gave {space['add'](*given)}" for given, wanted in cases if space["add"](*given) != wanted]
print(json.dumps({"all_pass": not wrong, "failures": wrong}))
"""


def _answer(operator: str) -> str:
    source = f"def add(a, b):\n    return a {operator} b\n"
    return json.dumps({"source": source, "explanation": "adds two numbers"})


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    """A provider whose first answer subtracts."""
    server = ProviderServer(openai.completion(_answer("-")), openai.completion(_answer("+")))
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(server) as running,
    ):
        yield running


def _operator(folder: Path) -> Path:
    """The operator's policy, with the tests registered."""
    script, policy = folder / "run_tests.py", folder / "policy.yaml"
    script.write_text(RUN_TESTS, "utf-8")
    policy.write_text(f"compute:\n  run_tests: {{file: {script}}}\n", "utf-8")
    for file in (script, policy):
        file.chmod(0o600)
    return policy


def _model(told: list[JsonObject]) -> Callable[[Request], Script]:
    task: JsonObject = {"description": "Add two numbers", "signature": "def add(a, b)"}

    def script(request: Request) -> Script:
        request = yield from connected(request, "stratum", "plan")
        call = {name: tool_name(request, "stratum", name) for name in ("plan", "approve", "execute")}
        request = yield UseTool(call["plan"], {"spec": DOCUMENT, "inputs": {"task": task}})
        told.append(request.tool_results[-1].json())
        plan_id: JsonObject = {"plan_id": told[0]["plan_id"]}
        request = yield UseTool(call["approve"], plan_id)
        told.append(request.tool_results[-1].json())
        request = yield UseTool(call["execute"], plan_id)
        told.append(request.tool_results[-1].json())
        return as_text(told[-1]["message"])

    return script


def test_code_is_refined_until_its_tests_pass(
    claude: ClaudeCode, provider: ProviderServer, tmp_path: Path
) -> None:
    told: list[JsonObject] = []
    environment = {
        "STRATUM_STATE_DIR": str(claude.state_dir),
        "STRATUM_POLICY": str(_operator(tmp_path)),
        "OPENAI_API_KEY": "sk-loopback",
        "OPENAI_API_BASE": f"{provider.url}/v1",
        "NO_PROXY": "127.0.0.1",
    }
    arguments = mcp_server("stratum", sys.executable, "-m", "stratum_mcp.server", env=environment)
    with (
        MessagesApi(_model(told)) as api,
        StreamSession(
            claude, api.url, arguments=arguments, on_permission=allow, on_elicitation=accept(approve=True)
        ) as session,
    ):
        session.say("Write add so that its tests pass")
    assert (api.errors, session.faults) == ([], [])
    assert "127.0.0.1" in as_text(told[0]["summary"]), (
        "the plan names the host that stands in for the provider"
    )
    assert told[-1]["state"] == "completed"
    assert told[-1]["result"] == json.loads(_answer("+"))
    first, second = (json.dumps(request.body) for request in provider.received)
    assert "gave -1" not in first
    assert "add(1, 2) gave -1" in second, "the failing tests are the feedback"
