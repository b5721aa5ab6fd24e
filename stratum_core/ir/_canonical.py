"""The meaning of a document as one JSON value, and its hashes.

Equal meaning gives equal JSON: defaults are filled in, expressions and types have one spelling, and what nothing reads
(names of documents, descriptions of documents, functions, flows and steps, the order of definitions) is left out. What
reaches a model or a person stays in order: fields, inputs, branches and what a person is shown are lists of pairs.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import TypeAlias, TypeVar

from stratum_core.contracts import JsonValue, RecordType, Type, canonical_json
from stratum_core.ir._document import (
    AwaitHuman,
    Branch,
    BudgetForm,
    ComputeFunction,
    Contract,
    Debate,
    Document,
    Flow,
    Function,
    InferFunction,
    Invalid,
    LongType,
    Parallel,
    Race,
    Refine,
    Step,
    TypeForm,
)
from stratum_core.ir._type_json import contract_names, type_json
from stratum_core.ir._type_text import parse_type
from stratum_core.ir.expressions import canonical as canonical_expression

__all__ = ["canonical", "digest", "function_hash", "function_meaning", "ir_hash"]

_Part: TypeAlias = (
    InferFunction
    | ComputeFunction
    | Refine
    | BudgetForm
    | Flow
    | Step
    | Branch
    | Parallel
    | Race
    | Debate
    | AwaitHuman
)
_PART_TYPES = (
    InferFunction,
    ComputeFunction,
    Refine,
    BudgetForm,
    Flow,
    Step,
    Branch,
    Parallel,
    Race,
    Debate,
    AwaitHuman,
)
_Value: TypeAlias = (
    "str | int | float | bool | Invalid | LongType | _Part | Sequence[_Value] | Mapping[str, _Value] | None"
)
"""What a field of a part can hold."""

_Whole = TypeVar("_Whole")
_EXPRESSIONS = frozenset(
    {
        "when",
        "for_each",
        "validate_",
        "compute",
        "until",
        "feedback",
        "topic",
        "return_",
        "expression",
        "given",
        "ensure",
        "inputs",
    }
)
_TYPES = frozenset({"output", "type"})
_DROPPED = frozenset({"description", "verb"})
_PREFIX = "stratum-ir-1\n"
_SHORT = 12


def canonical(document: Document, *, spellings: Mapping[str, str] | None = None) -> dict[str, JsonValue]:
    """Return the meaning of a document that has no diagnostics.

    Args:
        document: The document.
        spellings: Canonical texts of expressions that are known already, by their text as written.

    Raises:
        ValueError: The document holds a part with a diagnostic, or an expression that cannot be read.
    """
    return _Writer(document, spellings or {}).document()


def ir_hash(document: Document, *, spellings: Mapping[str, str] | None = None) -> str:
    """Return 64 hex digits that name the meaning of a document; show the first 12.

    Raises:
        ValueError: The document holds a part with a diagnostic.
    """
    return digest(canonical(document, spellings=spellings))


def function_hash(document: Document, name: str, *, spellings: Mapping[str, str] | None = None) -> str:
    """Return 12 hex digits over the meaning of one function and the contracts it uses; its name does not count.

    Raises:
        KeyError: The document has no function of that name.
        ValueError: The function, or a contract it uses, has a diagnostic.
    """
    return digest(_Writer(document, spellings or {}).function(name))[:_SHORT]


def function_meaning(function: Function, spellings: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the meaning of a function that names no contract.

    Args:
        function: Its types are plain ones.
        spellings: Canonical texts of expressions, by their text as written.
    """
    return _Writer(Document(), spellings).part(function)


def digest(value: JsonValue) -> str:
    """Return 64 hex digits that name a meaning."""
    return hashlib.sha256((_PREFIX + canonical_json(value)).encode()).hexdigest()


