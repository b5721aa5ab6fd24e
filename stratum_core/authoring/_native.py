"""Native expressions: conditions that only Python can judge.

They stand where any expression of a spec stands, and run in the library alone: a document cannot hold them, so
`emit` lists them with the reason. They load the JSON values of their place into Python values and call the function.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from pydantic_core import PydanticSerializationError, to_jsonable_python

from stratum_core.authoring._codec import Codec
from stratum_core.authoring._sources import Definition
from stratum_core.contracts import BoolType, JsonValue, Type, check_value
from stratum_core.errors import ContractViolation, ExpressionError
from stratum_core.specs import Expression

__all__ = ["NativeExpression", "is_native", "source_text"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NativeExpression:
    """A Python function over the names of its place."""

    source: str
    """The function as written, or its qualified name where there is no source."""
    canonical: str
    """The one spelling that is hashed and shown: the source without its layout."""
    type: Type
    """What the value is held to."""
    names: frozenset[str]
    """The names it reads."""
    reads: frozenset[tuple[str, ...]]
    """The attribute paths it reads."""
    reason: str
    """Why it could not be translated."""
    function: Callable[..., object] = field(repr=False)
    arguments: tuple[tuple[str, Codec], ...] = field(repr=False)
    """For each parameter in order: the name it stands for, and how that value is loaded."""
    dump: Callable[[object], JsonValue] | None = field(default=None, repr=False)
    """How a result becomes JSON; None: as pydantic writes it, held to `type`."""
    native: Literal[True] = True

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        """Return what the function says about the loaded values; a condition by its truth.

        Raises:
            ExpressionError: The function raised, returned nothing, or what it gave does not fit.
        """
        try:
            loaded = [codec.load(values[name]) for name, codec in self.arguments]
        except KeyError as fault:
            raise ExpressionError(f"`{self.canonical}` reads {fault}, which has no value") from None
        except ContractViolation as fault:
            raise ExpressionError(f"`{self.canonical}` cannot be judged: {fault.message}") from fault
        try:
            found = self.function(*loaded)
            if isinstance(self.type, BoolType) and found is not None:
                return bool(found)
        except Exception as fault:
            raise ExpressionError(
                f"`{self.canonical}` raised {type(fault).__name__}: {fault}",
                remedy="a condition has to say true or false for every value of its type",
            ) from fault
        return self._fitting(found)

    def _fitting(self, found: object) -> JsonValue:
        """Hold a result to the type that is wanted."""
        try:
            if self.dump is not None:
                return self.dump(found)
            return check_value(self.type, to_jsonable_python(found))
        except (ContractViolation, PydanticSerializationError, ValueError) as fault:
            raise ExpressionError(
                f"`{self.canonical}` gave {type(found).__name__}: {fault}",
                remedy="return a value of that type, and write `return` before it",
            ) from fault


def source_text(function: Callable[..., object], definition: Definition | None) -> str:
    """Return a function without its layout, decorators and docstring; its qualified name where there is no source."""
    if definition is None:
        module = getattr(function, "__module__", None) or type(function).__module__
        return f"{module}.{getattr(function, '__qualname__', None) or type(function).__qualname__}"
    if isinstance(definition, ast.Lambda):
        return ast.unparse(definition)
    bare = copy.copy(definition)
    bare.decorator_list = []
    if ast.get_docstring(definition) is not None and len(definition.body) > 1:
        bare.body = definition.body[1:]
    return ast.unparse(bare)


def is_native(expression: Expression) -> TypeGuard[NativeExpression]:
    """Return whether only Python can judge an expression."""
    return isinstance(expression, NativeExpression)
