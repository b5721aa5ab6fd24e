"""Conditions: a lambda and its text are the same thing; what only Python can judge stays native."""

from __future__ import annotations

import enum
import functools
import linecache
import math
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias, cast

import pytest
from pydantic import BaseModel

from stratum_core import ExpressionError, StratumCompileError, contract, infer, opaque
from stratum_core.authoring import StratumHint
from stratum_core.authoring._codec import Codec
from stratum_core.authoring._conditions import BOOL, condition, conditions
from stratum_core.authoring._native import NativeExpression, is_native
from stratum_core.authoring._types import codec_of
from stratum_core.contracts import BoolType, JsonValue, Type
from stratum_core.specs import Expression

HERE = "`f` (app.py:1): ensure"
LOWEST = 0.7
BANNED = {"spam", "ham"}
DAY = date(2026, 1, 1)
MOMENT = datetime(2026, 1, 1, 9, tzinfo=UTC)


class Label(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


class Limits:
    low = 0.2
    names = ("a", "b")


@contract
class Part(BaseModel):
    name: str
    size: int

    @property
    def area(self) -> int:
        return self.size * self.size


@contract
class Answer(BaseModel):
    confidence: float
    label: Label
    kind: Literal["a", "b"]
    text: str
    tags: list[str]
    nick: str | None
    parts: list[Part]
    best: Part | None
    due: date
    moment: datetime
    raw: bytes

    @property
    def double(self) -> float:
        return self.confidence * 2


CODECS = {
    "result": codec_of(Answer, where="t"),
    "topic": codec_of(str, where="t"),
    "limit": codec_of(int, where="t"),
    "part": codec_of(Part, where="t"),
}
INPUTS = {name: codec for name, codec in CODECS.items() if name != "result"}
VALUE: dict[str, JsonValue] = {
    "confidence": 0.8, "label": "good", "kind": "a", "text": "hello", "tags": ["x", "y"], "nick": None,
    "parts": [{"name": "p", "size": 2}], "best": {"name": "p", "size": 2}, "due": "2026-02-01",
    "moment": "2026-01-31T09:30:00Z", "raw": "AP8=",
}  # fmt: skip
SCOPE: dict[str, JsonValue] = {"result": VALUE, "topic": "t", "limit": 1, "part": {"name": "q", "size": 3}}


Judge: TypeAlias = Callable[[Any], object] | Callable[[Any, Any], object] | Callable[[Any, Any, Any], object]


def read(form: Judge | str, codecs: Mapping[str, Codec] = CODECS, want: Type | None = BOOL) -> Expression:
    scope = {name: codec.type for name, codec in codecs.items()}
    return condition(form, scope=scope, codecs=codecs, where=HERE, want=want)


def returns(r: Answer) -> bool:
    """Whether it will do."""
    return r.confidence > 0.5 and "x" in r.tags


def above(threshold: float) -> Judge:
    return lambda r: r.confidence > threshold


def no_parameters() -> Judge:
    return cast("Judge", lambda: True)


def keyword_only() -> Judge:
    def judged(r: Answer, *, topic: str) -> bool:
        return topic in r.text

    return cast("Judge", judged)


SEVERAL: list[Judge] = [
    lambda r: r.confidence > 0.1, *[lambda r: r.confidence > 0.1, lambda r: r.confidence > 0.2],
    lambda r: (
        r.confidence > 0.3
        and r.text != "é"
    ),
]  # fmt: skip

SAME: list[tuple[Judge, str]] = [
    (lambda r: r.confidence > 0.7 and len(r.text) > 1, "result.confidence > 0.7 and len(result.text) > 1"),
    (lambda out: out.confidence >= LOWEST, "result.confidence >= 0.7"),
    (lambda r: r.text not in BANNED, 'result.text not in ["ham", "spam"]'),
    (lambda r: r.text not in {"spam", "ham"}, 'result.text not in ["spam", "ham"]'),
    (lambda r: r.text in Limits.names, 'result.text in ["a", "b"]'),
    (lambda r: all(len(t) < 20 for t in r.tags), "all(len(t) < 20 for t in result.tags)"),
    (lambda r: [p.name for p in r.parts if p.size > 1] != [], "[p.name for p in result.parts if p.size > 1] != []"),
    (lambda r: r.confidence > Limits.low, "result.confidence > 0.2"),
    (lambda r: r.label == Label.GOOD, 'result.label == "good"'),
    (lambda r: r.label == Label.GOOD.value, 'result.label == "good"'),
    (lambda r: -1 < r.confidence <= -LOWEST, "-1 < result.confidence <= -0.7"),
    (lambda r: r.nick is not None and r.nick.lower() != "bob",
     'result.nick is not None and result.nick.lower() != "bob"'),
    (lambda r: "é" in r.text, '"é" in result.text'),
    (lambda r: r.due > DAY, 'result.due > "2026-01-01"'),
    (lambda r: r.moment > MOMENT, 'result.moment > "2026-01-01T09:00:00Z"'),
    (lambda r: r.tags[0] == r.tags[-1:][0], "result.tags[0] == result.tags[-1:][0]"),
    (lambda r, topic, limit: topic in r.text and len(r.tags) > limit,
     "topic in result.text and len(result.tags) > limit"),
    (lambda topic, result: topic in result.text, "topic in result.text"),
    (lambda r, part: (r.confidence if part.size > 1 else 0.5) > 0.2,
     "(result.confidence if part.size > 1 else 0.5) > 0.2"),
    (above(0.25), "result.confidence > 0.25"),
    (returns, 'result.confidence > 0.5 and "x" in result.tags'),
    (SEVERAL[0], "result.confidence > 0.1"),
    (SEVERAL[1], "result.confidence > 0.1"),
    (SEVERAL[2], "result.confidence > 0.2"),
    (SEVERAL[3], 'result.confidence > 0.3 and result.text != "é"'),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text"), SAME)
def test_a_lambda_is_the_expression_its_text_would_be(form: Judge, text: str) -> None:
    translated, written = read(form), read(text)
    assert translated.canonical == written.canonical == text
    assert (translated.type, translated.names, translated.reads) == (
        written.type,
        written.names,
        written.reads,
    )
    assert not is_native(translated)
    assert translated.evaluate(SCOPE) == written.evaluate(SCOPE)


def blocky(r: Answer) -> bool:
    doubled = r.confidence * 2
    return doubled > 1


def rebound(r: dict[str, int]) -> bool:
    r = {"anything": 1}
    return r.get("anything") == 1


class Comparing:
    def __call__(self, r: Answer) -> bool:
        return r.confidence > LOWEST


def at_least(low: float, r: Answer) -> bool:
    return r.confidence >= low


UNSEEN = eval("lambda r: r.confidence > 0.1")  # noqa: S307 - a lambda without source is what is tested


NATIVE: list[tuple[Judge, str]] = [
    (lambda r: math.isfinite(r.confidence), "calls `math.isfinite`"),
    (lambda r: (n := len(r.tags)) > 1 and n > 0, "not part of the expression language"),
    (lambda r: f"{r.text}" == "hello", "not part of the expression language"),
    (lambda r: bool(r.tags), "calls `bool`"),
    (lambda r: r.tags, "must be bool"),
    (lambda r: r.due.year > 2020, "no field `year`"),
    (lambda r: (r.moment - MOMENT).days > 1, "does not apply to datetime"),
    (lambda r: r.double > 0.1, "no field `double`"),
    (lambda r: any(p.area > 1 for p in r.parts), "no field `area`"),
    (lambda r: r.label.value == "good", "no field `value`"),
    (lambda r: any(x == y for x in r.tags for y in r.tags), "more than one `for`"),
    (lambda r: r.raw[0] == 0, ""),
    (lambda r: str(r.moment) == "2026-01-31 09:30:00+00:00", "another text in Python"),
    (lambda r: len({t.lower() for t in r.tags}) == 2, "not part of"),
    (lambda r: r.text != CODECS, "is a dict, not a constant"),
    (blocky, "statements"),
    (rebound, "statements"),
    (UNSEEN, "source is not available"),
    (Comparing(), "source is not available"),
    (functools.partial(at_least, 0.1), "source is not available"),
]


@pytest.mark.parametrize(("form", "reason"), NATIVE)
def test_what_cannot_be_translated_runs_as_python_and_says_why(form: Judge, reason: str) -> None:
    expression = read(form)
    assert isinstance(expression, NativeExpression)
    assert expression.native
    assert reason in expression.reason
    assert expression.evaluate(SCOPE) is True


def test_a_native_condition_is_known_by_its_source_and_says_what_it_reads() -> None:
    expression = read(lambda r, part: math.isfinite(r.best.size + part.size) and r.double > 0)
    assert expression.canonical == "lambda r, part: math.isfinite(r.best.size + part.size) and r.double > 0"
    assert expression.names == {"result", "part"}
    assert expression.reads == {("result", "best", "size"), ("part", "size"), ("result",)}
    assert read(blocky).canonical.startswith("def blocky(r: Answer) -> bool:\n")
    assert read(UNSEEN).canonical.endswith(".<lambda>")


def test_a_native_condition_that_fails_is_no_failed_condition() -> None:
    with pytest.raises(ExpressionError, match="raised ZeroDivisionError"):
        read(lambda r: math.floor(1 / len(r.text[9:])) > 1).evaluate(SCOPE)
    with pytest.raises(ExpressionError, match="gave NoneType"):
        read(lambda _: print.__class__.__dict__.get("nothing")).evaluate(SCOPE)
    with pytest.raises(ExpressionError, match="has no value"):
        read(lambda r: math.isfinite(r.confidence)).evaluate({})
    with pytest.raises(ExpressionError, match="cannot be judged"):
        read(lambda r: math.isfinite(r.confidence)).evaluate({"result": 1})


def test_feedback_may_be_any_value() -> None:
    text = read(lambda r: f"shorter than {len(r.text)}", want=None)
    assert text.evaluate(SCOPE) == "shorter than 5"
    assert read(lambda r: r.tags, want=None).evaluate(SCOPE) == ["x", "y"]
    assert read(lambda r: math.floor(r.confidence) or r.best, want=None).evaluate(SCOPE) == VALUE["best"]
    with pytest.raises(ExpressionError, match="gave object"):
        read(lambda _: math.floor(0.5) or object(), want=None).evaluate(SCOPE)


def of_nothing(body: str = "r.confidence > nothing") -> Judge:
    """Return a function that reads a name without a value."""
    names: dict[str, Any] = {}
    place, text = f"{body}.py", f"f = lambda r: {body}\n"
    linecache.cache[place] = (len(text), None, [text], place)
    exec(compile(text, place, "exec"), names)  # noqa: S102 - a type checker refuses such a lambda in a file
    return names["f"]


def of_its_own_names(r: Answer) -> bool:
    import math as m  # noqa: PLC0415 - a name that only this function has

    class Inner:
        pass

    def twice(x: float) -> float:
        return 2 * x

    try:
        match r.tags:
            case [first, *rest]:
                found = first in rest
            case _:
                found = False
    except ValueError as fault:
        raise KeyError(str(fault)) from fault
    match {"a": 1}:
        case {"a": int() as one, **more}:
            return found or isinstance(more, Inner) or twice(m.pi) > one
        case _:
            return any(tag == r.text for tag in r.tags)


WRONG: list[tuple[Judge | str, str]] = [
    (lambda r: r.confidnce > 1, r"`Answer` has no field `confidnce`; did you mean `confidence`\?"),
    (lambda r: math.floor(r.confidnce) > 1, "`Answer` has no field `confidnce`"),
    (lambda r: r.best is not None and r.best.nam == "x", "`Part` has no field `nam`"),
    (lambda r: any(p.nme == "x" for p in r.parts), "`Part` has no field `nme`"),
    (lambda r: r.kind == "c", '"c" is not a value of `result.kind`'),
    (lambda r: r.nick.lower() == "x", "`result.nick` may be null"),
    (lambda r: r.confidence > "high", "cannot order float and string"),
    (lambda r, topc: topc in r.text, r"there is no input `topc`; did you mean `topic`\?"),
    (lambda topic: topic != "", "the first parameter is the result, but it is called `topic`"),
    (of_nothing(), "`nothing` is not defined"),
    (of_nothing("nowhere(r.text) > 1"), "`nowhere` is not defined"),
    (of_nothing("f'{r.text}{nowhere}' != ''"), "`nowhere` is not defined"),
    (no_parameters(), "takes no parameter"),
    (keyword_only(), "takes `topic: "),
    ("result.confidnce > 1", r"no field `confidnce`; did you mean `confidence`\?"),
    ("resul.confidence > 1", "unknown name `resul`"),
    ("result.confidence >", "ends too early"),
    ("result.tags", "must be bool"),
]


@pytest.mark.parametrize(("form", "said"), WRONG)
def test_what_is_certainly_wrong_is_refused_when_it_is_written(form: Judge | str, said: str) -> None:
    with pytest.raises(StratumCompileError, match=said) as caught:
        read(form)
    assert caught.value.message.startswith(HERE)
    assert isinstance(form, str) or ".py:" in caught.value.message


def test_a_function_may_read_every_name_it_makes_itself() -> None:
    assert is_native(read(of_its_own_names))


@infer(intent="Judge.")
async def judge(text: str) -> bool: ...


async def later(text: str) -> bool:
    return bool(text)


ASKING: list[Judge] = [lambda r: judge(r.text), lambda r: later(r.text), later]


@pytest.mark.parametrize("form", ASKING)
def test_a_condition_calls_no_model(form: Judge) -> None:
    with pytest.raises(StratumCompileError, match="async"):
        read(form)


def test_a_condition_of_the_inputs_takes_them_by_name_or_as_the_only_one() -> None:
    assert read(lambda limit, topic: len(topic) > limit, INPUTS).canonical == "len(topic) > limit"
    only = {"topic": CODECS["topic"]}
    assert read(lambda t: len(t) > 1, only).canonical == "len(topic) > 1"
    with pytest.raises(StratumCompileError, match="there is no input `t`"):
        read(lambda t: len(t) > 1, INPUTS)


def test_one_condition_or_several_are_told_apart_in_messages() -> None:
    scope = {name: codec.type for name, codec in CODECS.items()}
    one = conditions("1 < 2", scope=scope, codecs=CODECS, where=HERE)
    assert [expression.canonical for expression in one] == ["1 < 2"]
    assert conditions([], scope=scope, codecs=CODECS, where=HERE) == ()
    with pytest.raises(StratumCompileError, match=r"ensure\[1\]: `nope`"):
        conditions(["1 < 2", "nope"], scope=scope, codecs=CODECS, where=HERE)


def test_a_condition_that_decides_nothing_gets_a_hint() -> None:
    with pytest.warns(StratumHint, match="ensure: `result.text is not None`"):
        read("result.text is not None")


def test_no_hint_without_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("result.confidence > 0.5").type == BoolType()


def test_opaque_inputs_are_read_like_others() -> None:
    codecs = {"text": codec_of(opaque[str], where="t")}
    assert read(lambda text: len(text) > 0, codecs).canonical == "len(text) > 0"
