"""What is wrong with a definition, told when it is decorated: before anything is called and anything is paid.

Types, conditions and contracts are judged where they are read; here stand the rules about functions as a whole. A
program is held to the same limits as a document.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from stratum_core.authoring._callees import is_asynchronous
from stratum_core.authoring._folding import names_around, static_value
from stratum_core.authoring._hints import hint
from stratum_core.authoring._signature import Signature
from stratum_core.authoring._sources import definition_of
from stratum_core.contracts import (
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    describe,
    without_opaque,
)
from stratum_core.errors import StratumCompileError
from stratum_core.specs import ComputeSpec, InferSpec, Quorum

__all__ = ["check_agreement", "check_compute", "check_flow", "check_infer", "check_iterations", "read_quorum"]

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\$\{[^}]*\}|\{[A-Za-z_][\w.\[\]]*\}")
_MAX_RETRIES = 10
_MAX_VOTES = 15
_MAX_ITERATIONS = 50
_MAX_TEMPERATURE = 2.0
_MAX_TOKENS = 1_000_000


def check_infer(signature: Signature, spec: InferSpec) -> None:
    """Refuse an infer function that cannot do what it says.

    Raises:
        StratumCompileError: It is not `async`, has a body, no intent, or a setting out of range.
    """
    where = signature.where
    if not signature.is_async:
        raise StratumCompileError(f"{where} is not async", remedy=f"write `async def {signature.name}(...)`")
    if not signature.is_stub:
        raise StratumCompileError(
            f"{where} has a body, which @infer would never run",
            remedy="write `...` as its body, or make it a @compute",
        )
    _check_texts(spec, where)
    _within(where, "retries", spec.retries, 0, _MAX_RETRIES)
    _within(where, "max_tokens", spec.max_tokens, 1, _MAX_TOKENS)
    _within(where, "temperature", spec.temperature, 0, _MAX_TEMPERATURE)
    if spec.cache not in ("none", "session", "global"):
        raise StratumCompileError(
            f"{where}: there is no cache {spec.cache!r}", remedy='write "none", "session" or "global"'
        )


def _check_texts(spec: InferSpec, where: str) -> None:
    """Refuse an empty intent, and templates in text that is sent as it stands."""
    if not spec.intent.strip():
        raise StratumCompileError(f"{where} has an empty intent", remedy="say what the model should do")
    for text in (spec.intent, *spec.context):
        found = _TEMPLATE.search(text)
        if found:
            raise StratumCompileError(
                f"{where}: `{found.group()}` is a template, but values are never pasted into instructions",
                remedy="take the braces out: every input is sent as data, under its name",
            )


def _within(where: str, name: str, value: float | None, low: int, high: float) -> None:
    """Refuse a number outside its range."""
    if value is None:
        return
    if isinstance(value, bool) or not low <= value <= high:
        raise StratumCompileError(
            f"{where}: {name}={value!r} is not a number from {low:,} to {high:,}", remedy="correct it"
        )


def read_quorum(
    quorum: int | None, agree_on: str | None, threshold: int | None, *, output: Type, where: str
) -> Quorum | None:
    """Return the votes of a function, or None when it has none.

    Raises:
        StratumCompileError: Only some of the three are given, they cannot decide, or the field does not exist.
    """
    given = {"quorum": quorum, "agree_on": agree_on, "threshold": threshold}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return None
    if quorum is None or agree_on is None or threshold is None:
        present = [name for name in given if name not in missing]
        raise StratumCompileError(
            f"{where}: {' and '.join(present)} without {' and '.join(missing)}",
            remedy='write all three, for example quorum=3, agree_on="label", threshold=2',
        )
    _within(where, "quorum", quorum, 2, _MAX_VOTES)
    lowest = quorum // 2 + 1
    if not lowest <= threshold <= quorum:
        raise StratumCompileError(
            f"{where}: threshold={threshold} does not decide a quorum of {quorum}",
            remedy=f"write {lowest}" if lowest == quorum else f"write {lowest} to {quorum}",
        )
    check_agreement(agree_on, output, where=where)
    return Quorum(votes=quorum, agree_on=agree_on, threshold=threshold)


def check_agreement(agree_on: str, output: Type, *, where: str) -> None:
    """Refuse an `agree_on` that is no plain field of the answers.

    Raises:
        StratumCompileError: The answers have no such field, or it is a record, a list or a map.
    """
    record = without_opaque(output)
    if not isinstance(record, RecordType):
        raise StratumCompileError(
            f"{where}: agree_on={agree_on!r} names a field, but the answers are {describe(output)}",
            remedy="return a contract with the field to agree on",
        )
    field = record.field(agree_on)
    if field is None:
        raise StratumCompileError(
            f"{where}: agree_on={agree_on!r}, but `{record.name}` has no such field",
            remedy=f"fields of {record.name}: {', '.join(record.field_names)}",
        )
    bare = without_opaque(field.type)
    if isinstance(bare, OptionalType):
        bare = without_opaque(bare.inner)
    if isinstance(bare, (RecordType, ListType, MapType)):
        raise StratumCompileError(
            f"{where}: agree_on={agree_on!r} is {describe(field.type)}; answers are compared by one plain field",
            remedy="agree on text, a number, a bool, a date or a literal",
        )


def check_iterations(max_iterations: int, *, where: str) -> None:
    """Refuse a number of iterations outside 1 to 50.

    Raises:
        StratumCompileError: It is outside.
    """
    _within(where, "max_iterations", max_iterations, 1, _MAX_ITERATIONS)


def check_compute(signature: Signature) -> None:
    """Refuse a compute function that does nothing.

    Raises:
        StratumCompileError: Its body is `...`.
    """
    if signature.is_stub:
        raise StratumCompileError(
            f"{signature.where} has no body, so there is nothing to compute",
            remedy="write the body, or use @infer for a model call",
        )


def check_flow(function: Callable[..., object], signature: Signature) -> None:
    """Refuse a flow that cannot run, and hint at calls that wait for each other without need.

    Raises:
        StratumCompileError: It is not `async`.
    """
    if not signature.is_async:
        raise StratumCompileError(
            f"{signature.where} is not async, so it could await nothing",
            remedy=f"write `async def {signature.name}(...)`",
        )
    definition = definition_of(function)
    if not isinstance(definition, ast.AsyncFunctionDef):
        return
    file = function.__code__.co_filename
    names = names_around(function)
    for run in _independent_runs(definition, names):
        calls = ", ".join(ast.unparse(call) for _, call in run)
        targets = [ast.unparse(target) if target is not None else "_" for target, _ in run]
        given = "" if set(targets) == {"_"} else f"{', '.join(targets)} = "
        first, last = run[0][1].lineno, run[-1][1].lineno
        hint(
            f"{signature.where}, line {first} to {last}: {len(run)} calls wait for each other, though none reads "
            f"what another gives; `{given}await parallel({calls})` makes them at once",
            at=(file, first),
        )


_Awaited = tuple[ast.expr | None, ast.Call]
"""What `target = await call` assigns to and calls."""


def _independent_runs(
    definition: ast.AsyncFunctionDef, names: Mapping[str, object]
) -> Iterator[list[_Awaited]]:
    """Yield neighbouring statements that await calls of which none reads what an earlier one assigned."""
    for block in _blocks(definition):
        run: list[_Awaited] = []
        assigned: set[str] = set()
        for statement in block:
            awaited = _awaited(statement, names)
            if awaited is None or _names(awaited[1], ast.Load) & assigned:
                if len(run) > 1:
                    yield run
                run, assigned = [], set()
            if awaited is not None:
                run.append(awaited)
                assigned |= _names(awaited[0], ast.Store)
        if len(run) > 1:
            yield run


def _blocks(definition: ast.AsyncFunctionDef) -> Iterator[Sequence[ast.stmt]]:
    """Yield every list of statements of a function, not those of functions inside it."""
    waiting: list[ast.AST] = [definition]
    while waiting:
        node = waiting.pop(0)
        for name in ("body", "orelse", "finalbody"):
            block = cast("list[ast.stmt] | ast.expr | None", getattr(node, name, None))
            if isinstance(block, list):
                yield block
                waiting.extend(part for part in block if not isinstance(part, _DEFINITIONS))
        for name in ("handlers", "cases"):
            waiting.extend(cast("list[ast.AST]", getattr(node, name, [])))


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _awaited(statement: ast.stmt, names: Mapping[str, object]) -> _Awaited | None:
    """Return the target and the call of `target = await call(...)`, where the call is a model call or a flow."""
    target: ast.expr | None = None
    match statement:
        case ast.Assign(targets=[target], value=ast.Await(value=ast.Call() as call)):
            pass
        case ast.AnnAssign(target=target, value=ast.Await(value=ast.Call() as call)):
            pass
        case ast.Expr(value=ast.Await(value=ast.Call() as call)):
            pass
        case _:
            return None
    return (target, call) if _asks(static_value(call.func, names)) else None


def _asks(value: object) -> bool:
    """Return whether a value is an infer function or a flow; a compute function is done at once anyway."""
    is_ours = isinstance(getattr(value, "signature", None), Signature)
    return is_ours and is_asynchronous(value) and not isinstance(getattr(value, "spec", None), ComputeSpec)


def _names(node: ast.AST | None, context: type[ast.expr_context]) -> set[str]:
    """Return the names a node reads or assigns."""
    if node is None:
        return set()
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}
