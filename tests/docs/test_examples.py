"""The examples of the Python library: each runs as it stands offline, and on a provider's wire with a key."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import anyio
import pytest

from stratum_core.contracts import JsonValue
from stratum_core.llm import Message, ModelRequest
from stratum_core.llm.offline import OfflineClient
from tests.support.providers import Connection, ProviderServer, Received, openai

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("0*.py"))
SAID: Mapping[str, tuple[str, ...]] = {
    "01_sentiment": (
        "25 % are happy.",
        "- complaint: The handle broke on the second day",
        "- complaint: Terrible smell",
    ),
    "02_migrate": (
        "model: low, critical, high; 3 calls",
        "rule:  low, critical, high; 0 calls, 0 requests, 0 tokens, $0.00",
    ),
    "03_parallel": ("For billing, from somebody furious: The invoice", "3 calls"),
    "04_refine": (
        "After 2 iterations, 81 characters: Every part of the kettle can be replaced, and spare parts",
    ),
    "05_debate": (
        "advocate (accept): The trial in spring was a great success.",
        "critic (reject): Customers who write on a Friday wait",
        "They did not agree. The judge: accept.",
    ),
    "06_hitl": ("Sent: Thank you for telling us", "1 call"),
}
ANSWERING = """
import runpy, sys
from stratum_core import PendingReview, ReviewSink, clear_traces, configure


class Answering(ReviewSink):
    async def emit(self, review: PendingReview) -> None:
        self.resolve(review.review_id, "send", reviewer="ann", rationale="fine")


configure(review_sink=Answering())
for path in sys.argv[1:]:
    clear_traces()
    runpy.run_path(path, run_name="__main__")
"""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def environ(state: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return {**kept, "PYTHONPATH": str(ROOT), "STRATUM_STATE_DIR": str(state), **more}


def started(path: Path, state: Path, *, answer: str) -> subprocess.CompletedProcess[str]:
    """Run an example as a person does, with `answer` at its standard input."""
    return subprocess.run(
        [sys.executable, str(path)],
        cwd=state,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        env=environ(state),
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_offline_and_says_what_it_found_and_what_it_cost(path: Path, tmp_path: Path) -> None:
    told = started(path, tmp_path, answer="1\n")
    assert told.returncode == 0, told.stderr
    assert [part for part in SAID[path.stem] if part not in told.stdout] == []
    if path.stem != "02_migrate":
        assert told.stdout.splitlines()[-1].endswith("(simulated)")


def test_without_a_terminal_the_question_to_a_person_says_that_nobody_could_be_asked(tmp_path: Path) -> None:
    told = started(ROOT / "examples" / "06_hitl.py", tmp_path, answer="")
    assert told.returncode == 1
    assert told.stdout == ""
    assert "Nobody could be asked." in told.stderr
    assert "configure(review_sink=...)" in told.stderr


def test_what_the_person_holds_back_is_not_sent(tmp_path: Path) -> None:
    told = started(ROOT / "examples" / "06_hitl.py", tmp_path, answer="maybe\nhold back\n")
    assert told.stdout.startswith("Held back; nothing was sent.\n")


def text_of(content: JsonValue) -> tuple[str, ...]:
    """Return the blocks of a message on the wire."""
    if isinstance(content, str):
        return (content,)
    parts = cast("list[Mapping[str, str]]", content)
    return tuple(part["text"] for part in parts)


async def sensible(received: Received, connection: Connection) -> None:
    """Answer like a provider whose model is the offline one, from what stands on the wire."""
    body = cast("Mapping[str, list[Mapping[str, JsonValue]]]", received.body)
    form = cast("Mapping[str, Mapping[str, Mapping[str, JsonValue]]]", received.body["response_format"])
    request = ModelRequest(
        model="offline",
        messages=tuple(
            Message(role="system" if one["role"] == "system" else "user", blocks=text_of(one["content"]))
            for one in body["messages"]
        ),
        output_schema=form["json_schema"]["schema"],
        max_tokens=1000,
        temperature=None,
        idempotency_key="",
        timeout_s=10.0,
    )
    reply = await OfflineClient(error_rate=0).complete(request)
    await connection.send(openai.completion(reply.text))


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_same_programs_run_through_a_providers_client_with_a_key(tmp_path: Path) -> None:
    program = tmp_path / "all.py"
    program.write_text(ANSWERING)
    async with ProviderServer(sensible) as server:
        told = await anyio.run_process(
            [sys.executable, str(program), *map(str, EXAMPLES)],
            cwd=tmp_path,
            check=False,
            env=environ(
                tmp_path,
                STRATUM_MODEL="openai/gpt-4.1-mini",
                OPENAI_API_KEY="sk-test",
                OPENAI_BASE_URL=f"{server.url}/v1",
            ),
        )
        assert told.returncode == 0, told.stderr.decode()
        said = told.stdout.decode()
        assert "25 % are happy." in said
        assert "They did not agree." in said
        assert "Sent: Thank you" in said
        assert "simulated" not in said
        assert {one.headers["authorization"] for one in server.received} == {"Bearer sk-test"}
        assert len(server.received) >= 18


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_told_of_on_its_page(path: Path) -> None:
    assert path.name in (ROOT / "examples" / "README.md").read_text()
    assert len(path.read_text().splitlines()) <= 90
    assert "main" in runpy.run_path(str(path))


@pytest.mark.slow
def test_the_examples_pass_the_strict_type_checker_that_wants_a_setting_for_stubs(tmp_path: Path) -> None:
    mypy = ["mypy", "--strict", "--disable-error-code=empty-body", "--cache-dir", str(tmp_path)]
    found = subprocess.run(
        [sys.executable, "-m", *mypy, *map(str, EXAMPLES)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert found.returncode == 0, found.stdout


def test_what_the_examples_say_is_known_for_each_of_them() -> None:
    assert list(SAID) == [path.stem for path in EXAMPLES]
