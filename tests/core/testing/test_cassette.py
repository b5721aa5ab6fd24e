"""Cassettes: recorded once, played in order, refused on a miss, without a key on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stratum_core.errors import AuthError, ConfigurationError, TransportError
from stratum_core.testing import Cassette, FunctionClient, Message, ModelRequest, ScriptedClient

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tapes" / "one.json"


def asking(text: str) -> ModelRequest:
    return ModelRequest(
        model="p/m",
        messages=(Message(role="user", blocks=(text,)),),
        output_schema={"type": "object"},
        max_tokens=100,
        idempotency_key="run/secret-key#0",
    )


def calls_on(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))["calls"]


async def recorded(path: Path, *texts: str) -> None:
    with Cassette(
        path, mode="record", client=FunctionClient(lambda request: f"to {request.messages[0].blocks[0]}")
    ) as tape:
        for text in texts:
            await tape.complete(asking(text))


async def test_what_was_recorded_is_played_without_asking_anybody(path: Path) -> None:
    await recorded(path, "a", "b")
    with Cassette(path) as tape:
        assert (await tape.complete(asking("b"))).text == "to b"
        reply = await tape.complete(replace(asking("a"), idempotency_key="another", timeout_s=1.0))
    assert (reply.text, reply.usage is not None) == ("to a", True)


async def test_equal_requests_get_their_answers_one_after_the_other(path: Path) -> None:
    with Cassette(path, mode="record", client=ScriptedClient(["one", "two"])) as tape:
        for _ in range(2):
            await tape.complete(asking("a"))
    with Cassette(path) as tape:
        assert [(await tape.complete(asking("a"))).text for _ in range(2)] == ["one", "two"]


async def test_a_request_that_is_not_on_the_cassette_is_a_failure_and_not_a_call(path: Path) -> None:
    await recorded(path, "a")
    tape = Cassette(path)
    await tape.complete(asking("a"))
    for text in ("a", "never"):
        with pytest.raises(AssertionError, match="has no answer to this request"):
            await tape.complete(asking(text))
    with pytest.raises(AssertionError, match=r"not on .*one.json: p/m: 'a'"):
        tape.close()


async def test_a_call_that_was_not_made_is_a_failure(path: Path) -> None:
    await recorded(path, "a", "b")
    with pytest.raises(AssertionError, match="not asked for: p/m: 'b'"), Cassette(path) as tape:
        await tape.complete(asking("a"))


async def test_only_what_is_missing_is_asked_for_once(path: Path) -> None:
    await recorded(path, "a")
    client = ScriptedClient(["new"])
    with Cassette(path, mode="once", client=client) as tape:
        assert [(await tape.complete(asking(text))).text for text in ("a", "c")] == ["to a", "new"]
    client.assert_done()
    with Cassette(path) as tape:
        assert [(await tape.complete(asking(text))).text for text in ("c", "a")] == ["new", "to a"]


async def test_a_first_recording_may_start_without_a_file_and_a_new_one_replaces_it(path: Path) -> None:
    with Cassette(path, mode="once", client=ScriptedClient(["x"])) as tape:
        await tape.complete(asking("a"))
    await recorded(path, "b")
    assert [call["prompt"] for call in calls_on(path)] == [["b"]]


async def test_a_fault_of_the_provider_is_recorded_and_raised_again(path: Path) -> None:
    slow = TransportError("slow down", detail={"status": 429, "retry_after_s": 2.0})
    with Cassette(path, mode="record", client=ScriptedClient([slow, "yes"])) as tape:
        with pytest.raises(TransportError):
            await tape.complete(asking("a"))
        await tape.complete(asking("a"))
    with Cassette(path) as tape:
        with pytest.raises(TransportError) as raised:
            await tape.complete(asking("a"))
        assert raised.value.detail["retry_after_s"] == 2.0
        assert (await tape.complete(asking("a"))).text == "yes"


async def test_other_errors_pass_and_are_not_recorded(path: Path) -> None:
    tape = Cassette(path, mode="record", client=ScriptedClient([AuthError("no key")]))
    with pytest.raises(AuthError):
        await tape.complete(asking("a"))
    tape.close()
    assert calls_on(path) == []


async def test_no_key_of_a_request_is_written(path: Path) -> None:
    await recorded(path, "a")
    assert "secret-key" not in json.dumps(calls_on(path))


def test_a_missing_damaged_or_pointless_cassette_says_what_to_do(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no cassette") as raised:
        Cassette(path)
    assert "mode='record'" in raised.value.remedy
    with pytest.raises(ConfigurationError, match="needs a client"):
        Cassette(path, mode="record")
    path.parent.mkdir()
    path.write_text('{"stratum_cassette": 2}', "utf-8")
    with pytest.raises(ConfigurationError, match="is no cassette"):
        Cassette(path)


async def test_a_test_that_fails_is_not_buried_under_what_was_left_over(path: Path) -> None:
    await recorded(path, "a")
    with pytest.raises(ZeroDivisionError), Cassette(path):
        raise ZeroDivisionError
