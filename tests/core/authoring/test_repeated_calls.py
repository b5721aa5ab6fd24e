"""Calls that ask more than once: refine, votes and samples."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from stratum_core import (
    ConsensusFailure,
    ConvergenceFailure,
    Probabilistic,
    StabilityAssertionError,
    StratumCompileError,
    TransportError,
    compute,
    configure,
    contract,
    flow,
    infer,
    refine,
)
from stratum_core.testing import Answer, FunctionClient, ScriptedClient
from tests.core.authoring._untyped import untyped

pytestmark = pytest.mark.anyio


@contract
class Verdict(BaseModel):
    label: Literal["good", "bad"]
    confidence: float


GOOD = {"label": "good", "confidence": 0.9}


async def test_refine_asks_until_the_condition_holds_with_the_feedback_of_the_last_answer() -> None:
    @refine(
        until=lambda result: len(result) <= 5,
        feedback=lambda result: f"{len(result)} characters",
        max_iterations=3,
    )
    @infer(intent="A short title.")
    async def title(text: str) -> str: ...

    client = ScriptedClient([{"value": "much too long"}, {"value": "short"}])
    with configure(client=client):
        assert await title("x") == "short"
    assert "13 characters" in client.requests[1].messages[1].blocks[1]


async def test_refine_gives_up_with_its_history_and_never_reads_it_back_from_a_cache() -> None:
    @refine(until="len(result) <= 5", feedback="'shorter'", max_iterations=2)
    @infer(intent="A short title.", cache="session")
    async def title(text: str) -> str: ...

    @flow
    async def twice() -> str:
        with pytest.raises(ConvergenceFailure) as caught:
            await title("x")
        assert len(caught.value.detail["history"]) == 2
        return await title("x")

    client = FunctionClient(lambda _: {"value": "much too long"})
    with configure(client=client), pytest.raises(ConvergenceFailure):
        await twice()
    assert len(client.requests) == 2


async def test_refine_may_check_with_a_compute_function() -> None:
    @compute
    def words(result: str) -> int:
        return len(result.split())

    @refine(check=words, until=lambda check: check <= 2, feedback="'too many words: ' + str(check)")
    @infer(intent="A short title.")
    async def title(text: str) -> str: ...

    client = ScriptedClient([{"value": "one two three"}, {"value": "one two"}])
    with configure(client=client):
        assert await title("x") == "one two"
    assert "too many words: 3" in client.requests[1].messages[1].blocks[1]


def test_refine_stands_above_infer() -> None:
    async def plain(text: str) -> str: ...

    with pytest.raises(StratumCompileError, match="@refine stands on an infer function"):
        untyped(refine(until="True", feedback="'x'"))(plain)


async def test_a_quorum_gives_the_answer_most_votes_agree_on() -> None:
    @infer(intent="Judge.", quorum=3, agree_on="label", threshold=2)
    async def voted(note: str) -> Verdict: ...

    votes = [{"label": "good", "confidence": 0.6}, {"label": "bad", "confidence": 0.9}, GOOD]
    with configure(client=ScriptedClient(votes)):
        assert await voted("x") == Verdict(label="good", confidence=0.9)


async def test_a_vote_that_cannot_be_had_abstains() -> None:
    @infer(intent="Judge.", quorum=3, agree_on="label", threshold=3)
    async def unanimous(note: str) -> Verdict: ...

    fault = TransportError("down", detail={"paid": "no", "retry_after_s": 1_000})
    with configure(client=ScriptedClient([GOOD, GOOD, fault])), pytest.raises(ConsensusFailure) as caught:
        await unanimous("x")
    assert [output is None for output in caught.value.detail["outputs"]].count(True) == 1


async def test_an_unstable_function_gives_one_sample_and_more_in_test_mode() -> None:
    @infer(intent="Say a word.", stable=False)
    async def word(text: str) -> str: ...

    with configure(client=ScriptedClient([{"value": "a"}])):
        once = await word("x")
    assert once == Probabilistic(("a",))
    with pytest.raises(StabilityAssertionError, match="test_mode"):
        once.sample(2)
    answers: list[Answer] = [{"value": "a"}, {"value": "b"}, {"value": "a"}]
    with configure(client=ScriptedClient(answers), test_mode=True, sample_n=3):
        several = await word("x")
    assert several.most_likely() == "a"
    assert sorted(several.sample(3)) == ["a", "a", "b"]
    assert several.assert_stable(0.6) == "a"
    with pytest.raises(
        StabilityAssertionError, match=r"2 of 3 samples agree, a share of 0\.67; 0\.9 is wanted"
    ):
        several.assert_stable(0.9)


async def test_samples_are_each_asked_for_even_where_equal_calls_share_an_answer() -> None:
    @infer(intent="Say a word.", stable=False, cache="session")
    async def word(text: str) -> str: ...

    client = FunctionClient(lambda _: {"value": "a"})
    with configure(client=client, test_mode=True, sample_n=4):
        await word("x")
    assert len(client.requests) == 4


def test_a_threshold_is_a_share() -> None:
    with pytest.raises(ValueError, match="share"):
        Probabilistic((1,)).assert_stable(0)


def test_true_and_one_are_different_samples() -> None:
    assert Probabilistic[object]((True, 1, 1)).most_likely() is not True
