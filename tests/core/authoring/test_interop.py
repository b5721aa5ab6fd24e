"""The library among others: scripts, threads, notebooks, web frameworks, type checkers, and a cheap import."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

import stratum_core
from stratum_core import (
    Budget,
    BudgetExceeded,
    ConfigurationError,
    PendingReview,
    ReviewSink,
    RunError,
    all_records,
    await_human,
    configure,
    contract,
    flow,
    infer,
    run,
)
from stratum_core.authoring._configure import settings
from stratum_core.testing import FunctionClient
from tests.core.authoring._untyped import untyped
from tests.support.providers import ProviderServer, openai

ROOT = Path(__file__).parents[3]


@contract
class Verdict(BaseModel):
    label: str


@infer(intent="Judge it.", cache="session")
async def judge(note: str) -> Verdict: ...


@flow(budget=Budget(calls=1))
async def once(note: str) -> Verdict:
    return await judge(note)


def client() -> FunctionClient:
    return FunctionClient(lambda request: {"label": request.messages[1].blocks[0]})


def test_a_script_runs_a_flow_or_a_single_call() -> None:
    with configure(client=client()):
        assert run(once("a")) == run(judge("a")) == Verdict(label="note: a")


def test_run_takes_the_call_and_not_the_function() -> None:
    with pytest.raises(TypeError, match="the call itself"):
        untyped(run)(once)


@pytest.mark.anyio
async def test_where_a_loop_runs_already_the_error_says_to_await() -> None:
    with pytest.raises(RunError, match="event loop runs already") as caught:
        run(once("a"))
    assert "await" in caught.value.remedy
    with configure(client=client()):
        assert (await once("a")).label == "note: a"


def test_threads_run_flows_beside_each_other_and_share_nothing() -> None:
    def work(number: int) -> Verdict:
        return run(once(f"same {number % 2}"))

    answering = client()
    with configure(client=answering), ThreadPoolExecutor(4) as threads:
        verdicts = list(threads.map(work, range(12)))
    assert {verdict.label for verdict in verdicts} == {"note: same 0", "note: same 1"}
    assert len(answering.requests) == 12
    assert len({record.flow_id for record in all_records()}) == 12


@pytest.mark.anyio
async def test_a_run_in_a_thread_of_a_flow_is_a_run_of_its_own() -> None:
    @flow(budget=Budget(calls=1))
    async def outer() -> str:
        await judge("first")
        found = await anyio.to_thread.run_sync(lambda: run(judge("second")))
        return found.label

    with configure(client=client()):
        assert await outer() == "note: second"
    assert [record.flow is None for record in all_records()] == [False, True]


@pytest.mark.anyio
async def test_a_call_in_another_loop_than_its_flow_is_refused_for_its_cap_could_not_hold() -> None:
    @flow
    async def outer() -> None:
        await anyio.to_thread.run_sync(lambda: asyncio.run(judge("x")))

    answering = client()
    with configure(client=answering), pytest.raises(RunError, match="another event loop"):
        await outer()
    assert answering.requests == []


@pytest.mark.anyio
async def test_tasks_and_task_groups_of_a_flow_draw_on_its_budget() -> None:
    @flow(budget=Budget(calls=2))
    async def spread() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(once("a"))
        async with anyio.create_task_group() as group:
            group.start_soon(once, "b")
        await judge("c")

    with configure(client=client()), pytest.raises(BudgetExceeded, match="flow `spread`"):
        await spread()


def test_two_loops_of_a_process_each_have_their_own_flow() -> None:
    inside = threading.Barrier(2, timeout=10)

    @flow(budget=Budget(calls=1))
    async def meeting(note: str) -> Verdict:
        await anyio.to_thread.run_sync(inside.wait)
        return await judge(note)

    def work(note: str) -> Verdict:
        return run(meeting(note))

    with configure(client=client()), ThreadPoolExecutor(2) as threads:
        both = list(threads.map(work, ["a", "b"]))
    assert [one.label for one in both] == ["note: a", "note: b"]


@contextmanager
def provider() -> Generator[ProviderServer]:
    """Serve a provider from a thread, for programs that start loops of their own."""
    serving: Future[tuple[ProviderServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        over = asyncio.Event()
        async with ProviderServer(openai.completion('{"label": "good"}')) as server:
            serving.set_result((server, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    server, loop, over = serving.result(timeout=10)
    yield server
    loop.call_soon_threadsafe(over.set)
    thread.join()


def label_of(note: str) -> str:
    return run(once(note)).label


@pytest.mark.slow
def test_the_providers_client_serves_one_loop_after_another_and_several_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with provider() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        one_after_another = [run(judge("a")).label for _ in range(2)]
        with ThreadPoolExecutor(3) as threads:
            at_once = list(threads.map(label_of, "bbb"))
        assert one_after_another + at_once == ["good"] * 5
        assert len(server.received) == 5


class Held(ReviewSink):
    """Keeps questions for the web handler that answers them."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def emit(self, review: PendingReview) -> None:
        self.asked.set()


@pytest.mark.anyio
async def test_a_web_application_awaits_flows_and_answers_their_questions() -> None:
    app, desk = FastAPI(), Held()

    @flow
    async def gated(note: str) -> Verdict:
        verdict = await judge(note)
        decision = await await_human(f"Publish {verdict.label}?", bool)
        return verdict if decision.value else Verdict(label="kept back")

    app.post("/judge")(once)

    @app.post("/gated")
    async def start(note: str) -> Verdict:
        return await gated(note)

    @app.post("/reviews/{review_id}")
    async def decide(review_id: str, value: bool) -> None:
        desk.resolve(review_id, value)

    transport = httpx.ASGITransport(app)
    with configure(client=client(), review_sink=desk):
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as web:
            direct = await web.post("/judge", params={"note": "a"})
            assert direct.json() == {"label": "note: a"}
            asking = asyncio.create_task(web.post("/gated", params={"note": "b"}))
            await desk.asked.wait()
            (review,) = desk.pending
            await web.post(f"/reviews/{review.review_id}", params={"value": False})
            assert (await asking).json() == {"label": "kept back"}


