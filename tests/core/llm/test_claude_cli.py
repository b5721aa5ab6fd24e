"""The person's own login as a model client, through the real program against a scripted Messages API on loopback."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.errors import AuthError, BadRequestError, ModelError, QuotaError, TransportError
from stratum_core.llm import (
    ClaudeCliClient,
    Message,
    Missing,
    ModelRequest,
    PriceTable,
    default_model,
    missing_for,
    prompt_tokens_bound,
    request_bytes,
)
from tests.claude._client import ClaudeCode
from tests.claude._json import JsonObject
from tests.claude._messages_api import MessagesApi
from tests.claude._script import ApiError, Request, Script, Turn, UseTool

pytestmark = pytest.mark.anyio

MODEL = "claude-cli/claude-haiku-4-5"
BINARY = Path(__file__).parents[2] / "claude" / "node" / "node_modules" / ".bin" / "claude"
ANSWER: JsonObject = {"label": "calm"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def asking(*, timeout_s: float = 30.0) -> ModelRequest:
    return ModelRequest(
        model=MODEL,
        messages=(
            Message(role="system", blocks=("Judge the tone of a note.", "Be brief.")),
            Message(role="user", blocks=("text: fine", "Violated: `result.label != 'x'`")),
        ),
        output_schema={
            "type": "object",
            "properties": {"label": {"type": "string", "maxLength": 20}},
            "required": ["label"],
            "additionalProperties": False,
        },
        max_tokens=321,
        timeout_s=timeout_s,
    )


# --- the real program ---------------------------------------------------------------------------------------------


@pytest.fixture
def environ(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The environment of somebody who is logged in, and in whose session a lot is set that must not count."""
    if not BINARY.exists():
        assert os.environ.get("STRATUM_REQUIRE_CLAUDE") != "1"
        pytest.skip("the Claude Code client is not installed: make setup-client")
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    client = ClaudeCode(binary=BINARY, home=home, project=project, state_dir=tmp_path / "state")
    client.settle_in()

    def make(url: str) -> dict[str, str]:
        found = client.environment(
            url, {"CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli", "SECRET_OF_MINE": "x"}
        )
        return {**found, "PATH": f"{BINARY.parent}{os.pathsep}{found['PATH']}"}

    return make


def client_of(environ: dict[str, str]) -> ClaudeCliClient:
    return ClaudeCliClient(
        environ, prices=PriceTable.load(), api_bases={"claude-cli": environ["ANTHROPIC_BASE_URL"]}
    )


def saying(turn: Turn, then: Turn = "never asked for") -> Callable[[Request], Script]:
    def script(request: Request) -> Script:
        assert request.user_text
        yield turn
        while True:
            yield then

    return script


@pytest.mark.claude
@pytest.mark.slow
async def test_one_call_is_one_request_without_tools_settings_or_the_session_around_it(
    environ: Callable[[str], dict[str, str]],
) -> None:
    with MessagesApi(saying([UseTool("StructuredOutput", ANSWER)])) as api:
        reply = await client_of(environ(api.url)).complete(asking())
    (request,) = api.requests
    assert (json.loads(reply.text), reply.finish, api.errors) == (ANSWER, "stop", [])
    assert reply.usage is not None
    assert reply.usage.output_tokens > 0
    assert request.body["max_tokens"] == 321
    assert request.callable_tools <= {"StructuredOutput", "DeferredToolPlaceholder"}
    text = json.dumps(request.body, ensure_ascii=False)
    assert "Judge the tone of a note." in request.system
    assert "text: fine\\n\\nViolated: " in text
    assert "maxLength" not in text
    assert "SECRET_OF_MINE" not in text


@pytest.mark.claude
@pytest.mark.slow
async def test_what_the_program_adds_to_a_prompt_is_inside_the_bound(
    environ: Callable[[str], dict[str, str]],
) -> None:
    with MessagesApi(saying([UseTool("StructuredOutput", ANSWER)])) as api:
        await client_of(environ(api.url)).complete(asking())
    price = PriceTable.load().price(MODEL)
    assert price is not None
    bound = prompt_tokens_bound(request_bytes(asking())) + price.overhead_tokens
    assert len(json.dumps(api.requests[0].body, ensure_ascii=False).encode()) <= bound


@pytest.mark.claude
@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind", "paid"),
    [
        (401, AuthError, "no"),
        (429, TransportError, "no"),
        (529, TransportError, "no"),
        (500, TransportError, "unknown"),
    ],
)
async def test_a_fault_is_one_request_and_told_by_its_kind(
    environ: Callable[[str], dict[str, str]], status: int, kind: type[ModelError], paid: str
) -> None:
    with (
        MessagesApi(saying(ApiError(status), ApiError(status))) as api,
        pytest.raises(kind) as raised,
    ):
        await client_of(environ(api.url)).complete(asking())
    assert (len(api.requests), raised.value.detail["paid"]) == (1, paid)


@pytest.mark.claude
@pytest.mark.slow
@pytest.mark.parametrize("turn", ["Just some text.", [UseTool("StructuredOutput", {"nope": 1})]])
async def test_an_answer_of_another_form_is_paid_and_left_to_the_contract(
    environ: Callable[[str], dict[str, str]], turn: Turn
) -> None:
    with MessagesApi(saying(turn)) as api:
        reply = await client_of(environ(api.url)).complete(asking())
    assert (reply.text, reply.finish, len(api.requests)) == ("", "stop", 1)
    assert reply.usage is not None


