"""What a function's code calls, as far as its names tell: used to find model calls where there may be none."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import CodeType

from stratum_core.authoring._folding import UNKNOWN, names_around, static_value
from stratum_core.authoring._sources import Definition

__all__ = ["async_callees", "is_asynchronous", "names_in_code"]


def is_asynchronous(value: object) -> bool:
    """Return whether calling a value gives something to await: an infer function, a flow, any `async def`."""
    if not callable(value):
        return False
    return inspect.iscoroutinefunction(inspect.unwrap(value, stop=inspect.isfunction))


def async_callees(function: Callable[..., object], definition: Definition | None) -> tuple[str, ...]:
    """Return the names under which a function calls something asynchronous; without source, those it mentions."""
    names = names_around(function)
    if definition is None:
        code = getattr(function, "__code__", None)
        mentioned = names_in_code(code) if isinstance(code, CodeType) else ()
        return tuple(name for name in mentioned if is_asynchronous(names.get(name)))
    calls = (node for node in ast.walk(definition) if isinstance(node, ast.Call))
    return tuple(ast.unparse(call.func) for call in calls if _is_async_call(call, names))


def _is_async_call(call: ast.Call, names: Mapping[str, object]) -> bool:
    value = static_value(call.func, names)
    return value is not UNKNOWN and is_asynchronous(value)


def names_in_code(code: CodeType) -> Iterable[str]:
    """Yield the names a code object looks up, those of the code inside it included."""
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in_code(constant)
