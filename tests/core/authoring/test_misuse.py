"""Decorators written in a way Python would explain badly say what to write."""

from __future__ import annotations

import inspect

import pytest

from stratum_core import StratumCompileError, compute, configure, flow, infer, refine
from stratum_core.testing import FunctionClient
from tests.core.authoring._untyped import untyped


async def ask(text: str) -> str: ...


def plain(text: str) -> str:
    return text


async def awaiting(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("decorator", "given", "said"),
    [
        (
            infer,
            ask,
            r"@infer stands bare above `ask`, but takes its arguments by name; write `@infer\(intent=",
        ),
        (infer, "Judge it", "@infer stands with 'Judge it', but takes its arguments by name"),
        (refine, infer(intent="Ask.")(ask), "@refine stands with <infer ask .*>, but .*; write `@refine"),
        (flow, 0.25, r"@flow stands with 0.25, but .*; write `@flow\(budget=Budget"),
        (compute, "result > 0", "@compute stands with 'result > 0'"),
    ],
    ids=["infer, bare", "infer, a text", "refine, a function", "flow, a number", "compute, a text"],
)
def test_a_bare_decorator_or_an_argument_without_its_name_is_told_how_to_write_it(
    decorator: object, given: object, said: str
) -> None:
    assert callable(decorator)
    with pytest.raises(StratumCompileError, match=said):
        untyped(decorator)(given)


def test_a_budget_that_is_a_number_is_told_what_to_count() -> None:
    with pytest.raises(StratumCompileError, match=r"budget=0.5 is no Budget; say what is counted: Budget"):
        untyped(infer)(intent="Ask.", budget=0.5)(ask)
    with pytest.raises(StratumCompileError, match=r"budget=1 is no Budget"):
        untyped(flow)(budget=1)(awaiting)


def test_feedback_that_is_plain_text_is_told_about_its_quotes() -> None:
    with pytest.raises(StratumCompileError, match="plain text stands in quotes inside it"):
        refine(until="result != ''", feedback="try again")(infer(intent="Ask.")(ask))


def test_the_signature_and_the_help_of_a_decorator_are_its_own() -> None:
    assert "intent" in inspect.signature(infer).parameters
    assert inspect.getdoc(infer)
    assert infer.__name__ == "infer"


@pytest.mark.anyio
async def test_a_call_that_is_printed_or_never_awaited_has_the_name_of_its_function() -> None:
    calls = [infer(intent="Ask.")(ask)("a"), compute(plain)("a"), flow(awaiting)("a")]
    assert [call.__qualname__ for call in calls] == ["ask", "plain", "awaiting"]
    for call in calls:
        call.close()
    with configure(client=FunctionClient(lambda _: {"value": "b"})):
        assert await infer(intent="Ask.")(ask)("a") == "b"