def test_importing_the_package_loads_no_library_of_a_provider_and_opens_nothing() -> None:
    probe = (
        "import sys, json\n"
        "opened = []\n"
        "sys.addaudithook(lambda name, args: opened.append(name) if name.startswith('socket.') else None)\n"
        "from stratum_core import contract, infer, flow, run\n"
        "print(json.dumps([sorted({'litellm', 'mcp', 'openai', 'aiohttp', 'httpx'} & set(sys.modules)), opened]))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == [[], []]


def test_importing_an_error_does_not_load_the_library() -> None:
    probe = "import sys, stratum_core.errors; print('pydantic' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


def test_every_public_name_is_there_and_nothing_else_is_listed() -> None:
    assert list(stratum_core.__all__) == sorted(stratum_core.__all__)
    assert all(getattr(stratum_core, name) is not None for name in stratum_core.__all__)
    assert set(stratum_core.__all__) <= set(dir(stratum_core))
    with pytest.raises(AttributeError, match="no attribute 'chain'"):
        _ = getattr(stratum_core, "chain")  # noqa: B009 - a type checker knows that it is not there


@pytest.mark.parametrize("wrong", [{"sample_n": 0}, {"sample_n": 101}, {"client": "openai"}], ids=str)
def test_a_setting_that_makes_no_sense_is_refused_and_changes_nothing(wrong: dict[str, object]) -> None:
    before = settings()
    with pytest.raises(ConfigurationError):
        untyped(configure)(**wrong)
    assert settings() is before


def test_settings_of_a_with_block_end_with_it() -> None:
    before = settings()
    with configure(default_model="offline"):
        assert settings().default_model == "offline"
    assert settings() is before


SAMPLE = """
from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, assert_type

from pydantic import BaseModel, Field

from stratum_core import (
    Budget, Failure, HumanDecision, Probabilistic, Success, await_human, compute, configure, contract, debate, flow,
    infer, opaque, parallel, race, refine, run,
)
from stratum_core.testing import ScriptedClient


@contract
class Verdict(BaseModel):
    label: Literal["good", "bad"]
    confidence: Annotated[float, Field(ge=0, le=1, description="How sure you are.")]


@refine(until=lambda result: result.confidence > 0.9, feedback="'be more exact'", max_iterations=3)
@infer(
    intent="Judge the note.",
    ensure=lambda result, note: result.confidence > 0.5 and len(note) > 0,
    given=["len(note) > 3", lambda note: len(note) < 1000],
    budget=Budget(usd=0.01),
)
async def judge(note: opaque[str], scale: int = 5) -> Verdict: ...


@infer(intent="Say a word.", stable=False)
async def word(topic: str) -> str: ...


@infer(intent="Argue.")
async def agent(topic: str, arguments: list[dict[str, str]] | None) -> Verdict: ...


@infer(intent="Conclude.")
async def conclude(topic: str, arguments: list[dict[str, str]], converged: bool) -> Verdict: ...


@compute
def label(verdict: Verdict) -> str:
    return verdict.label


@compute(ensure="result > 0")
async def days(since: date) -> int:
    return (date(2026, 1, 1) - since).days


@flow(budget=Budget(usd="0.25", ms=60_000))
async def review(notes: list[str], by: date | None = None) -> list[str]:
    verdicts = await parallel(*[judge(note) for note in notes])
    assert_type(verdicts, list[Verdict])
    first, second = await parallel(judge(notes[0]), days(date(2025, 1, 1)))
    assert_type(first, Verdict)
    assert_type(second, int)
    outcomes = await parallel(judge("a"), judge("b"), require=0)
    assert_type(outcomes, list[Success[Verdict] | Failure])
    assert_type(await parallel(judge("a"), judge("b"), require="any"), Verdict)
    assert_type(await race(judge("a"), judge("b")), Verdict)
    assert_type(await word("x"), Probabilistic[str])
    assert_type((await word("x")).assert_stable(0.8), str)
    assert_type(await debate([agent, agent], "x", synthesize=conclude), Verdict)
    decision = await await_human("Publish?", bool)
    assert_type(decision, HumanDecision[bool])
    return [await label(verdict) for verdict in verdicts]


@flow
async def bare(note: str) -> str:
    return (await judge(note, scale=3)).label


def main(notes: Sequence[str]) -> None:
    with configure(client=ScriptedClient([]), default_model="offline"):
        assert_type(run(review(list(notes))), list[str])
    assert_type(review.durable("state", run_id="nightly")(["a"]).close(), None)
"""


@pytest.mark.slow
def test_a_users_program_passes_strict_type_checkers(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    settings_file = {
        "typeCheckingMode": "strict",
        "venvPath": str(ROOT),
        "venv": ".venv",
        "extraPaths": [str(ROOT)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings_file))
    mypy = ["mypy", "--strict", "--disable-error-code=empty-body", "--cache-dir", str(tmp_path)]
    environ = {**os.environ, "MYPYPATH": str(ROOT)}
    for command in (["pyright", "-p", str(tmp_path)], [*mypy, str(sample)]):
        found = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=environ,
        )
        assert found.returncode == 0, found.stdout
