"""Durable flows: what was paid for before a crash is not paid for again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from stratum_core import (
    AuthError,
    Budget,
    BudgetExceeded,
    ConfigurationError,
    DeterminismError,
    FlowFunction,
    JournalBusy,
    PendingReview,
    ReviewSink,
    RunError,
    all_records,
    await_human,
    configure,
    contract,
    flow,
    infer,
    parallel,
    race,
)
from stratum_core.journal import RunReader
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.testing import Answer, FunctionClient

pytestmark = pytest.mark.anyio


@contract
class Note(BaseModel):
    text: str


@infer(intent="Answer in a word.")
async def answer(note: Note) -> str: ...


def asked(request: ModelRequest) -> str:
    return request.messages[1].blocks[0].removeprefix('note: {"text":"').removesuffix('"}')


class Provider(FunctionClient):
    """Echoes each question, and is down for those in `down`."""

    def __init__(self, *down: str) -> None:
        self.down = set(down)
        super().__init__(self._answer)

    def _answer(self, request: ModelRequest) -> Answer:
        if asked(request) in self.down:
            return AuthError("the key is refused", detail={"paid": "no"})
        return {"value": asked(request)}

    @property
    def questions(self) -> list[str]:
        return sorted(asked(request) for request in self.requests)


@flow(budget=Budget(calls=10))
async def digest(texts: list[str]) -> list[str]:
    first = await answer(Note(text="start"))
    return [
        first,
        *await parallel(*[answer(Note(text=text)) for text in texts]),
        await answer(Note(text="start")),
    ]


async def failing(whole: FlowFunction[..., object], provider: Provider, texts: list[str]) -> None:
    with configure(client=provider), pytest.raises(AuthError):
        await whole(texts)


async def test_a_flow_that_failed_goes_on_from_its_record_and_pays_nothing_again(tmp_path: Path) -> None:
    durable = digest.durable(tmp_path)
    first, second = Provider("c"), Provider()
    await failing(durable, first, ["a", "b", "c"])
    with configure(client=second):
        assert await durable(["a", "b", "c"]) == ["start", "a", "b", "c", "start"]
    assert {"start", "a", "b"} <= set(first.questions)
    assert second.questions == ["c", "start"]


async def test_a_finished_flow_gives_its_value_again_for_nothing(tmp_path: Path) -> None:
    durable, provider = digest.durable(tmp_path), Provider()
    with configure(client=provider):
        before = await durable(["a"])
        assert await durable(["a"]) == before
    assert provider.questions == ["a", "start", "start"]
    assert [record.replayed for record in all_records()] == [False] * 3 + [True] * 3


async def test_other_inputs_are_another_run(tmp_path: Path) -> None:
    durable, provider = digest.durable(tmp_path), Provider()
    with configure(client=provider):
        assert await durable(["a"]) != await durable(["b"])
    assert len(list((tmp_path / "runs").glob("digest-*.db"))) == 2


async def test_a_run_that_was_named_takes_no_other_inputs(tmp_path: Path) -> None:
    durable = digest.durable(tmp_path, run_id="nightly")
    with configure(client=Provider()):
        await durable(["a"])
        with pytest.raises(DeterminismError, match="other inputs"):
            await durable(["b"])
    assert (tmp_path / "runs" / "nightly.db").exists()


async def test_a_run_that_was_named_is_of_one_flow(tmp_path: Path) -> None:
    @flow
    async def other(texts: list[str]) -> int:
        return len(texts)

    with configure(client=Provider()):
        await digest.durable(tmp_path, run_id="nightly")(["a"])
        with pytest.raises(DeterminismError, match="flow `digest`"):
            await other.durable(tmp_path, run_id="nightly")(["a"])


async def test_a_function_that_was_changed_is_not_answered_from_the_record(tmp_path: Path) -> None:
    def version(intent: str) -> FlowFunction[[], str]:
        @infer(intent=intent)
        async def say(note: Note) -> str: ...
        @flow(journal=tmp_path)
        async def whole() -> str:
            return await say(Note(text="x"))

        return whole

    with configure(client=Provider()):
        await version("Say it.")()
        with pytest.raises(DeterminismError, match="`say` has changed since") as caught:
            await version("Say it loudly.")()
    assert "run id of its own" in caught.value.remedy


async def test_every_outermost_flow_is_durable_where_the_settings_say_so(tmp_path: Path) -> None:
    @flow
    async def outer(texts: list[str]) -> list[str]:
        return await digest(texts)

    with configure(client=Provider(), journal=tmp_path):
        await outer(["a"])
    assert [path.name.split("-")[0] for path in (tmp_path / "runs").glob("*.db")] == ["outer"]


async def test_what_is_on_record_counts_against_the_budget(tmp_path: Path) -> None:
    @flow(budget=Budget(calls=3), journal=tmp_path)
    async def capped(texts: list[str]) -> list[str]:
        return [await answer(Note(text=text)) for text in texts]

    await failing(capped, Provider("c"), ["a", "b", "c", "d"])
    with configure(client=Provider()), pytest.raises(BudgetExceeded):
        await capped(["a", "b", "c", "d"])


async def test_a_race_has_the_same_winner_when_it_is_run_again(tmp_path: Path) -> None:
    @flow(journal=tmp_path)
    async def fastest() -> str:
        won = await race(answer(Note(text="a")), answer(Note(text="b")))
        return won + await answer(Note(text="then"))

    first, second = Provider("a", "then"), Provider("b")
    with configure(client=first), pytest.raises(AuthError):
        await fastest()
    with configure(client=second):
        assert await fastest() == "bthen"
    assert second.questions == ["then"]


async def test_a_person_is_asked_once(tmp_path: Path) -> None:
    class Person(ReviewSink):
        def __init__(self) -> None:
            self.asked: list[str] = []

        async def emit(self, review: PendingReview) -> None:
            self.asked.append(review.review_id)
            self.resolve(review.review_id, value=True, reviewer="ann")

    @flow(journal=tmp_path)
    async def gated() -> str:
        decision = await await_human("Send it?", bool)
        return f"{decision.reviewer} {decision.value} {await answer(Note(text='send'))}"

    person = Person()
    with configure(client=Provider("send"), review_sink=person), pytest.raises(AuthError):
        await gated()
    with configure(client=Provider(), review_sink=person):
        assert await gated() == "ann True send"
    assert len(person.asked) == 1


async def test_the_time_to_answer_runs_on_while_no_process_does(tmp_path: Path) -> None:
    deadlines: list[object] = []

    class Away(ReviewSink):
        async def emit(self, review: PendingReview) -> None:
            deadlines.append(review.expires_at)
            raise LookupError("the process ended")

    @flow(journal=tmp_path)
    async def gated() -> bool:
        return (await await_human("Send it?", bool, timeout=3600)).value

    with configure(review_sink=Away()):
        for _ in range(2):
            with pytest.raises(LookupError):
                await gated()
    assert deadlines[0] == deadlines[1]


class Held(Provider):
    """Keeps the first question until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.holding, self.go = asyncio.Event(), asyncio.Event()

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.holding.set()
        await self.go.wait()
        return await super().complete(request)


