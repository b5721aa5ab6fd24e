"""Signatures: what a decorated function takes and gives, read from its annotations.

Arguments become JSON values before anything is called: each is bound as Python binds it, missing and unknown ones
raise TypeError, defaults are filled in and reach the prompt like any other value.
"""

from __future__ import annotations

import ast
import dis
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import CodeType
from typing import Final

from stratum_core.authoring._codec import Codec
from stratum_core.authoring._places import caller_names, place_of
from stratum_core.authoring._sources import definition_of
from stratum_core.authoring._types import codec_of
from stratum_core.contracts import JsonValue, Type
from stratum_core.errors import ContractViolation, StratumCompileError
from stratum_core.specs import Parameter

__all__ = ["MISSING", "Missing", "PythonParameter", "Signature", "read_signature"]


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""Stands for the default of a parameter that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonParameter:
    """One parameter of a decorated function."""

    name: str
    codec: Codec
    default: JsonValue | Missing = MISSING
    """What stands for an argument that is left out."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes and gives."""

    name: str
    place: str
    """`file:line` of the function."""
    parameters: tuple[PythonParameter, ...]
    output: Codec
    is_async: bool
    is_stub: bool
    """Whether the body is `...`, a docstring, or both."""
    doc: str = ""
    """The docstring, without its indentation; it is for people and never sent."""
    python: inspect.Signature = field(repr=False)

    @property
    def where(self) -> str:
        """The function and its place, as messages begin."""
        return f"`{self.name}` ({self.place})"

    @property
    def inputs(self) -> tuple[Parameter, ...]:
        """The parameters as a spec has them."""
        return tuple(
            Parameter(name=one.name, type=one.codec.type, description=one.description)
            for one in self.parameters
        )

    @property
    def scope(self) -> dict[str, Type]:
        """The types of the parameters by name, for conditions."""
        return {one.name: one.codec.type for one in self.parameters}

    @property
    def codecs(self) -> dict[str, Codec]:
        """The codecs of the parameters and of `result`, for conditions."""
        return {"result": self.output, **{one.name: one.codec for one in self.parameters}}

    def bind(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, JsonValue]:
        """Return the checked JSON value of every parameter, defaults filled in, in order.

        Raises:
            TypeError: An argument is missing, unknown or given twice; nothing was called.
            ContractViolation: An argument does not satisfy its type; the message names it and the path in it.
        """
        try:
            bound = self.python.bind(*args, **kwargs)
        except TypeError as fault:
            raise TypeError(f"{self.name}() {fault}") from None
        values: dict[str, JsonValue] = {}
        for parameter in self.parameters:
            if parameter.name in bound.arguments:
                values[parameter.name] = self._dumped(parameter, bound.arguments[parameter.name])
            elif not isinstance(parameter.default, Missing):
                values[parameter.name] = parameter.default
        return values

    def _dumped(self, parameter: PythonParameter, value: object) -> JsonValue:
        """Return one argument as JSON."""
        try:
            return parameter.codec.dump(value)
        except ContractViolation as fault:
            raise ContractViolation(
                f"{self.name}(): the argument `{parameter.name}`: {fault.message}",
                remedy=fault.remedy,
                detail={**fault.detail, "argument": parameter.name},
            ) from fault


def read_signature(function: Callable[..., object], *, takes_result: bool = False) -> Signature:
    """Read what a function takes and gives.

    Args:
        function: The function.
        takes_result: Whether a parameter may be called `result`, as that of the check of a refine is.

    Raises:
        StratumCompileError: A parameter or the result has no annotation or one without a type, a default does not
            fit, or the function takes `*args` or `**kwargs`.
    """
    name, place = function.__name__, place_of(function)
    where = f"`{name}` ({place})"
    hints = _hints(function, where)
    python = inspect.signature(function)
    parameters = tuple(_parameter(one, hints, where) for one in python.parameters.values())
    if "result" in python.parameters and not takes_result:
        raise StratumCompileError(
            f"{where}: parameter `result` has the name that conditions give to the answer",
            remedy="rename the parameter",
        )
    if "return" not in hints:
        raise StratumCompileError(
            f"{where} does not say what it returns", remedy="annotate the result: `-> str`, or a @contract"
        )
    return Signature(
        name=name,
        place=place,
        parameters=parameters,
        output=codec_of(hints["return"], where=f"{where}: the result"),
        is_async=inspect.iscoroutinefunction(function),
        is_stub=is_stub(function),
        doc=inspect.getdoc(function) or "",
        python=python,
    )


def _hints(function: Callable[..., object], where: str) -> dict[str, object]:
    """Return the resolved annotations; names of the function's own surroundings are known."""
    try:
        return typing.get_type_hints(function, localns={**caller_names()}, include_extras=True)
    except NameError as fault:
        raise StratumCompileError(
            f"{where}: an annotation names `{fault.name}`, which is not defined here",
            remedy=f"define `{fault.name}` above the function, or import it outside `if TYPE_CHECKING`",
        ) from fault
    except (AttributeError, SyntaxError, TypeError) as fault:
        raise StratumCompileError(
            f"{where}: an annotation cannot be read: {fault}", remedy="correct the annotation"
        ) from fault


def _parameter(one: inspect.Parameter, hints: Mapping[str, object], where: str) -> PythonParameter:
    """Read one parameter."""
    if one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise StratumCompileError(
            f"{where} takes `{one}`, whose values have no names",
            remedy="name each parameter, or take one list or dict[str, T]",
        )
    here = f"{where}: parameter `{one.name}`"
    if one.name not in hints and one.name in ("self", "cls"):
        raise StratumCompileError(
            f"{here}: methods cannot be decorated, because nothing of their object could be sent",
            remedy="make it a function of the module, or put @staticmethod above the decorator",
        )
    if one.name not in hints:
        raise StratumCompileError(f"{here} has no annotation", remedy=f"write `{one.name}: str`, or its type")
    codec = codec_of(hints[one.name], where=here)
    default: JsonValue | Missing = MISSING
    if one.default is not inspect.Parameter.empty:
        try:
            default = codec.dump(one.default)
        except ContractViolation as fault:
            raise StratumCompileError(
                f"{here}: the default {one.default!r} does not fit: {fault.message}",
                remedy="write `T | None` where None is meant, or another default",
            ) from fault
    return PythonParameter(name=one.name, codec=codec, default=default, description=codec.description)


def is_stub(function: Callable[..., object]) -> bool:
    """Return whether nothing stands in a function's body but `...`, a docstring, or both.

    Without source the compiled body tells: it then only has to do nothing.
    """
    definition = definition_of(function)
    if definition is None or isinstance(definition, ast.Lambda):
        code = getattr(function, "__code__", None)
        return isinstance(code, CodeType) and _does_nothing(code)
    statements = definition.body
    if ast.get_docstring(definition, clean=False) is not None:
        statements = statements[1:]
    match statements:
        case []:
            return True
        case [ast.Expr(value=ast.Constant(value=value))]:
            return value is ...
        case _:
            return False


def _does_nothing(code: CodeType) -> bool:
    """Return whether code reads nothing, raises nothing and gives None."""
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    reads = any(step.opname.startswith("LOAD_") and step.opname != "LOAD_CONST" for step in steps)
    raises = any(step.opname == "RAISE_VARARGS" for step in steps)
    return not reads and not raises and all(value is None for value in constants)
