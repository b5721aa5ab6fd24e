"""Decorators that were written in a way Python would explain badly: bare, or with arguments that have no names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from stratum_core.authoring._budget import Budget
from stratum_core.errors import StratumCompileError

__all__ = ["by_name", "check_budget", "check_function", "named"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Coroutine[Any, Any, Any])


def by_name(example: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a decorator whose arguments all have names say so when one is given without, or the decorator stands bare.

    Args:
        example: How it is written.
    """

    def decorate(decorator: Callable[P, R]) -> Callable[P, R]:
        @wraps(decorator)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if args:
                raise _unnamed(decorator.__name__, args[0], example)
            return decorator(*args, **kwargs)

        return checked

    return decorate


def check_function(function: object, decorator: str, example: str) -> None:
    """Refuse an argument without a name where a bare decorator would get its function."""
    if not inspect.isroutine(function):
        raise _unnamed(decorator, function, example)


def check_budget(budget: object, where: str) -> None:
    """Refuse a budget that is no `Budget`."""
    if budget is not None and not isinstance(budget, Budget):
        raise StratumCompileError(
            f"{where}: budget={budget!r} is no Budget",
            remedy="say what is counted: Budget(usd=0.25), or ms=, tokens=, calls=",
        )


def named(call: C, name: str) -> C:
    """Give a coroutine the name of the function, which Python shows when it is printed or never awaited."""
    call.__name__ = call.__qualname__ = name
    return call


def _unnamed(decorator: str, given: object, example: str) -> StratumCompileError:
    shown = f"bare above `{given.__name__}`" if inspect.isfunction(given) else f"with {given!r}"
    return StratumCompileError(
        f"@{decorator} stands {shown}, but takes its arguments by name", remedy=f"write `{example}`"
    )