class _Writer:
    """Writes the parts of one document."""

    def __init__(self, document: Document, spellings: Mapping[str, str]) -> None:
        self._document = document
        self._spellings = dict(spellings)
        self._names: dict[str, Type] = {name: RecordType(name=name, fields=()) for name in document.contracts}
        self._types: dict[str, JsonValue] = {}

    def document(self) -> dict[str, JsonValue]:
        """Return the meaning of the whole document."""
        source = self._document
        return {
            "stratum": source.stratum,
            "contracts": {name: self._contract(name) for name in source.contracts},
            "functions": {name: self.part(_whole(part)) for name, part in source.functions.items()},
            "flows": {name: self.part(_whole(part)) for name, part in source.flows.items()},
        }

    def function(self, name: str) -> dict[str, JsonValue]:
        """Return the meaning of one function, with the contracts it uses, also through others."""
        part = _whole(self._document.functions[name])
        forms = [part.output, *_whole(part.input).values()]
        used: dict[str, JsonValue] = {}
        waiting = [found for form in forms for found in self._used_by(form)]
        while waiting:
            contract = waiting.pop()
            if contract not in used:
                used[contract] = self._contract(contract)
                fields = _whole(self._document.contracts[contract]).fields
                waiting.extend(found for form in fields.values() for found in self._used_by(form))
        return {"function": self.part(part), "contracts": used}

    def _used_by(self, form: TypeForm) -> list[str]:
        """Return the contracts a type names."""
        return contract_names(parse_type(_whole(form), self._names).type)

    def _contract(self, name: str) -> JsonValue:
        contract: Contract = _whole(self._document.contracts[name])
        return [[field, self._type(form)] for field, form in contract.fields.items()]

    def _type(self, form: TypeForm) -> JsonValue:
        """Return a type in long form, with its description."""
        if isinstance(form, str) and form in self._types:
            return self._types[form]
        parsed = parse_type(_whole(form), self._names)
        if parsed.findings:
            raise _has_faults()
        written = type_json(parsed.type)
        if isinstance(form, LongType) and form.description:
            return {**written, "description": form.description}
        if isinstance(form, str):
            self._types[form] = written
        return written

    def part(self, part: _Part) -> dict[str, JsonValue]:
        """Return a part with every field, in the document's own key names."""
        written = dict(_defaults(type(part)))
        values: tuple[_Value, ...] = _values_of(type(part))(part)
        for (name, key, default), value in zip(_fields_of(type(part)), values, strict=True):
            if value is not default:
                written[key] = self._field(name, value)
        return written

    def _field(self, name: str, value: _Value) -> JsonValue:
        """Return one field's value."""
        if name in _EXPRESSIONS:
            return None if value is None else self._expression(value)
        if name in _TYPES and isinstance(value, (str, LongType, Invalid)):
            return self._type(value)
        if isinstance(value, (str, int)):
            return value
        if isinstance(value, Mapping):
            return [[key, self._entry(name, item)] for key, item in value.items()]
        return self._value(value)

    def _entry(self, name: str, value: _Value) -> JsonValue:
        """Return one entry of a map whose order is meaningful: `input`, `show` or `branches`."""
        if name == "show":
            return self._expression(value)
        if name == "input" and isinstance(value, (str, LongType, Invalid)):
            return self._type(value)
        return self._value(value)

    def _value(self, value: _Value) -> JsonValue:
        """Return a value that is neither a type nor an expression."""
        if value is None or isinstance(value, (str, int, float)):
            return value
        if isinstance(value, _PART_TYPES):
            return self.part(value)
        if isinstance(value, Sequence):
            return [self._value(item) for item in value]
        raise _has_faults()

    def _expression(self, value: _Value) -> JsonValue:
        """Return an expression in its one spelling; a scalar literal as the expression that gives it."""
        if isinstance(value, str):
            return {"expr": self._spelling(value)}
        if value is None or isinstance(value, (bool, int, float)):
            return {"expr": repr(value)}
        if isinstance(value, tuple):
            return [self._expression(item) for item in value]
        if isinstance(value, Mapping):
            return {"fields": {key: self._expression(item) for key, item in value.items()}}
        if isinstance(value, Sequence):
            return {"value": _json(value)}
        raise _has_faults()

    def _spelling(self, text: str) -> str:
        """Return the one spelling of an expression."""
        known = self._spellings.get(text)
        if known is None:
            known = canonical_expression(text)
            if known is None:
                raise _has_faults()
            self._spellings[text] = known
        return known


def _json(value: _Value) -> JsonValue:
    """Return a literal as it is."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_json(item) for item in value]
    raise _has_faults()


def _whole(part: _Whole | Invalid) -> _Whole:
    """Return a part that has no diagnostic."""
    if isinstance(part, Invalid):
        raise _has_faults()
    return part


@cache
def _fields_of(kind: type[_Part]) -> tuple[tuple[str, str, object], ...]:
    """Return name, key and default of each field that has a meaning."""
    return tuple(
        (field.name, field.name.rstrip("_"), field.default)
        for field in dataclasses.fields(kind)
        if field.name not in _DROPPED
    )


@cache
def _values_of(kind: type[_Part]) -> Callable[[_Part], tuple[_Value, ...]]:
    """Return what reads those fields of a part, all at once."""
    first, *others = (name for name, _, _ in _fields_of(kind))
    return attrgetter(first, *others) if others else lambda part: (getattr(part, first),)


@cache
def _defaults(kind: type[_Part]) -> Mapping[str, JsonValue]:
    """Return what the fields mean that are left out."""
    return {
        key: default if isinstance(default, (str, int, float)) else [] if default == () else None
        for _, key, default in _fields_of(kind)
    }


def _has_faults() -> ValueError:
    return ValueError("the document has diagnostics; only one without any has a meaning")
