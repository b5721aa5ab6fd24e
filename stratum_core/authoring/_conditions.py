"""Conditions: text, a lambda or a function becomes an expression over the names of its place.

A lambda and the text it could have been are the same thing: it is translated through its syntax tree, checked like
text, and hashed like text. What cannot be translated stays native. What is certainly wrong is refused either way, when
the function is decorated: an unknown field, an unknown name, a value that the contract rules out.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stratum_core.authoring._callees import async_callees
from stratum_core.authoring._codec import Codec
from stratum_core.authoring._hints import hint
from stratum_core.authoring._lambdas import (
    UnknownNameError,
    UntranslatableError,
    body_of,
    expression_text,
    paths_read,
    undefined_name,
)
from stratum_core.authoring._native import NativeExpression, source_text
from stratum_core.authoring._places import place_of
from stratum_core.authoring._sources import Definition, definition_of
from stratum_core.contracts import (
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    JsonType,
    OptionalType,
    Type,
    without_opaque,
)
from stratum_core.errors import StratumCompileError
from stratum_core.ir.expressions import CompiledExpression, CompileResult, Finding, compile_expression
from stratum_core.specs import Expression

__all__ = ["BOOL", "CHECK", "RESULT", "Form", "condition", "conditions"]

BOOL = BoolType()
"""What a condition gives."""

RESULT = "result"
"""The name of the answer in `ensure`, `until` and `feedback`."""

CHECK = "check"
"""The name of what the check of a `refine` gives."""

Form: TypeAlias = str | Callable[..., object]
"""A condition as people write it."""

_PLAIN = "this is an expression: plain text stands in quotes inside it, as in \"'be more exact'\""
"""What to do about text that is no expression."""

_MISTAKES = frozenset({"E214", "E216", "E217", "E223"})
"""Findings that are as wrong in Python: types that never go together, null that would fail, values that never match."""
_UNKNOWN_FIELD = "E211"
_OTHER_RULES = (DateType, DateTimeType, BytesType, JsonType)
"""Python has operators for these that the expression language does not."""


def conditions(
    forms: Form | Sequence[Form],
    *,
    scope: Mapping[str, Type],
    codecs: Mapping[str, Codec],
    where: str,
) -> tuple[Expression, ...]:
    """Return the expressions of one condition or several; `where` gets the position of each."""
    several = [forms] if isinstance(forms, str) or callable(forms) else list(forms)
    return tuple(
        condition(form, scope=scope, codecs=codecs, where=f"{where}[{index}]" if len(several) > 1 else where)
        for index, form in enumerate(several)
    )


def condition(
    form: Form,
    *,
    scope: Mapping[str, Type],
    codecs: Mapping[str, Codec],
    where: str,
    want: Type | None = BOOL,
) -> Expression:
    """Return the expression of a condition.

    Args:
        form: Text of the expression language, or a function. The first parameter of a function is the result where
            there is one, whatever its name; the others are found by name.
        scope: The type of each name the place has; with `result` in it, the place judges an answer.
        codecs: How values of these names are loaded for a native condition.
        where: Begins the message of an error, such as "`classify` (app.py:12): ensure".
        want: The type of the value; None for any, as `feedback` has.

    Raises:
        StratumCompileError: It reads a name or field that does not exist, or can never do what it is for.
    """
    if isinstance(form, str):
        advice = _PLAIN if want is None else ""
        return _checked(compile_expression(form, scope, want=want), form, where, advice=advice)
    where = f"{where} ({place_of(form)})" if getattr(form, "__code__", None) is not None else where
    judge = _Judge(
        function=form,
        definition=definition_of(form),
        renamed=_binding(form, scope, where),
        codecs=codecs,
        where=where,
        want=want,
    )
    return _from_function(judge, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """A function that stands for a condition."""

    function: Callable[..., object]
    definition: Definition | None
    """Its syntax tree, where it can be known."""
    renamed: Mapping[str, str]
    """The name of the place for each parameter."""
    codecs: Mapping[str, Codec]
    where: str
    want: Type | None


def _from_function(judge: _Judge, scope: Mapping[str, Type]) -> Expression:
    """Translate a function, or keep it native."""
    asked = async_callees(judge.function, judge.definition)
    if asked:
        raise StratumCompileError(
            f"{judge.where} calls `{asked[0]}`, which is asynchronous: conditions are free and judged at once",
            remedy="ask before, and pass the answer as an input; or make the check a @compute",
        )
    if judge.definition is None:
        return _native(judge, "its source is not available")
    _check_fields(judge, judge.definition)
    try:
        body = body_of(judge.definition)
        text = expression_text(body, judge.function, judge.renamed)
    except UnknownNameError as fault:
        raise _undefined(str(fault), scope, judge.where) from None
    except UntranslatableError as fault:
        unknown = undefined_name(judge.definition, judge.function)
        if unknown is not None:
            raise _undefined(unknown, scope, judge.where) from None
        return _native(judge, str(fault))
    result = compile_expression(text, scope, want=judge.want)
    if result.expression is None and not _is_mistake(result, text, body, judge):
        return _native(judge, result.findings[0].message)
    if result.expression is not None and _spells_values(result.expression):
        return _native(judge, "`str(...)` of a datetime or of bytes gives another text in Python")
    return _checked(result, text, judge.where)


def _undefined(name: str, scope: Mapping[str, Type], where: str) -> StratumCompileError:
    """Return the error for a name that would fail when the condition is judged, after the call was paid for."""
    return StratumCompileError(
        f"{where}: `{name}` is not defined", remedy=f"define it above, or name an input: {', '.join(scope)}"
    )


def _spells_values(expression: CompiledExpression) -> bool:
    """Return whether an expression turns into text what Python and documents write differently."""
    calls = (node for node in ast.walk(expression.node) if isinstance(node, ast.Call))
    return any(
        isinstance(call.func, ast.Name)
        and call.func.id == "str"
        and isinstance(without_opaque(expression.types[call.args[0]]), (DateTimeType, BytesType))
        for call in calls
    )


def _checked(result: CompileResult, text: str, where: str, *, advice: str = "") -> Expression:
    """Return a faultless expression; pass its warnings on."""
    errors = [finding for finding in result.findings if finding.severity == "error"]
    if result.expression is None:
        said = "; ".join(dict.fromkeys(finding.message for finding in errors[:3]))
        remedy = next((finding.suggestion for finding in errors if finding.suggestion), advice)
        raise StratumCompileError(f"{where}: `{text}`: {said}", remedy=remedy)
    for finding in result.findings:
        hint(f"{where}: `{text}`: {finding.message}")
    return result.expression


def _binding(form: Callable[..., object], scope: Mapping[str, Type], where: str) -> dict[str, str]:
    """Return the name of the place for each parameter.

    Raises:
        StratumCompileError: A parameter is no name of the place.
    """
    if inspect.iscoroutinefunction(form):
        raise StratumCompileError(f"{where} is async", remedy="conditions are plain functions")
    try:
        parameters = list(inspect.signature(form).parameters.values())
    except (TypeError, ValueError):
        raise StratumCompileError(
            f"{where}: the parameters of `{source_text(form, None)}` cannot be read",
            remedy="wrap it in a lambda",
        ) from None
    needed = [one for one in parameters if one.default is inspect.Parameter.empty or one.name in scope]
    odd = next((one for one in needed if one.kind not in _POSITIONAL), None)
    if odd is not None:
        raise StratumCompileError(f"{where} takes `{odd}`", remedy="take plain parameters")
    names = [one.name for one in needed]
    renamed = {name: name for name in names}
    if names and RESULT not in names:
        if RESULT in scope:
            if names[0] == CHECK and CHECK in scope:
                return renamed
            if names[0] in scope:
                raise StratumCompileError(
                    f"{where}: the first parameter is the result, but it is called `{names[0]}` like an input",
                    remedy=f"write `lambda r, {names[0]}: ...`",
                )
            renamed[names[0]] = RESULT
        elif len(names) == 1 and len(scope) == 1:
            renamed[names[0]] = next(iter(scope))
    if not names:
        raise StratumCompileError(f"{where} takes no parameter, so it can judge nothing", remedy="take one")
    unknown = next((name for name in renamed.values() if name not in scope), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown, scope, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        raise StratumCompileError(
            f"{where}: there is no input `{unknown}`", remedy=f"{hint}names here: {', '.join(scope)}"
        )
    return renamed


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _native(judge: _Judge, reason: str) -> NativeExpression:
    """Return the condition as Python judges it."""
    renamed, codecs = judge.renamed, judge.codecs
    names = frozenset(renamed.values())
    text = source_text(judge.function, judge.definition)
    paths = frozenset((name,) for name in names)
    if judge.definition is not None:
        paths = frozenset(_known(path, codecs) for path in paths_read(judge.definition, renamed)) or paths
    return NativeExpression(
        source=text,
        canonical=text,
        type=JsonType() if judge.want is None else judge.want,
        names=names,
        reads=paths,
        reason=reason,
        function=judge.function,
        arguments=tuple((name, codecs[name]) for name in renamed.values()),
    )


def _known(path: tuple[str, ...], codecs: Mapping[str, Codec]) -> tuple[str, ...]:
    """Cut a path where it leaves the fields of contracts."""
    codec = codecs.get(path[0])
    for depth, name in enumerate(path[1:], start=1):
        codec = None if codec is None else _present(codec).fields.get(name)
        if codec is None:
            return path[:depth]
    return path


def _at(path: tuple[str, ...], codecs: Mapping[str, Codec]) -> Codec:
    """Return the codec of a path of fields."""
    codec = codecs[path[0]]
    for name in path[1:]:
        codec = _present(codec).fields[name]
    return codec


def _present(codec: Codec) -> Codec:
    """Look through an optional."""
    is_optional = isinstance(without_opaque(codec.type), OptionalType)
    return codec.item if is_optional and codec.item is not None else codec


def _check_fields(judge: _Judge, definition: Definition) -> None:
    """Refuse a path that starts at a parameter and names a field that its contract does not have."""
    for path in sorted(paths_read(definition, judge.renamed)):
        codec = judge.codecs.get(path[0])
        for name in path[1:]:
            codec = None if codec is None else _present(codec)
            if codec is None or codec.model is None:
                break
            if name not in codec.fields:
                if not hasattr(codec.model, name):
                    raise _no_field(codec, name, path, judge.where)
                break
            codec = codec.fields[name]


def _no_field(codec: Codec, name: str, path: tuple[str, ...], where: str) -> StratumCompileError:
    close = difflib.get_close_matches(name, codec.fields, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    kind = codec.model.__name__ if codec.model is not None else ""
    return StratumCompileError(
        f"{where}: `{'.'.join(path)}`: `{kind}` has no field `{name}`",
        remedy=f"{hint}fields of {kind}: {', '.join(codec.fields)}",
    )


def _is_mistake(result: CompileResult, text: str, body: ast.expr, judge: _Judge) -> bool:
    """Return whether everything the check found would be as wrong in Python."""
    errors = [finding for finding in result.findings if finding.severity == "error"]
    parts = [
        part
        for path in paths_read(body, judge.renamed)
        for part in _inside(_at(_known(path, judge.codecs), judge.codecs))
    ]
    if any(isinstance(part.type, _OTHER_RULES) for part in parts):
        return False
    if any(isinstance(node, ast.BinOp) for node in ast.walk(body)):
        return False
    return all(finding.code in _MISTAKES or _names_nothing(finding, text, parts) for finding in errors)


def _names_nothing(finding: Finding, text: str, parts: Sequence[Codec]) -> bool:
    """Return whether a finding is about a field that no value here has, as a field or as anything of Python's."""
    if finding.code != _UNKNOWN_FIELD:
        return False
    name = text[finding.start : finding.end].rpartition(".")[2]
    owners: list[object] = [str, list, dict, int, float]
    owners += [part.model for part in parts if part.model is not None]
    enums = any(isinstance(part.type, EnumType) for part in parts)
    return not (any(hasattr(owner, name) for owner in owners) or (enums and name in ("value", "name")))


def _inside(codec: Codec) -> Iterator[Codec]:
    """Yield a codec and those of everything its values hold."""
    yield codec
    if codec.item is not None:
        yield from _inside(codec.item)
    for part in codec.fields.values():
        yield from _inside(part)
