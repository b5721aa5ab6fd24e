"""Results written as one expression or field by field: a flow's `return` and a compute function's `expression`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stratum_core.checks._findings import Findings
from stratum_core.checks._names import did_you_mean, nearest
from stratum_core.contracts import (
    AnyType,
    JsonType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    describe,
    without_opaque,
)
from stratum_core.ir import Expr, Path
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import Returns

__all__ = ["compile_result"]


class Compile(Protocol):
    """Compile the expression at `path` with the names that are in scope there."""

    def __call__(self, path: Path, form: Expr, *, want: Type | None = None) -> CompiledExpression | None:
        """Return the checked expression, or None when it has a diagnostic."""
        ...


def compile_result(
    findings: Findings,
    compile_part: Compile,
    path: Path,
    form: Expr | Mapping[str, Expr],
    output: Type,
) -> Returns | None:
    """Return the checked result, or None when it has a diagnostic."""
    if not isinstance(form, Mapping):
        return compile_part(path, form, want=output)
    target = without_opaque(output)
    if isinstance(target, OptionalType):
        target = without_opaque(target.inner)
    if isinstance(target, RecordType):
        _check_fields(findings, path, form, target)
    elif not isinstance(target, (AnyType, JsonType, MapType)):
        findings.add(
            "E331",
            path,
            f"a map of fields gives a record, but {describe(output)} is declared",
            suggestion="write one expression, or make the output a contract",
            key=True,
        )
    compiled: dict[str, CompiledExpression] = {}
    for name, part in form.items():
        expression = compile_part((*path, name), part, want=_wanted(target, name))
        if expression is not None:
            compiled[name] = expression
    return compiled if len(compiled) == len(form) else None


def _wanted(target: Type, name: str) -> Type | None:
    """Return the type one field of the result has to have, if it is known."""
    if isinstance(target, RecordType):
        field = target.field(name)
        return None if field is None else field.type
    return target.value if isinstance(target, MapType) else None


def _check_fields(findings: Findings, path: Path, form: Mapping[str, Expr], target: RecordType) -> None:
    """Report fields the contract does not have, and needed ones that are not given."""
    guessed: set[str] = set()
    for name in form:
        if target.field(name) is None:
            guess = nearest(name, [known for known in target.field_names if known not in form])
            if guess:
                guessed.add(guess)
            findings.add(
                "E332",
                (*path, name),
                f"`{target.name}` has no field `{name}`",
                suggestion=did_you_mean(guess, f"fields of {target.name}", target.field_names),
                key=True,
                fix=findings.replacement((*path, name), guess, key=True),
            )
    missing = [
        field.name
        for field in target.fields
        if field.name not in form
        and field.name not in guessed
        and not isinstance(without_opaque(field.type), (OptionalType, AnyType))
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        findings.add(
            "E333",
            path,
            f"{names} of `{target.name}` {'is' if len(missing) == 1 else 'are'} not given",
            suggestion="add "
            + "; ".join(f"{name}: <{describe(_type_of(target, name))}>" for name in missing),
            key=True,
        )


def _type_of(record: RecordType, name: str) -> Type:
    """Return the type of a field that exists."""
    return next(field.type for field in record.fields if field.name == name)
