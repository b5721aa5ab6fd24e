"""What a client raises that is no error of ours comes out as it is, also where several requests run together."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import configure, contract, debate, infer
from stratum_core.testing import FunctionClient, ScriptedClient

pytestmark = pytest.mark.anyio


@contract
class Tag(BaseModel):
    name: str


@infer(intent="Name a tag.", stable=False)
async def sampled(text: str) -> Tag: ...


@infer(intent="Name a tag.", quorum=3, agree_on="name", threshold=2)
async def voted(text: str) -> Tag: ...


@infer(intent="Argue.")
async def arguing(topic: str, arguments: JsonValue) -> Tag: ...


@infer(intent="Conclude.")
async def concluding(topic: str, arguments: JsonValue, converged: bool) -> Tag: ...


def refusing() -> FunctionClient:
    def answer(_: object) -> str:
        raise LookupError("nothing is written down for it")

    return FunctionClient(answer)


async def test_samples_and_votes_raise_the_clients_own_error_and_no_group() -> None:
    with configure(client=refusing(), test_mode=True, sample_n=3):
        with pytest.raises(LookupError, match="nothing is written down"):
            await sampled("x")
        with pytest.raises(LookupError, match="nothing is written down"):
            await voted("x")


async def test_a_script_that_is_too_short_says_which_request_had_no_step() -> None:
    script = ScriptedClient([{"name": "a"}])
    with (
        configure(client=script, test_mode=True, sample_n=2),
        pytest.raises(AssertionError, match="no step is left for request 2"),
    ):
        await sampled("x")


async def test_a_debate_raises_the_clients_own_error_and_no_group() -> None:
    with configure(client=refusing()), pytest.raises(LookupError, match="nothing is written down"):
        await debate([arguing, arguing], "x", synthesize=concluding)
