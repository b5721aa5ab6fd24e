"""Contracts as pydantic models, each below those it uses."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from stratum_core.codegen._layout import statement
from stratum_core.codegen._scope import CORE, PYDANTIC, Scope
from stratum_core.codegen._types import bare_annotation, constant, optional_of
from stratum_core.contracts import Field as ContractField
from stratum_core.contracts import (
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    Type,
)

__all__ = ["contract_class", "in_order"]


def in_order(contracts: Mapping[str, RecordType]) -> list[RecordType]:
    """Return contracts so that each stands below those it uses, and otherwise as in the document."""
    ordered: dict[str, RecordType] = {}

    def add(record: RecordType) -> None:
        if record.name in ordered:
            return
        for field in record.fields:
            for used in _records_in(field.type):
                add(contracts[used])
        ordered[record.name] = record

    for record in contracts.values():
        add(record)
    return list(ordered.values())


def contract_class(record: RecordType, scope: Scope) -> list[str]:
    """Return the lines of a contract's class."""
    decorator = scope.use(CORE, "contract").id
    base = scope.use(PYDANTIC, "BaseModel").id
    lines = [f"@{decorator}", f"class {record.name}({base}):"]
    lines += [_field(field, scope) for field in record.fields]
    return lines


def _field(field: ContractField, scope: Scope) -> str:
    """Return the line, or lines, of one field."""
    kind, limits = bare_annotation(field.type, scope)
    if field.description:
        limits = [*limits, ast.keyword(arg="description", value=constant(field.description))]
    head = f"{field.name}: "
    if not optional_of(field.type) and not limits:
        return statement(head, kind, indent=4)
    value: ast.expr = constant(None)
    if limits:
        default = [ast.keyword(arg="default", value=value)] if optional_of(field.type) else []
        value = ast.Call(func=scope.use(PYDANTIC, "Field"), args=[], keywords=[*default, *limits])
    return statement(f"{statement(head, kind)} = ", value, indent=4)


def _records_in(kind: Type) -> list[str]:
    """Return the contracts that a type names directly."""
    match kind:
        case RecordType(name=found):
            return [found]
        case ListType(item=inner) | MapType(value=inner):
            return _records_in(inner)
        case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return _records_in(inner)
        case _:
            return []
