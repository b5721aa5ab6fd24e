"""Rules about votes: `quorum`, `agree_on` and `threshold`, and what agents of a debate agree on."""

from __future__ import annotations

from stratum_core.checks._context import Context
from stratum_core.checks._names import report_unknown
from stratum_core.contracts import (
    AnyType,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    describe,
    without_opaque,
)
from stratum_core.ir import InferFunction, Path
from stratum_core.specs import Quorum

__all__ = ["check_agreement", "check_quorum"]


def check_quorum(context: Context, path: Path, function: InferFunction, output: Type) -> Quorum | None:
    """Report an incomplete or impossible quorum; return a complete one."""
    parts = {"quorum": function.quorum, "agree_on": function.agree_on, "threshold": function.threshold}
    present = [name for name, value in parts.items() if value is not None]
    missing = [name for name, value in parts.items() if value is None]
    if present and missing:
        context.findings.add(
            "E315",
            (*path, present[0]),
            f"`{'` and `'.join(present)}` without `{'` and `'.join(missing)}`",
            suggestion="for example quorum: 3, agree_on: label, threshold: 2",
            key=True,
        )
    if function.quorum is not None and function.threshold is not None:
        lowest = function.quorum // 2 + 1
        if not lowest <= function.threshold <= function.quorum:
            context.findings.add(
                "E316",
                (*path, "threshold"),
                f"the threshold {function.threshold} does not decide a quorum of {function.quorum}",
                suggestion=f"write {lowest}"
                if lowest == function.quorum
                else f"write {lowest} to {function.quorum}",
            )
    if function.agree_on is not None:
        check_agreement(context, (*path, "agree_on"), function.agree_on, output)
    if function.quorum is None or function.agree_on is None or function.threshold is None:
        return None
    return Quorum(votes=function.quorum, agree_on=function.agree_on, threshold=function.threshold)


def check_agreement(context: Context, path: Path, name: str, output: Type) -> None:
    """Report an `agree_on` that is not a plain field of the answers."""
    target = without_opaque(output)
    if isinstance(target, AnyType):
        return
    if not isinstance(target, RecordType):
        context.findings.add(
            "E319",
            path,
            f"`agree_on` names a field, but the answers are {describe(output)}",
            suggestion="make the output a contract with the field to agree on",
        )
        return
    field = target.field(name)
    if field is None:
        report_unknown(
            context.findings,
            path,
            code="E319",
            kind="field",
            name=name,
            known=target.field_names,
        )
        return
    bare = without_opaque(field.type)
    if isinstance(bare, OptionalType):
        bare = without_opaque(bare.inner)
    if isinstance(bare, (RecordType, ListType, MapType)):
        context.findings.add(
            "E319",
            path,
            f"`{name}` is {describe(field.type)}; answers are compared by one plain field",
            suggestion="agree on text, a number, a bool, a date or an enum",
        )