async def test_a_run_is_held_by_one_flow_at_a_time(tmp_path: Path) -> None:
    durable, provider = digest.durable(tmp_path), Held()
    with configure(client=provider):
        first = asyncio.create_task(durable(["a"]))
        await provider.holding.wait()
        with pytest.raises(JournalBusy):
            await durable(["a"])
        provider.go.set()
        assert await first == ["start", "a", "start"]


async def test_a_durable_flow_keeps_its_record_in_a_parallel_outside_any_flow(tmp_path: Path) -> None:
    durable = digest.durable(tmp_path)
    with configure(client=Provider()):
        await parallel(durable(["a"]), durable(["b"]))
    assert len(list((tmp_path / "runs").glob("*.db"))) == 2


async def test_a_durable_flow_inside_one_that_keeps_no_record_is_refused(tmp_path: Path) -> None:
    durable = digest.durable(tmp_path)

    @flow
    async def outer() -> list[str]:
        return await durable(["a"])

    with configure(client=Provider()):
        with pytest.raises(ConfigurationError, match="keeps a record"):
            await outer()
        assert await outer.durable(tmp_path)() == ["start", "a", "start"]


async def test_an_id_that_could_not_name_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run id"):
        await digest.durable(tmp_path, run_id="../up")(["a"])


async def test_the_record_says_how_each_walk_ended(tmp_path: Path) -> None:
    durable = digest.durable(tmp_path, run_id="nightly")

    def state() -> str:
        with RunReader.open(tmp_path, "nightly") as reader:
            assert reader.verify().ok
            return reader.snapshot().state

    await failing(durable, Provider("a"), ["a"])
    assert state() == "failed"
    with configure(client=Provider()):
        await durable(["a"])
    assert state() == "completed"


async def test_a_cancelled_flow_is_interrupted_and_goes_on_later(tmp_path: Path) -> None:
    durable, held = digest.durable(tmp_path, run_id="nightly"), Held()
    with configure(client=held):
        task = asyncio.create_task(durable(["a"]))
        await held.holding.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with RunReader.open(tmp_path, "nightly") as reader:
        snapshot = reader.snapshot()
    assert (snapshot.state, snapshot.possibly_paid_count) == ("interrupted", 1)
    with configure(client=Provider()):
        assert await durable(["a"]) == ["start", "a", "start"]


async def test_what_the_code_of_a_durable_flow_raises_is_on_record(tmp_path: Path) -> None:
    @flow(journal=tmp_path)
    async def broken() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError):
        await broken()
    (path,) = (tmp_path / "runs").glob("broken-*.db")
    with RunReader.open(tmp_path, path.stem) as reader:
        snapshot = reader.snapshot()
    assert (snapshot.state, snapshot.finished) == ("failed", {"error": "LookupError: mine"})


PROGRAM = """
import os, signal, sys
from stratum_core import configure, flow, infer, parallel, run
from stratum_core.testing import FunctionClient

@infer(intent="Answer in a word.")
async def answer(note: str) -> str: ...

def reply(request):
    note = request.messages[1].blocks[0].removeprefix("note: ")
    print("asked", note, flush=True)
    if note == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"value": note}

@flow(journal=sys.argv[1])
async def whole() -> list[str]:
    both = await parallel(answer("a"), answer("b"))
    return [*both, await answer("c"), await answer("d" + await answer("c"))]

configure(client=FunctionClient(reply), default_model="offline")
print("value", run(whole()))
"""


@pytest.mark.slow
def test_a_killed_program_goes_on_where_it_was(tmp_path: Path) -> None:
    def started(dies_at: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), dies_at],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )

    first = started("c")
    assert first.returncode == -signal.SIGKILL
    second = started("never")
    assert second.stdout.splitlines() == ["asked c", "asked c", "asked dc", "value ['a', 'b', 'c', 'dc']"]
