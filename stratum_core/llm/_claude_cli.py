"""`ClaudeCliClient`: the person's own Claude Code login as a model client, for people without a provider key.

One `complete` is one run of the `claude` program in print mode and one request on the wire: its own retries are
switched off, one turn is allowed, and it has no tools, no settings, no hooks, no memory and an empty folder. The prompt
goes through its standard input and a private file, never through arguments that other accounts can read.

Dollars are what the program reports at list prices. With a subscription they are not what the person pays: a plan says
that it uses their plan's allowance. Token and request caps are exact, and the program's own budget flag is a second
guard. It has no temperature, so that of a function is not sent.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final, cast

import anyio
import anyio.to_thread

from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ModelError,
    QuotaError,
    TransportError,
)
from stratum_core.llm._keys import claude_program
from stratum_core.llm._port import FinishReason, ModelReply, ModelRequest, TokenUsage
from stratum_core.llm._prices import CLAUDE_CLI_OVERHEAD_TOKENS, CLAUDE_CLI_PREFIX, PriceTable
from stratum_core.llm._projection import project
from stratum_core.llm._request import request_bytes
from stratum_core.llm._tokens import prompt_tokens_bound
from stratum_core.money import to_usd

__all__ = ["ClaudeCliClient"]

_AT_ONCE: Final = 4
"""Programs at a time: each takes some hundred MB and half a second of a processor."""
_KEPT: Final = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)
_KEPT_STARTS: Final = (
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_",
)
_QUIET: Final = {
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
_WITHOUT_ANSWER: Final = frozenset({"error_max_turns", "error_max_structured_output_retries"})
_LOGIN: Final = "run `claude` once and log in, or set a provider key such as ANTHROPIC_API_KEY"


class ClaudeCliClient:
    """A `ModelClient` for models named `claude-cli/NAME`."""

    def __init__(
        self, environ: Mapping[str, str], *, prices: PriceTable, api_bases: Mapping[str, str] | None = None
    ) -> None:
        """Prepare a client; nothing is started yet.

        Args:
            environ: Where the program is looked up, and what of it the program sees.
            prices: For the program's own budget flag.
            api_bases: Base URL by provider, for a gateway or a test server.
        """
        self._environ = dict(environ)
        self._prices = prices
        self._base = (api_bases or {}).get(CLAUDE_CLI_PREFIX.removesuffix("/"))
        self._limiter: anyio.CapacityLimiter | None = None

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Send one request and return its answer.

        Raises:
            AuthError: The program is not there, or nobody is logged in.
            BadRequestError: The request or the model is not accepted.
            QuotaError: The plan's allowance is used up.
            TransportError: A rate limit, server fault or timeout; also an answer that cannot be read.
        """
        program = claude_program(self._environ)
        if program is None:
            raise AuthError(
                f"model `{request.model}` needs the `claude` program, which is not on PATH",
                remedy="install Claude Code, or set a provider key such as ANTHROPIC_API_KEY",
                detail={"paid": "no", "model": request.model},
            )
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        async with self._limiter:
            done = await self._run(program, request)
        return _read(done, request)

    async def _run(self, program: str, request: ModelRequest) -> CompletedProcess[bytes]:
        """Run the program in an empty folder of its own; it is killed when nobody waits for it any more."""
        texts = {role: _text(request, role) for role in ("system", "user")}
        with ExitStack() as cleared:
            folder = Path(cleared.enter_context(tempfile.TemporaryDirectory(prefix="stratum-claude-")))
            system, user = folder / "system.txt", folder / "user.txt"
            await anyio.to_thread.run_sync(lambda: system.write_text(texts["system"], "utf-8"))
            # A file, because a program that ends without reading would break a pipe.
            await anyio.to_thread.run_sync(lambda: user.write_bytes(texts["user"].encode("utf-8", "replace")))
            asked = cleared.enter_context(await anyio.to_thread.run_sync(lambda: user.open("rb")))
            work = folder / "work"
            await anyio.to_thread.run_sync(work.mkdir)
            try:
                with anyio.fail_after(request.timeout_s):
                    return await anyio.run_process(
                        self._command(program, request, system),
                        stdin=asked,
                        cwd=work,
                        env=self._environment(request),
                        check=False,
                        start_new_session=True,
                    )
            except (TimeoutError, OSError) as error:
                raise TransportError(
                    f"model `{request.model}`: the `claude` program gave no answer ({type(error).__name__})",
                    detail={"paid": "unknown", "model": request.model},
                ) from error

    def _command(self, program: str, request: ModelRequest, system: Path) -> list[str]:
        schema = project(request.output_schema, "anthropic", enforced=True).schema
        command = [program, "-p", "--output-format", "json", "--max-turns", "1", "--no-session-persistence"]
        command += [
            "--model",
            request.model.removeprefix(CLAUDE_CLI_PREFIX),
            "--system-prompt-file",
            str(system),
        ]
        command += ["--json-schema", json.dumps(schema, ensure_ascii=False, separators=(",", ":"))]
        command += ["--tools", "", "--setting-sources", "", "--strict-mcp-config", "--disable-slash-commands"]
        price = self._prices.price(request.model)
        if price is not None:
            bound = prompt_tokens_bound(request_bytes(request)) + CLAUDE_CLI_OVERHEAD_TOKENS
            command += ["--max-budget-usd", f"{to_usd(price.worst_nusd(bound, request.max_tokens)):f}"]
        return command

    def _environment(self, request: ModelRequest) -> dict[str, str]:
        """Return what the program sees: its login, and nothing of the session that may have started us."""
        kept = {
            name: value
            for name, value in self._environ.items()
            if name in _KEPT or name.startswith(_KEPT_STARTS)
        }
        kept.pop("ANTHROPIC_BASE_URL", None)
        base = {} if self._base is None else {"ANTHROPIC_BASE_URL": self._base}
        return {**kept, **_QUIET, **base, "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(request.max_tokens)}


def _text(request: ModelRequest, role: str) -> str:
    return "\n\n".join(
        block for message in request.messages if message.role == role for block in message.blocks
    )


def _read(done: CompletedProcess[bytes], request: ModelRequest) -> ModelReply:
    """Read the program's one JSON value."""
    try:
        parsed = json.loads(done.stdout)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise TransportError(
            f"model `{request.model}`: the `claude` program ended with status {done.returncode} and without an answer",
            remedy=_LOGIN,
            detail={"paid": "unknown", "model": request.model},
        )
    told = cast("Mapping[str, JsonValue]", parsed)
    if told.get("is_error") and told.get("subtype") not in _WITHOUT_ANSWER:
        raise _failure(told, request)
    answer = told.get("structured_output")
    return ModelReply(
        text="" if answer is None else json.dumps(answer, ensure_ascii=False),
        usage=_usage(told.get("usage")),
        finish=_finish(told.get("stop_reason"), answered=answer is not None),
        model=_model(told.get("modelUsage"), request),
    )


def _finish(reason: JsonValue, *, answered: bool) -> FinishReason:
    if reason == "refusal":
        return "refusal"
    return "length" if reason == "max_tokens" and not answered else "stop"


def _model(used: JsonValue, request: ModelRequest) -> str:
    return next(iter(used), request.model) if isinstance(used, dict) else request.model


def _usage(usage: JsonValue) -> TokenUsage | None:
    """Read the counts; zeros are what the program writes where there were none."""
    counts = usage if isinstance(usage, dict) else {}
    plain, read, written, output = (
        value if isinstance(value := counts.get(name), int) and value > 0 else 0
        for name in (
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "output_tokens",
        )
    )
    prompt = plain + read + written
    if prompt == 0:
        return None
    return TokenUsage(
        input_tokens=prompt, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written
    )


def _failure(told: Mapping[str, JsonValue], request: ModelRequest) -> ModelError:
    """Return the error for a run without an answer; the program's own words, which may quote anything, are left out."""
    status = told.get("api_error_status")
    where = f"model `{request.model}`"
    said = str(told.get("result", "")).lower()
    detail: dict[str, JsonValue] = {"model": request.model, "paid": "no", "status": status}
    if told.get("subtype") == "error_max_budget_usd":
        detail["paid"] = "unknown"
        return BadRequestError(f"{where}: the program's own budget guard stopped the request", detail=detail)
    if status in {401, 403} or (status is None and ("log in" in said or "/login" in said)):
        return AuthError(f"{where}: the `claude` program is not logged in", remedy=_LOGIN, detail=detail)
    if "limit" in said and ("reached" in said or "hit your" in said or "resets" in said):
        return QuotaError(
            f"{where}: the plan's allowance is used up",
            remedy="wait until it resets, then resume",
            detail=detail,
        )
    if status == 429 or status is None or (isinstance(status, int) and status >= 500):  # noqa: PLR2004 - HTTP
        detail["paid"] = "no" if status in {429, 503, 529} else "unknown"
        return TransportError(f"{where}: the provider has a fault (status {status})", detail=detail)
    return BadRequestError(
        f"{where}: the provider did not accept the request (status {status})", detail=detail
    )
