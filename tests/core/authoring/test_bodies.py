"""The body of a compute function is an expression where it is one, and Python code where it is not."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field

from stratum_core import ExpressionError, contract
from stratum_core.authoring._bodies import compute_body
from stratum_core.authoring._native import NativeExpression
from stratum_core.authoring._signature import read_signature
from stratum_core.authoring._sources import definition_of
from stratum_core.specs import Returns


@contract
class Summary(BaseModel):
    total: int
    day: date | None = None
    note: str = "none"


BONUS = 2


def read(function: Callable[..., object]) -> Returns:
    return compute_body(function, read_signature(function))


def adds(xs: list[int], extra: int = 1) -> int:
    """Add it all up."""
    return sum(xs) + extra + BONUS


def makes(xs: list[int]) -> Summary:
    return Summary(total=sum(xs), note="sum")


def test_a_single_return_is_one_expression() -> None:
    body = read(adds)
    assert not isinstance(body, (Mapping, NativeExpression))
    assert body.canonical == "sum(xs) + extra + 2"
    assert body.evaluate({"xs": [1, 2], "extra": 3}) == adds([1, 2], 3)


def test_a_contract_given_field_by_field_is_a_map_of_expressions() -> None:
    body = read(makes)
    assert isinstance(body, Mapping)
    assert {name: part.canonical for name, part in body.items()} == {"total": "sum(xs)", "note": '"sum"'}


def statements(xs: list[int]) -> int:
    total = 0
    for x in xs:
        total += x
    return total


def other_code(xs: list[float]) -> float:
    return math.fsum(xs)


def left_out(xs: list[int]) -> Summary:
    return Summary(total=sum(xs))


def spread(xs: dict[str, int]) -> Summary:
    return Summary(**xs)  # pyright: ignore[reportArgumentType]


def made_elsewhere(total: int) -> Summary:
    return Summary.model_construct(total=total)


def bad_field(total: float) -> Summary:
    return Summary(total=math.floor(total), note="x")


def narrowed(text: str | None) -> str:
    return text or "nothing"


@pytest.mark.parametrize(
    ("function", "values", "reason"),
    [
        (statements, {"xs": [1, 2]}, "it has statements"),
        (other_code, {"xs": [1.5, 2.0]}, "calls `math.fsum`"),
        (left_out, {"xs": [1]}, "the default of `note` fills it in"),
        (spread, {"xs": {"total": 1}}, "which is no field"),
        (made_elsewhere, {"total": 1}, "calls `Summary.model_construct`"),
        (bad_field, {"total": 1.5}, "calls `math.floor`"),
        (narrowed, {"text": None}, "there is no truthiness"),
    ],
)
def test_any_other_body_stays_python_and_gives_the_same(
    function: Callable[..., Any], values: dict[str, Any], reason: str
) -> None:
    body = read(function)
    assert isinstance(body, NativeExpression)
    assert reason in body.reason or "bool" in body.reason
    signature = read_signature(function)
    assert body.evaluate(values) == signature.output.dump(function(**values))


def test_a_native_result_that_does_not_fit_is_an_error() -> None:
    def wrong(xs: list[int]) -> int:
        xs.append(0)
        return sum(xs) / 2  # pyright: ignore[reportReturnType]

    body = read(wrong)
    assert isinstance(body, NativeExpression)
    with pytest.raises(ExpressionError, match="gave float"):
        body.evaluate({"xs": [1]})


def compiled(text: str, file: str, *, source: str | None = None) -> Callable[..., object]:
    """Return the function `f` of a text that linecache has under a file's name."""
    kept = text if source is None else source
    linecache.cache[file] = (len(kept), None, kept.splitlines(keepends=True), file)
    names: dict[str, Any] = {"Summary": Summary, "Field": Field}
    exec(compile(text, file, "exec"), names)  # noqa: S102 - files that changed or cannot be read are what is tested
    return names["f"]


def test_without_its_source_a_function_is_run_as_python() -> None:
    body = read(compiled("def f(x: int) -> int: return x + 1\n", "gone.py", source=""))
    assert isinstance(body, NativeExpression)
    assert (body.reason, body.evaluate({"x": 1})) == ("its source is not available", 2)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: int) -> int: return (\n",
        "def g(x: int) -> int: return x + 1\n",
        "def f(y: int) -> int: return y + 1\n",
        "def f(x: int, *, y: int = 1) -> int: return x + 1\n",
        "\n\ndef f(x: int) -> int: return x + 1\n",
    ],
)
def test_a_source_that_is_not_the_functions_own_is_not_used(source: str) -> None:
    assert (
        definition_of(compiled("def f(x: int) -> int: return x + 1\n", "changed.py", source=source)) is None
    )


def test_a_name_that_is_defined_later_keeps_the_body_python() -> None:
    body = read(compiled("def f(x: int) -> int: return x + LATER\n", "later.py"))
    assert isinstance(body, NativeExpression)
    assert body.reason == "`LATER` is not defined yet"
