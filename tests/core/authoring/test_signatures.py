"""Signatures: arguments are bound as Python binds them and are JSON before anything is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from stratum_core import ContractViolation, StratumCompileError, contract
from stratum_core.authoring._signature import MISSING, read_signature
from stratum_core.contracts import IntType, StringType
from stratum_core.specs import Parameter


@contract
class Point(BaseModel):
    x: float


async def example(
    text: Annotated[str, Field(max_length=9, description="What was said.")],
    /,
    points: list[Point] | None = None,
    *,
    limit: int = 3,
) -> Point:
    """Say something.

    And more.
    """
    ...  # noqa: PIE790 - a stub as people write it


def test_a_signature_says_what_goes_in_and_what_comes_out() -> None:
    read = read_signature(example)
    assert (read.name, read.is_async, read.is_stub) == ("example", True, True)
    assert read.doc == "Say something.\n\nAnd more."
    assert read.inputs[0] == Parameter(
        name="text", type=StringType(max_length=9), description="What was said."
    )
    assert read.inputs[2] == Parameter(name="limit", type=IntType())
    assert [one.default for one in read.parameters] == [MISSING, None, 3]
    assert repr(MISSING) == "MISSING"
    assert read.where.startswith("`example` (")
    assert "test_signatures.py:" in read.where


def test_defaults_are_filled_in_and_values_are_json_in_the_order_of_the_parameters() -> None:
    read = read_signature(example)
    assert read.bind(("a",), {}) == {"text": "a", "points": None, "limit": 3}
    bound = read.bind(("a",), {"limit": 1, "points": [Point(x=1)]})
    assert list(bound.items()) == [("text", "a"), ("points", [{"x": 1.0}]), ("limit", 1)]


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, r"example\(\) missing a required .*argument: 'text'"),
        (("a",), {"unknown": 1}, r"example\(\) got an unexpected keyword argument 'unknown'"),
        (("a", None, 3), {}, r"example\(\) too many positional arguments"),
        (("a", None), {"points": None}, r"example\(\) multiple values for argument 'points'"),
    ],
)
def test_missing_and_unknown_arguments_raise_type_error(
    args: tuple[object, ...], kwargs: dict[str, object], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        read_signature(example).bind(args, kwargs)


def test_an_argument_that_does_not_fit_is_named_with_its_path() -> None:
    with pytest.raises(ContractViolation) as caught:
        read_signature(example).bind(("a", [Point(x=1), 2]), {})
    assert "example(): the argument `points`" in caught.value.message
    assert caught.value.detail["argument"] == "points"
    assert caught.value.detail["violations"][0]["path"] == "[1]"


async def empty() -> None:
    """Only this."""


async def raises() -> str:
    raise NotImplementedError


async def dots_only() -> str: ...


def does(x: int) -> int:
    """Add."""
    return x + 1


@pytest.mark.parametrize(
    ("function", "is_stub"),
    [(example, True), (dots_only, True), (empty, True), (raises, False), (does, False)],
)
def test_a_stub_has_three_dots_or_a_docstring_for_a_body(
    function: Callable[..., object], is_stub: bool
) -> None:
    assert read_signature(function).is_stub is is_stub


def without_source(text: str) -> Callable[..., object]:
    """Return a function that no file holds, as a prompt or `-c` makes them."""
    names: dict[str, Any] = {}
    exec(compile(text, "<nowhere>", "exec"), names)  # noqa: S102 - a function without source is what is tested
    return names["f"]


@pytest.mark.parametrize(
    ("text", "is_stub"),
    [
        ("async def f(x: int) -> str: ...", True),
        ("async def f(x: int) -> str:\n    'A docstring.'\n    ...", True),
        ("def f(x: int) -> str: ...", True),
        ("def f(x: int) -> int: return x", False),
        ("async def f(x: int) -> str: return str(x)", False),
        ("async def f(x: int) -> str: return 'x'", False),
        ("async def f(x: int) -> str: raise", False),
    ],
)
def test_without_source_the_compiled_body_tells(text: str, is_stub: bool) -> None:
    assert read_signature(without_source(text)).is_stub is is_stub


def _no_annotation(x: int) -> str:
    return str(x)


del _no_annotation.__annotations__["x"]


class _Owner:
    def method(self, x: int) -> str:
        return str((self, x))


def _no_result(x: int) -> str:
    return str(x)


del _no_result.__annotations__["return"]


def _star(*xs: int) -> str:
    return str(xs)


def _stars(**xs: int) -> str:
    return str(xs)


def _bad_default(x: int = 3) -> str:
    return str(x)


_bad_default.__annotations__["x"] = str


def _undefined(x: int) -> str:
    return str(x)


_undefined.__annotations__["x"] = "Nowhere"


def _unreadable(x: int) -> str:
    return str(x)


_unreadable.__annotations__["x"] = "int |"


def _result(result: str) -> str:
    return result


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_no_annotation, "parameter `x` has no annotation"),
        (_Owner.method, "methods cannot be decorated.*@staticmethod"),
        (_no_result, "does not say what it returns"),
        (_star, r"takes `\*xs"),
        (_stars, r"takes `\*\*xs"),
        (_bad_default, r"the default 3 does not fit.*write `T \| None`"),
        (_undefined, "names `Nowhere`, which is not defined here"),
        (_unreadable, "an annotation cannot be read"),
        (_result, "rename the parameter"),
    ],
)
def test_a_signature_that_cannot_be_read_is_refused_with_its_place(
    function: Callable[..., object], said: str
) -> None:
    with pytest.raises(StratumCompileError, match=said) as caught:
        read_signature(function)
    assert f"`{function.__name__}` (" in caught.value.message
    assert "test_signatures.py:" in caught.value.message
