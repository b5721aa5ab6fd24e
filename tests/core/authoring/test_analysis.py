"""What is wrong with a definition is told when it is decorated: what, where, and what to write instead."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from typing import Any, Literal, cast

import pytest
from pydantic import BaseModel

from stratum_core import (
    StratumCompileError,
    StratumHint,
    compute,
    contract,
    flow,
    infer,
    opaque,
    parallel,
    refine,
)


@contract
class Verdict(BaseModel):
    label: Literal["good", "bad"]
    confidence: float
    words: list[str]


@infer(intent="Judge it.")
async def judge(text: opaque[str]) -> Verdict: ...


@infer(intent="Sum it up.")
async def shorten(text: opaque[str]) -> str: ...


@compute
def count(text: str) -> int:
    return len(text)


def _sync() -> None:
    def f(text: str) -> str: ...

    infer(intent="x")(cast("Any", f))


def _body() -> None:
    @infer(intent="x")
    async def f(text: str) -> str:
        return text


def _no_intent() -> None:
    @infer(intent="  ")
    async def f(text: str) -> str: ...


def _template() -> None:
    @infer(intent="Judge {text}.")
    async def f(text: str) -> str: ...


def _template_in_context() -> None:
    @infer(intent="Judge it.", context=["Be fair.", "It is ${text}."])
    async def f(text: str) -> str: ...


def _retries() -> None:
    @infer(intent="x", retries=11)
    async def f(text: str) -> str: ...


def _temperature() -> None:
    @infer(intent="x", temperature=2.5)
    async def f(text: str) -> str: ...


def _tokens() -> None:
    @infer(intent="x", max_tokens=0)
    async def f(text: str) -> str: ...


def _cache() -> None:
    anything: Any = "forever"

    @infer(intent="x", cache=anything)
    async def f(text: str) -> str: ...


def _half_quorum() -> None:
    @infer(intent="x", quorum=3, threshold=2)
    async def f(text: str) -> Verdict: ...


def _many_votes() -> None:
    @infer(intent="x", quorum=16, agree_on="label", threshold=9)
    async def f(text: str) -> Verdict: ...


def _threshold() -> None:
    @infer(intent="x", quorum=4, agree_on="label", threshold=2)
    async def f(text: str) -> Verdict: ...


def _two_votes() -> None:
    @infer(intent="x", quorum=2, agree_on="label", threshold=1)
    async def f(text: str) -> Verdict: ...


def _agree_on_nothing() -> None:
    @infer(intent="x", quorum=3, agree_on="lable", threshold=2)
    async def f(text: str) -> Verdict: ...


def _agree_on_text() -> None:
    @infer(intent="x", quorum=3, agree_on="label", threshold=2)
    async def f(text: str) -> str: ...


def _agree_on_list() -> None:
    @infer(intent="x", quorum=3, agree_on="words", threshold=2)
    async def f(text: str) -> Verdict: ...


def _result_type() -> None:
    @infer(intent="x")
    async def f(text: str) -> set[str]: ...


def _ensure_field() -> None:
    @infer(intent="x", ensure=lambda r: r.confidnce > 0.5)
    async def f(text: str) -> Verdict: ...


def _given_name() -> None:
    @infer(intent="x", given=lambda txt, other: len(txt) > other)
    async def f(text: str) -> Verdict: ...


def _until_asks() -> None:
    @refine(until=lambda r: bool(shorten(r)), feedback="'again'")
    @infer(intent="x")
    async def f(text: str) -> str: ...


def _iterations() -> None:
    @refine(until="len(result) > 3", feedback="'longer'", max_iterations=51)
    @infer(intent="x")
    async def f(text: str) -> str: ...


def _empty_compute() -> None:
    @compute
    def f(text: str) -> str: ...


def _sync_flow() -> None:
    def f(text: str) -> str:
        return text

    flow(cast("Any", f))


@pytest.mark.parametrize(
    ("define", "said"),
    [
        (_sync, "is not async; write `async def f"),
        (_body, "has a body, which @infer would never run; write `...`"),
        (_no_intent, "empty intent"),
        (_template, "`{text}` is a template"),
        (_template_in_context, r"`\${text}` is a template"),
        (_retries, "retries=11 is not a number from 0 to 10"),
        (_temperature, "temperature=2.5 is not a number from 0 to 2"),
        (_tokens, "max_tokens=0 is not a number from 1"),
        (_cache, "there is no cache 'forever'"),
        (_half_quorum, "quorum and threshold without agree_on; write all three"),
        (_many_votes, "quorum=16 is not a number from 2 to 15"),
        (_threshold, "threshold=2 does not decide a quorum of 4; write 3 to 4"),
        (_two_votes, "threshold=1 does not decide a quorum of 2; write 2$"),
        (_agree_on_nothing, "agree_on='lable', but `Verdict` has no such field; fields of Verdict: label"),
        (_agree_on_text, "the answers are string"),
        (_agree_on_list, "agree_on='words' is list<string>"),
        (_result_type, r"the result: `set\[str\]` is not a type"),
        (_ensure_field, "ensure .*has no field `confidnce`; did you mean `confidence`"),
        (_given_name, "given .*there is no input `txt`; did you mean `text`"),
        (_until_asks, "until .*calls `shorten`, which is asynchronous"),
        (_iterations, "max_iterations=51 is not a number from 1 to 50"),
        (_empty_compute, "has no body, so there is nothing to compute"),
        (_sync_flow, "is not async, so it could await nothing; write `async def f"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place_and_the_remedy(
    define: Callable[[], None], said: str
) -> None:
    with pytest.raises(StratumCompileError, match=said) as caught:
        define()
    assert caught.value.message.startswith("`f` (")
    assert "test_analysis.py:" in caught.value.message
    assert caught.value.remedy


async def independent(text: opaque[str]) -> str:
    verdict = await judge(text)
    short: str = await shorten(text)
    return short + verdict.label


async def no_targets(text: opaque[str]) -> str:
    if text:
        await judge(text)
        await shorten(text)
    return ""


async def in_branches(text: opaque[str]) -> str:
    try:
        pass
    except ValueError:
        one = await judge(text)
        other = await judge("x")
        return one.label + other.label
    match text:
        case "x":
            a = await shorten(text)
            b = await shorten(a)
            c = await shorten(text)
            return b + c
        case _:
            return ""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (independent, "`verdict, short = await parallel(judge(text), shorten(text))`"),
        (no_targets, "`await parallel(judge(text), shorten(text))`"),
        (in_branches, "`one, other = await parallel(judge(text), judge('x'))`"),
    ],
)
def test_calls_that_wait_for_each_other_without_need_get_a_hint(
    function: Callable[..., Coroutine[Any, Any, str]], said: str
) -> None:
    with pytest.warns(StratumHint) as caught:
        flow(function)
    message = str(caught[0].message)
    assert said in message
    assert message.startswith(f"`{function.__name__}` (")
    assert "2 calls wait" in message
    assert caught[0].filename == __file__
    assert caught[0].lineno > function.__code__.co_firstlineno


async def dependent(text: opaque[str]) -> str:
    short = await shorten(text)
    shorter = await shorten(short)
    size = await count(text)
    other = await count(shorter)
    return shorter * (size + other)


async def apart(text: opaque[str]) -> str:
    short = await shorten(text)
    if not short:
        return ""

    async def inner() -> str:
        return await shorten(text)

    return await inner() + short


async def together(text: opaque[str]) -> str:
    verdict, short = await parallel(judge(text), shorten(text))
    return verdict.label + short


@pytest.mark.parametrize("function", [dependent, apart, together])
def test_calls_that_need_each_other_get_none(function: Callable[..., Coroutine[Any, Any, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert flow(function).signature.name == function.__name__
