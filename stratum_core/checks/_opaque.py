"""Where opaque values go: the rules that keep data from becoming instructions.

Opaque text reaches a model only as an attachment. A plain string parameter of an infer function stands in the prompt
itself, and a flow's plain parameter carries text on without its mark, so opaque text into either is refused. Text a
model wrote from opaque data may repeat what was hidden there; that is a warning. Conditions and compute functions may
read anything. Enums, numbers and bools carry no text and are always fine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from stratum_core.checks._context import Context
from stratum_core.checks._signatures import Signature
from stratum_core.contracts import (
    AnyType,
    JsonType,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    describe,
)
from stratum_core.ir import Fix, InferFunction, Invalid, LongType, Path
from stratum_core.ir.expressions import CompiledExpression

__all__ = ["Argument", "Taint", "check_argument", "has_opaque", "has_text", "parts_of"]


_TEXTS = (StringType, JsonType, AnyType)
"""Types whose values may be free text."""
_HOLDERS = (OptionalType, OpaqueType, ProbabilisticType, ListType, MapType, RecordType)
"""Types with types inside; any other one is all there is to look at."""


class Taint:
    """The names of a flow whose text a model made from opaque data."""

    __slots__ = ("_names", "_tainted")

    def __init__(self, names: Mapping[str, Type]) -> None:
        self._names = names
        self._tainted: set[str] = set()

    def add(self, name: str) -> None:
        """Mark a name."""
        self._tainted.add(name)

    def discard(self, name: str) -> None:
        """Take a mark away."""
        self._tainted.discard(name)

    def is_tainted(self, expression: CompiledExpression) -> bool:
        """Return whether a value may hold text that a model made from opaque data."""
        if not self._tainted or not has_text(expression.type):
            return False
        return any(read[0] in self._tainted and self._is_text(read) for read in expression.reads)

    def taints(self, argument: CompiledExpression) -> bool:
        """Return whether a call that is given this value may give text made from opaque data."""
        return has_opaque(argument.type) or self.is_tainted(argument)

    def _is_text(self, read: tuple[str, ...]) -> bool:
        """Return whether the attribute path leads to something that may hold text."""
        kind: Type | None = self._names.get(read[0])
        for name in read[1:]:
            while isinstance(kind, (OptionalType, OpaqueType)):
                kind = kind.inner
            field = kind.field(name) if isinstance(kind, RecordType) else None
            if field is None:
                break
            kind = field.type
        return kind is not None and has_text(kind)


def parts_of(kind: Type) -> Iterator[Type]:
    """Return a type and every type inside it."""
    waiting = [kind]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case OpaqueType(inner=inner) | OptionalType(inner=inner) | ProbabilisticType(inner=inner):
                waiting.append(inner)
            case ListType(item=inner) | MapType(value=inner):
                waiting.append(inner)
            case RecordType(fields=fields):
                waiting.extend(field.type for field in fields)
            case _:
                pass


def has_opaque(kind: Type) -> bool:
    """Return whether a value of the type is, or holds, something opaque."""
    if not isinstance(kind, _HOLDERS):
        return False
    return isinstance(kind, OpaqueType) or any(isinstance(part, OpaqueType) for part in parts_of(kind))


def has_text(kind: Type) -> bool:
    """Return whether a value of the type may hold free text."""
    while isinstance(kind, (OptionalType, OpaqueType)):
        kind = kind.inner
    if not isinstance(kind, _HOLDERS):
        return isinstance(kind, _TEXTS)
    return any(isinstance(part, _TEXTS) for part in parts_of(kind))


class Argument(NamedTuple):
    """A value on its way into a parameter."""

    target: Signature
    name: str
    wanted: Type
    given: CompiledExpression


def check_argument(context: Context, taint: Taint, path: Path, argument: Argument) -> None:
    """Report text that must not, or should not, go into a plain string parameter."""
    target, name, given = argument.target, argument.name, argument.given
    if not _reaches_a_prompt(context, target):
        return
    if _loses_mark(given.type, argument.wanted):
        context.findings.add(
            "E404",
            path,
            f"`{given.canonical}` is opaque, but `{target.name}` takes `{name}` as plain "
            f"{describe(argument.wanted)}",
            suggestion=_advice(argument),
            fix=_declare_opaque(context, argument),
        )
    elif _is_plain_text(argument.wanted) and taint.is_tainted(given):
        context.findings.add(
            "W507",
            path,
            f"`{given.canonical}` holds text made from opaque data, but `{target.name}` takes `{name}` as plain "
            f"{describe(argument.wanted)}",
            suggestion=_advice(argument),
            fix=_declare_opaque(context, argument),
        )


def _loses_mark(given: Type, wanted: Type) -> bool:
    """Return whether opaque text would stand somewhere in the parameter without its mark."""
    if given is wanted or isinstance(wanted, OpaqueType):
        return False
    match given, wanted:
        case (OpaqueType(inner=inner), _):
            return has_text(inner) and has_text(wanted)
        case (OptionalType(inner=left), OptionalType(inner=right)):
            return _loses_mark(left, right)
        case (_, OptionalType(inner=right)):
            return _loses_mark(given, right)
        case (ListType(item=left), ListType(item=right)) | (MapType(value=left), MapType(value=right)):
            return _loses_mark(left, right)
        case (RecordType(), RecordType()):
            fields = {field.name: field.type for field in wanted.fields}
            return any(
                field.name in fields and _loses_mark(field.type, fields[field.name]) for field in given.fields
            )
        case _:
            return isinstance(wanted, JsonType) and has_opaque(given)


def _advice(argument: Argument) -> str:
    """Return what to declare."""
    if _is_plain_text(argument.wanted):
        return (
            f"declare the parameter `{argument.name}` of {argument.target.name} opaque: "
            f"opaque<{describe(argument.wanted)}>"
        )
    return f"declare the text in {describe(argument.wanted)} opaque: opaque<string>"


def _reaches_a_prompt(context: Context, target: Signature) -> bool:
    """Return whether the parameter's text may stand in a prompt as it is."""
    if target.kind == "flow":
        return True
    return isinstance(context.document.functions.get(target.name), InferFunction)


def _is_plain_text(kind: Type) -> bool:
    """Return whether a parameter takes free text or json, or a list or map of it, without the opaque mark."""
    match kind:
        case StringType() | JsonType():
            return True
        case OptionalType(inner=inner) | ListType(item=inner) | MapType(value=inner):
            return _is_plain_text(inner)
        case _:
            return False


def _declare_opaque(context: Context, argument: Argument) -> Fix | None:
    """Return the edit that puts the mark on the parameter, when its type stands on one line."""
    if not _is_plain_text(argument.wanted):
        return None
    target, name = argument.target, argument.name
    path: Path
    if target.kind == "function":
        owner = context.document.functions[target.name]
        path = ("functions", target.name, "input", name)
    else:
        owner = context.document.flows[target.name]
        path = ("flows", target.name, "input", name)
    inputs = None if isinstance(owner, Invalid) or isinstance(owner.input, Invalid) else owner.input
    form = inputs[name] if inputs else None
    if isinstance(form, LongType):
        form, path = form.type, (*path, "type")
    return (
        context.findings.positions.edit(path, 0, len(form), f"opaque<{form}>")
        if isinstance(form, str)
        else None
    )
