"""What a program reads of an error: attributes with types, taken from its detail, also after a pickle."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Awaitable
from typing import Literal, TypeVar

import pytest
from pydantic import BaseModel

from stratum_core import (
    Budget,
    BudgetExceeded,
    ConsensusFailure,
    ContractViolation,
    ConvergenceFailure,
    HITLTimeoutError,
    ParseFailure,
    PendingReview,
    PostconditionFailed,
    Probabilistic,
    ReviewSink,
    StabilityAssertionError,
    TransportError,
    await_human,
    compute,
    configure,
    contract,
    errors,
    infer,
    refine,
)
from stratum_core.errors import ComputeFailed, DiagnosticsError, ModelError, StratumError
from stratum_core.testing import FaultyClient, ScriptedClient, rate_limited
from tests.core.authoring._untyped import untyped
from tests.support.pages import ROOT, section

pytestmark = pytest.mark.anyio

E = TypeVar("E", bound=StratumError)


@contract
class Verdict(BaseModel):
    label: Literal["good", "bad"]
    confidence: float


@infer(intent="Judge.", ensure="result.confidence > 0.7", retries=1)
async def judge(text: str) -> Verdict: ...


async def raised(kind: type[E], call: Awaitable[object]) -> E:
    """Await a call and return what it raises, as it arrives in another process."""
    with pytest.raises(kind) as caught:
        await call
    found = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert isinstance(found, kind)
    assert found.detail == caught.value.detail
    return found


async def test_an_answer_that_breaks_its_condition_tells_of_every_attempt() -> None:
    script = [{"label": "bad", "confidence": 0.2}, {"label": "bad", "confidence": 0.5}]
    with configure(client=ScriptedClient(script)):
        fault = await raised(PostconditionFailed, judge("x"))
    said = "`result.confidence > 0.7` must be true (actual: result.confidence = {})"
    assert fault.violations == (said.format(0.5),)
    assert fault.retry_history == ((said.format(0.2),), (said.format(0.5),))


async def test_the_result_of_a_compute_function_has_violations_and_no_history() -> None:
    @compute(ensure="result > 0")
    def less(number: int) -> int:
        return number - 1

    fault = await raised(PostconditionFailed, less(1))
    assert (fault.violations, fault.retry_history) == (("result > 0",), ())


async def test_an_answer_of_another_type_tells_of_every_attempt_and_one_that_is_cut_off_of_its_limit() -> (
    None
):
    with configure(client=ScriptedClient(["no record"] * 2)):
        fault = await raised(ParseFailure, judge("x"))
    assert (len(fault.violations), len(fault.retry_history), fault.max_tokens) == (1, 2, None)
    assert fault.retry_history[-1] == fault.violations
    cut = ParseFailure("cut off", detail={"max_tokens": 512})
    assert (cut.violations, cut.retry_history, cut.max_tokens) == ((), (), 512)


async def test_votes_that_do_not_agree_are_all_there() -> None:
    @infer(intent="Judge.", quorum=3, agree_on="label", threshold=3)
    async def voted(text: str) -> Verdict: ...

    good, bad = {"label": "good", "confidence": 0.9}, {"label": "bad", "confidence": 0.9}
    with configure(client=ScriptedClient([good, bad, good])):
        fault = await raised(ConsensusFailure, voted("x"))
    assert sorted(output["label"] for output in fault.outputs) == ["bad", "good", "good"]
    assert (fault.agreeing, fault.needed) == (2, 3)


async def test_iterations_that_never_satisfied_are_all_there() -> None:
    @refine(until="len(result) <= 5", feedback="'shorter'", max_iterations=2)
    @infer(intent="A short title.")
    async def title(text: str) -> str: ...

    with configure(client=ScriptedClient([{"value": "far too long"}, {"value": "too long"}])):
        fault = await raised(ConvergenceFailure, title("x"))
    assert fault.history == (
        {"result": "far too long", "feedback": "shorter"},
        {"result": "too long", "feedback": "shorter"},
    )


async def test_a_lapsed_question_names_itself() -> None:
    asked: list[str] = []

    class Desk(ReviewSink):
        async def emit(self, review: PendingReview) -> None:
            asked.append(review.review_id)

    with configure(review_sink=Desk()):
        fault = await raised(HITLTimeoutError, await_human("Send it?", bool, timeout=0.01))
    assert [fault.review_id] == asked


async def test_a_cap_that_does_not_hold_says_which_and_how_much_is_missing() -> None:
    @infer(intent="Judge.", model="gpt-4o-mini", budget=Budget(tokens=10))
    async def capped(text: str) -> Verdict: ...

    fault = await raised(BudgetExceeded, capped("x"))
    assert (fault.axis, fault.cap, fault.left) == ("tokens", 10, 10)
    assert (fault.needed or 0) > 10
    assert fault.scope.startswith("capped")
    bare = BudgetExceeded("no cap holds")
    assert (bare.scope, bare.axis, bare.cap, bare.needed, bare.left) == ("", None, None, None, None)


async def test_an_argument_that_does_not_fit_names_path_message_and_value() -> None:
    async def wrong() -> None:
        await untyped(judge)(text=7)

    fault = await raised(ContractViolation, wrong())
    assert [(one["path"], one["actual"]) for one in fault.violations] == [("$", "7")]


async def test_a_provider_that_slows_down_says_for_how_long() -> None:
    client = FaultyClient(ScriptedClient([]), [rate_limited(retry_after_s=1_000)])
    with configure(client=client):
        fault = await raised(TransportError, judge("x"))
    assert (fault.status, fault.paid, fault.retry_after_s) == (429, "no", 1_000)
    bare = ModelError("no answer")
    assert (bare.status, bare.paid) == (None, "unknown")


async def test_samples_that_do_not_agree_say_how_many_did() -> None:
    async def unstable() -> None:
        Probabilistic(("a", "b")).assert_stable(0.9)

    async def few() -> None:
        Probabilistic(("a",)).sample(2)

    fault = await raised(StabilityAssertionError, unstable())
    assert (fault.samples, fault.share, fault.threshold) == (2, 0.5, 0.9)
    fault = await raised(StabilityAssertionError, few())
    assert (fault.samples, fault.share, fault.threshold) == (1, None, None)


def test_what_is_read_cannot_be_set() -> None:
    fault = DiagnosticsError("wrong", detail={"diagnostics": [{"code": "E101"}]})
    assert fault.diagnostics == ({"code": "E101"},)
    assert ComputeFailed("failed", detail={"said": "oh"}).said == "oh"
    with pytest.raises(AttributeError):
        untyped(setattr)(fault, "diagnostics", ())


def test_the_page_names_every_attribute_of_every_error() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \|$", section(ROOT / "docs" / "library.md", "Errors"), re.MULTILINE
    )
    told = {name: set(re.findall(r"`\.(\w+)`", text)) for name, text in rows if "`." in text}
    classes = [
        found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, StratumError)
    ]
    held = {
        found.__name__: {name for name, part in vars(found).items() if isinstance(part, property)}
        for found in classes
    }
    assert told == {name: parts for name, parts in held.items() if parts}
