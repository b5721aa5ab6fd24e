"""Finding the syntax tree of a function object: its file is parsed and searched for exactly that function.

A lambda is found by the positions of its body, which Python keeps for every instruction, so several on one line, or
one spread over many lines inside a decorator, are told apart. Where there is no source (a prompt, `-c`, a frozen
program), where it changed since it was loaded, or where positions are switched off and two lambdas could be meant,
nothing is found.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType
from typing import TypeAlias

__all__ = ["Definition", "definition_of"]

Definition: TypeAlias = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef
_KINDS = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)


def definition_of(function: Callable[..., object]) -> Definition | None:
    """Return the node that defines a function, or None where it cannot be known for certain."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, getattr(function, "__globals__", None))
    found = [node for node in _definitions("".join(lines)) if _fits(node, code)]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=16)
def _definitions(source: str) -> tuple[Definition, ...]:
    """Return every function and lambda of a file; none where it cannot be parsed."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, _KINDS))


def _fits(node: Definition, code: CodeType) -> bool:
    """Return whether a node is the one a code object was compiled from."""
    if _parameters(node) != code.co_varnames[: len(_parameters(node))]:
        return False
    if code.co_argcount + code.co_kwonlyargcount != len(
        node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    ):
        return False
    if not isinstance(node, ast.Lambda):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        return node.name == code.co_name and first == code.co_firstlineno
    if code.co_name != "<lambda>":
        return False
    body = node.body
    if not {part.attr for part in ast.walk(body) if isinstance(part, ast.Attribute)} <= set(
        _names_used(code)
    ):
        return False
    positions = set(code.co_positions())
    if all(column is None for _, _, column, _ in positions):
        return node.lineno == code.co_firstlineno
    return (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in positions


def _parameters(node: Definition) -> tuple[str, ...]:
    """Return the parameters in the order in which code objects name them."""
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    every += [part for part in (args.vararg, args.kwarg) if part is not None]
    return tuple(part.arg for part in every)


def _names_used(code: CodeType) -> Iterator[str]:
    """Yield the names a code object looks up, those of the code inside it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_used(constant)
