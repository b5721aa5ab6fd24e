"""Canary keys: one set of scenarios with keys that are searched for in everything it leaves behind.

Real runners, the real litellm, providers on loopback that quote the key back in every way they can, a `claude` program
that prints its whole environment, a collector that is told everything. Searched: every file below the state directory
and the project, every span that was sent, every reply and resource of the server, and what commands and logs say.
"""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from stratum_core.errors import ModelError
from stratum_core.llm import LitellmClient, Message, ModelRequest
from stratum_core.testing import Cassette
from tests.core.exporters._collector import Collector, Reply
from tests.server._talk import Person, server_of, talking, text_of
from tests.support.jobs import Job, make_job
from tests.support.providers import Answer, ProviderServer, Reaction, anthropic, faults, gemini, openai

pytestmark = [pytest.mark.slow]

KEYS = {
    name: f"sk-canary-{name.lower().replace('_', '-')}-0123456789abcdef"
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")
}
HEADER = "canary-of-the-collector-0123456789"
GOOD = '{"label": "neutral", "confidence": 0.9}'
DOCUMENT = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
  Tone: { label: { enum: [positive, negative, neutral] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  one: { mode: infer, intent: Judge it, input: { text: opaque<string> }, output: Tone, model: MODEL_1, retries: 1 }
  two: { mode: infer, intent: Judge it, input: { text: opaque<string> }, output: Tone, model: MODEL_2, retries: 1 }
  three: { mode: infer, intent: Judge it, input: { text: opaque<string> }, output: Tone, model: MODEL_3, retries: 1 }
  four: { mode: infer, intent: Judge it, input: { text: opaque<string> }, output: Tone, model: MODEL_4, retries: 1 }
flows:
  all_notes:
    input: { notes: list<Note> }
    output: int
    budget: { usd: 5.00 }
    steps:
      - { id: a, for_each: input.notes, function: one, inputs: { text: item.text }, require: 0 }
      - { id: b, for_each: input.notes, function: two, inputs: { text: item.text }, require: 0 }
      - { id: c, for_each: input.notes, function: three, inputs: { text: item.text }, require: 0 }
      - { id: d, for_each: input.notes, function: four, inputs: { text: item.text }, require: 0 }
    return: len(a) + len(b) + len(c) + len(d)
"""
MODELS = ("openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash-lite")
CLAUDE = """\
#!/bin/sh
env >&2
: > "${0%/*}/ran"
printf '{"type": "result", "is_error": true, "api_error_status": 400, "result": "%s"}' "$ANTHROPIC_API_KEY"
exit 1
"""


def _quoted(name: str) -> str:
    """What a careless provider or proxy says of a request: its key, plain, encoded and with its header."""
    key = KEYS[name]
    return f"bad key {key}, url {quote(key)}, Authorization: Bearer {key}, {base64.b64encode(key.encode()).decode()}"


def _openai() -> list[Reaction]:
    said = _quoted("OPENAI_API_KEY")
    return [
        openai.error(400, said, x_request_id=KEYS["OPENAI_API_KEY"]),
        openai.error(429, said, code="rate_limit_exceeded", retry_after="0"),
        openai.error(500, said, kind="server_error"),
        openai.refusal(said),
        openai.error(404, said, code="model_not_found"),
        Answer(status=502, body=f"<html>{said}</html>".encode(), headers={"content-type": "text/html"}),
        faults.not_json(),
        faults.closed,
        faults.reset,
        faults.cut_short,
        openai.completion("no JSON at all"),
        openai.completion(GOOD),
    ]


def _anthropic() -> list[Reaction]:
    said = _quoted("ANTHROPIC_API_KEY")
    kinds = (
        (400, "invalid_request_error"),
        (529, "overloaded_error"),
        (500, "api_error"),
        (413, "too_large"),
    )
    return [*(anthropic.error(code, kind, said) for code, kind in kinds), anthropic.message(GOOD)]


def _gemini() -> list[Reaction]:
    said = _quoted("GEMINI_API_KEY")
    kinds = ((400, "INVALID_ARGUMENT"), (503, "UNAVAILABLE"), (404, "NOT_FOUND"))
    return [
        *(gemini.error(code, kind, said) for code, kind in kinds),
        gemini.error(403, "PERMISSION_DENIED", said),
    ]


def _job(folder: Path, *models: str) -> Job:
    """A project whose four functions run on these models, and a `claude` program that tells all it knows."""
    job = make_job(folder)
    text = DOCUMENT
    for number, model in enumerate(models, start=1):
        text = text.replace(f"MODEL_{number}", model)
    job.spec.write_text(text, "utf-8")
    job.write_rows(6)
    programs = folder / "programs"
    programs.mkdir()
    (programs / "claude").write_text(CLAUDE, "utf-8")
    (programs / "claude").chmod(0o755)
    job.extra.update(KEYS, PATH=f"{programs}:/usr/bin:/bin")
    return job


def _leaks(where: str, data: bytes) -> Iterator[str]:
    """Name every canary in some data, plain or encoded."""
    for name, key in {**KEYS, "the collector's header": HEADER}.items():
        forms = {key.encode(), base64.b64encode(key.encode()), key[:24].encode(), key[::-1].encode()}
        if any(form in data for form in forms):
            yield f"{name} in {where}"


def test_the_search_finds_a_canary_however_it_is_written() -> None:
    key = KEYS["OPENAI_API_KEY"]
    texts = (f"x{key}", f"{key[:30]}...", base64.b64encode(key.encode()).decode(), key[::-1])
    assert [leak for text in texts for leak in _leaks("x", text.encode())] == ["OPENAI_API_KEY in x"] * 4
    assert list(_leaks("x", b"sk-canary-")) == []


def _left_behind(*folders: Path) -> dict[str, bytes]:
    """Every file below these folders but the program that was told the key."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


async def _worked(job: Job, told: dict[str, bytes]) -> str:
    """Plan, approve, run and read everything through the server; return the run's id."""
    async with talking(server_of(job, patience_s=120), "2025-11-25", person=Person()) as talk:
        told["validate"] = text_of(await talk.call("validate", spec=job.spec.name)).encode()
        plan = await talk.ask("plan", **job.plan_arguments())
        await talk.ask("approve", plan_id=plan["plan_id"])
        run: dict[str, Any] = await talk.ask("execute", plan_id=plan["plan_id"])
        assert run["state"] in {"completed_with_failures", "failed", "stopped_limit"}, run
        assert not run.get("error", "").startswith("the runner"), run
        again = await talk.call("resume", run_id=run["run_id"])
        told["replies"] = json.dumps([plan, run, text_of(again), talk.progress]).encode()
        for uri in (f"stratum://plans/{plan['plan_id']}", f"stratum://runs/{run['run_id']}"):
            told[uri] = (await talk.read(uri)).encode()
    return str(run["run_id"])


def _commands(job: Job, run_id: str, told: dict[str, bytes]) -> None:
    """Show the run in every way a terminal has."""
    shown = (["show", run_id], ["--json", "show", run_id], ["doctor"])
    for arguments in shown:
        done = subprocess.run(
            [sys.executable, "-c", "from stratum_mcp.cli import main; main()", *arguments],
            cwd=job.folder,
            env=job.environ,
            check=False,
            capture_output=True,
            timeout=60,
        )
        told[" ".join(arguments)] = done.stdout + done.stderr


async def _all(stack: AsyncExitStack, job: Job, *reactions: Sequence[Reaction]) -> list[ProviderServer]:
    """Start the providers, and lead the job's requests to them."""
    names = ("OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "GEMINI_API_BASE")
    servers = [await stack.enter_async_context(ProviderServer(*each)) for each in reactions]
    for name, server in zip(names, servers, strict=True):
        job.extra[name] = f"{server.url}/v1" if name.startswith("OPENAI") else server.url
    return servers


@pytest.mark.anyio
async def test_no_key_is_in_anything_that_a_run_writes_sends_or_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    job = _job(tmp_path, *MODELS, "claude-cli/claude-haiku-4-5")
    told: dict[str, bytes] = {}
    with Collector([Reply(status=503, body=HEADER.encode())]) as collector:
        job.extra.update(
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector.endpoint,
            OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer {HEADER}",
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
        )
        async with AsyncExitStack() as stack:
            servers = await _all(stack, job, _openai(), _anthropic(), _gemini())
            run_id = await _worked(job, told)
        _commands(job, run_id, told)
        told["spans"] = b"\n".join(collector.bodies)
        sent_headers = [str(headers) for headers in collector.headers]
    assert (tmp_path / "programs" / "ran").exists()
    told["logs"] = caplog.text.encode()
    told.update(_left_behind(job.state_dir, job.folder))
    assert [leak for where, data in told.items() for leak in _leaks(where, data)] == []
    assert KEYS["OPENAI_API_KEY"] in str(servers[0].received[0].headers), "the canary did not even fly"
    assert sent_headers
    assert all(HEADER in headers for headers in sent_headers)
    assert len(told) > 9, sorted(told)


@pytest.mark.anyio
async def test_no_key_is_on_a_cassette_and_in_no_error_of_the_client(tmp_path: Path) -> None:
    path = tmp_path / "tape.json"
    said: list[str] = []
    refused = openai.error(401, _quoted("OPENAI_API_KEY"), code="invalid_api_key")
    reactions = [*_openai(), refused, faults.never]
    async with ProviderServer(*reactions) as server:
        client = LitellmClient(KEYS, api_bases={"openai": f"{server.url}/v1"})
        with Cassette(path, client=client, mode="record") as tape:
            for number in range(len(reactions)):
                request = ModelRequest(
                    model=MODELS[0],
                    messages=(Message(role="user", blocks=(f"note {number}",)),),
                    output_schema={"type": "object", "properties": {}, "additionalProperties": False},
                    max_tokens=20,
                    timeout_s=0.5 if number == len(reactions) - 1 else 20,
                )
                try:
                    said.append(repr(await tape.complete(request)))
                except ModelError as error:
                    said.append(f"{error!r} {error} {error.detail} {error.remedy} {error.__context__!r}")
        await client.aclose()
    assert len(said) == len(server.received) == len(reactions)
    told = {**_left_behind(tmp_path), "errors": "\n".join(said).encode()}
    assert [leak for where, data in told.items() for leak in _leaks(where, data)] == []