# --- a program in its place, for what the real one cannot be made to say -------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Puts a program on PATH that prints something, and returns the environment that finds it."""

    def make(out: str, *, status: int = 0, wait_s: float = 0) -> dict[str, str]:
        path = tmp_path / "bin" / "claude"
        path.parent.mkdir()
        (tmp_path / "out").write_text(out, "utf-8")
        path.write_text(
            f"#!/bin/sh\nenv > {tmp_path}/env\nprintf '%s\\n' \"$@\" > {tmp_path}/args\ncat > {tmp_path}/stdin\n"
            f"sleep {wait_s}\ncat {tmp_path}/out\nexit {status}\n",
            "utf-8",
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}

    return make


def failed(**fields: object) -> str:
    return json.dumps(
        {"type": "result", "subtype": "success", "is_error": True, "api_error_status": None, **fields}
    )


@pytest.mark.parametrize(
    ("out", "kind"),
    [
        (failed(result="Claude AI usage limit reached|1767225600"), QuotaError),
        (failed(result="You've hit your weekly limit · resets 3pm"), QuotaError),
        (failed(result="Not logged in · Please run /login"), AuthError),
        (failed(result="no", api_error_status=403), AuthError),
        (failed(result="no", api_error_status=400), BadRequestError),
        (failed(subtype="error_max_budget_usd"), BadRequestError),
        (failed(subtype="error_during_execution"), TransportError),
        ("no JSON at all", TransportError),
        ("[]", TransportError),
        ("", TransportError),
    ],
)
async def test_what_the_program_says_becomes_the_error_it_is(
    program: Callable[..., dict[str, str]], out: str, kind: type[ModelError]
) -> None:
    client = ClaudeCliClient(program(out, status=1), prices=PriceTable.load())
    with pytest.raises(kind) as raised:
        await client.complete(asking())
    assert MODEL in raised.value.message
    assert "weekly" not in str(raised.value)


async def test_the_prompt_is_in_no_argument_and_the_budget_guard_is_the_worst_case(
    program: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    out = json.dumps(
        {"subtype": "success", "is_error": False, "structured_output": ANSWER, "usage": {"input_tokens": 0}}
    )
    client = ClaudeCliClient(
        {
            **program(out),
            "CLAUDECODE": "1",
            "ANTHROPIC_API_KEY": "k",
            "OPENAI_API_KEY": "o",
            "ANTHROPIC_BASE_URL": "http://x",
        },
        prices=PriceTable.load(),
    )
    reply = await client.complete(asking())
    assert (json.loads(reply.text), reply.usage, reply.model) == (ANSWER, None, MODEL)
    arguments = (tmp_path / "args").read_text("utf-8").splitlines()
    assert not any("Judge" in argument or "fine" in argument for argument in arguments)
    assert (tmp_path / "stdin").read_text("utf-8") == "text: fine\n\nViolated: `result.label != 'x'`"
    price = PriceTable.load().price(MODEL)
    assert price is not None
    budget = arguments[arguments.index("--max-budget-usd") + 1]
    bound = prompt_tokens_bound(request_bytes(asking())) + price.overhead_tokens
    assert float(budget) == pytest.approx(price.worst_nusd(bound, 321) / 1e9)
    seen = (tmp_path / "env").read_text("utf-8")
    names = {line.partition("=")[0] for line in seen.splitlines()}
    assert {"CLAUDECODE", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL"} & names == set()
    assert "ANTHROPIC_API_KEY" in names


async def test_a_program_that_takes_too_long_is_ended(program: Callable[..., dict[str, str]]) -> None:
    client = ClaudeCliClient(program("{}", wait_s=30), prices=PriceTable.load())
    with pytest.raises(TransportError, match="gave no answer") as raised:
        await client.complete(asking(timeout_s=0.3))
    assert raised.value.detail["paid"] == "unknown"


async def test_a_program_that_ends_without_reading_its_prompt_is_a_failed_request(tmp_path: Path) -> None:
    """Its pipe would break on a prompt of more than a pipe holds."""
    (tmp_path / "claude").write_text("#!/bin/sh\nexit 3\n", "utf-8")
    (tmp_path / "claude").chmod(0o755)
    asked = replace(asking(), messages=(Message(role="user", blocks=("x" * 500_000,)),))
    with pytest.raises(TransportError, match="ended with status 3 and without an answer"):
        await ClaudeCliClient({"PATH": f"{tmp_path}:/usr/bin:/bin"}, prices=PriceTable.load()).complete(asked)


async def test_without_the_program_it_says_what_can_be_done(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    with pytest.raises(AuthError, match="needs the `claude` program") as raised:
        await ClaudeCliClient(environ, prices=PriceTable.load()).complete(asking())
    assert "provider key" in raised.value.remedy
    assert (missing_for(MODEL, environ), default_model(environ)) == (
        Missing(kind="program", name="claude"),
        None,
    )


def test_without_a_key_the_login_is_the_default_and_any_key_goes_before_it(
    program: Callable[..., dict[str, str]],
) -> None:
    environ = program("{}")
    assert (default_model(environ), missing_for(MODEL, environ)) == (MODEL, None)
    assert default_model({**environ, "MISTRAL_API_KEY": "k"}) == "mistral/mistral-small-latest"


def test_its_prices_are_those_of_the_provider_and_marked_as_an_allowance() -> None:
    prices = PriceTable.load()
    mine, theirs = prices.price(MODEL), prices.price("anthropic/claude-haiku-4-5")
    assert mine is not None
    assert theirs is not None
    assert (mine.rates, mine.allowance, mine.priced_as) == (theirs.rates, True, theirs.model)
    assert (theirs.allowance, theirs.overhead_tokens) == (False, 0)
