"""`@refine`: an infer function asks again, with feedback, until a condition holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from stratum_core.authoring._by_name import by_name
from stratum_core.authoring._compute import ComputeFunction
from stratum_core.authoring._definitions import Condition, refined_spec
from stratum_core.authoring._infer import InferFunction
from stratum_core.errors import StratumCompileError

__all__ = ["refine"]

P = ParamSpec("P")
R = TypeVar("R")


@by_name("@refine(until=..., feedback=...)")
def refine(
    *,
    until: Condition,
    feedback: Condition,
    max_iterations: int = 5,
    check: ComputeFunction[..., object] | None = None,
) -> Callable[[InferFunction[P, R]], InferFunction[P, R]]:
    """Make an infer function ask again until its answer is good enough; stands above `@infer`.

    Each iteration is a whole call, with its retries and votes. Its prompt is the first one with one more block, the
    latest feedback; earlier answers are not repeated. An answer that is not good enough is never cached.

    Args:
        until: What must be true, over `result`, the inputs, and `check` when there is one.
        feedback: What the next iteration is told, over the same names: an expression such as
            `"'make it shorter than ' + str(limit)"`, or a function that returns text.
        max_iterations: Answers asked for at most, 1 to 50.
        check: A compute function of `result` and inputs, run on each answer; its value is `check`.

    Raises:
        StratumCompileError: It does not stand on an infer function, or an argument makes no sense.
    """

    def decorate(function: InferFunction[P, R]) -> InferFunction[P, R]:
        if not _is_infer(function):
            raise StratumCompileError(
                f"@refine stands on an infer function, not on {function!r}",
                remedy="write @refine above @infer",
            )
        spec = refined_spec(
            function.spec,
            function.signature,
            until=until,
            feedback=feedback,
            max_iterations=max_iterations,
            check=None if check is None else (check.spec, check.signature),
        )
        return InferFunction(
            function.__wrapped__,
            signature=function.signature,
            spec=spec,
            check=None if check is None else check.spec,
        )

    return decorate


def _is_infer(function: object) -> bool:
    """Return whether the decorator stands where its type says; without a type checker it may not."""
    return isinstance(function, InferFunction)
