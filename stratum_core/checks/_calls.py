"""Rules about one call of a function or flow: the target, its inputs, and what flows into them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from stratum_core.checks._context import Context
from stratum_core.checks._flow_scope import FlowScope
from stratum_core.checks._names import did_you_mean, nearest, report_unknown
from stratum_core.checks._opaque import Argument, check_argument
from stratum_core.checks._signatures import ANY, Signature
from stratum_core.contracts import RecordType, Type, assignable, describe, without_opaque
from stratum_core.ir import Branch, Fix, Invalid, Path, Step
from stratum_core.ir.expressions import CompiledExpression, literal_expression
from stratum_core.specs import CallVerb

__all__ = ["Call", "check_call"]

_MOST_OFFERED = 4
_NULL = literal_expression(None)
"""What an input gets that is optional and not given."""


class Call(NamedTuple):
    """A checked call."""

    signature: Signature | None
    """None when the target has a diagnostic."""
    inputs: Mapping[str, CompiledExpression]
    complete: bool
    """Whether every input is there and right."""
    tainted: bool = False
    """Whether opaque text, or text a model made from it, goes in."""

    @property
    def value(self) -> Type:
        """The type of what the call gives."""
        return self.signature.value if self.signature else ANY

    @property
    def verb(self) -> CallVerb | None:
        """The spec of the call, None when it has a diagnostic."""
        if self.signature is None or not self.complete:
            return None
        return CallVerb(kind=self.signature.kind, target=self.signature.name, inputs=self.inputs)


def check_call(context: Context, path: Path, call: Step | Branch, scope: FlowScope) -> Call:
    """Report what is wrong with a call; `path` leads to the step or branch."""
    signature = _target(context, path, call)
    if signature is not None:
        scope.calls.append((signature, (*path, signature.kind)))
    if isinstance(call.inputs, Invalid):
        return Call(signature=signature, inputs={}, complete=False)
    declared = signature.inputs if signature else None
    compiled: dict[str, CompiledExpression] = {}
    guessed: set[str] = set()
    tainted = False
    for name, form in call.inputs.items():
        at: Path = (*path, "inputs", name)
        wanted = declared.get(name) if declared is not None else None
        if declared is not None and signature is not None and wanted is None:
            guess = nearest(name, [known for known in declared if known not in call.inputs])
            guessed |= {guess} if guess else set()
            _report_extra(context, at, name, signature, guess)
            wanted = declared.get(guess or "")
        expression = scope.compile(at, form, want=wanted)
        if expression is None:
            continue
        compiled[name] = expression
        tainted |= scope.taint.taints(expression)
        if signature is not None and wanted is not None and name in (declared or {}):
            argument = Argument(target=signature, name=name, wanted=wanted, given=expression)
            check_argument(context, scope.taint, at, argument)
    complete = len(compiled) == len(call.inputs)
    if signature is not None and declared is not None and not declared.keys() <= compiled.keys():
        complete &= _check_missing(
            context, path, signature, guessed.union(call.inputs), scope, given=call.inputs
        )
        for name in declared:
            compiled.setdefault(name, _NULL)
    return Call(signature=signature, inputs=compiled, complete=complete, tainted=tainted)


def _target(context: Context, path: Path, call: Step | Branch) -> Signature | None:
    """Return the signature of what is called, reporting an unknown one."""
    if call.function is not None:
        kind, name, known = "function", call.function, context.signatures.functions
        others = context.signatures.flows
    else:
        kind, name, known = "flow", call.flow or "", context.signatures.flows
        others = context.signatures.functions
    if name in known:
        return known[name]
    if name in others:
        other = "flow" if kind == "function" else "function"
        context.findings.add(
            "E305",
            (*path, kind),
            f"`{name}` is a {other}, not a {kind}",
            suggestion=f"write {other}: {name}",
            fix=context.findings.replacement((*path, kind), other, key=True),
        )
    elif name:
        report_unknown(context.findings, (*path, kind), kind=kind, name=name, known=known)
    return None


def _report_extra(context: Context, path: Path, name: str, signature: Signature, guess: str | None) -> None:
    """Report an input the target does not take."""
    context.findings.add(
        "E321",
        path,
        f"`{signature.name}` has no input `{name}`",
        suggestion=did_you_mean(guess, f"inputs of {signature.name}", signature.inputs or {}),
        key=True,
        fix=context.findings.replacement(path, guess, key=True),
    )


def _check_missing(
    context: Context,
    path: Path,
    signature: Signature,
    names: Collection[str],
    scope: FlowScope,
    *,
    given: Collection[str],
) -> bool:
    """Report needed inputs that are not given; return whether there are none."""
    missing = [name for name in signature.required if name not in names]
    if not missing:
        return True
    fix = _given_namesakes(context, path, signature, missing, scope, first=next(iter(given), None))
    for name in missing:
        wanted = (signature.inputs or {})[name]
        fitting = [known for known, kind in scope.names.items() if _offers(kind, wanted)][-_MOST_OFFERED:]
        offer = f"; of that type here: {', '.join(fitting)}" if fitting else ""
        value = _namesake(name, wanted, scope) or "..."
        context.findings.add(
            "E322",
            (*path, "inputs") if names else (*path, signature.kind),
            f"`{signature.name}` needs `{name}: {describe(wanted)}`, which is not given",
            suggestion=f"add {name}: {value}{offer}"
            if names
            else f"add inputs: {{ {name}: {value} }}{offer}",
            key=bool(names),
            fix=fix if name == missing[0] else None,
        )
    return False


def _given_namesakes(
    context: Context,
    path: Path,
    signature: Signature,
    missing: Sequence[str],
    scope: FlowScope,
    *,
    first: str | None,
) -> Fix | None:
    """Return the edit that gives every missing input the value of its name, when each has just one.

    Args:
        context: For the edit.
        path: The call.
        signature: What is called.
        missing: The inputs.
        scope: Where the call stands.
        first: The first input that is given.
    """
    found = {name: _namesake(name, (signature.inputs or {})[name], scope) for name in missing}
    known = {name: value for name, value in found.items() if value is not None}
    if len(known) < len(missing):
        return None
    positions = context.findings.positions
    if first is None:
        return positions.insert(path, {"inputs": known}, before=signature.kind)
    return positions.insert((*path, "inputs"), known, before=first)


def _namesake(name: str, wanted: Type, scope: FlowScope) -> str | None:
    """Return the one value in scope that has the name of an input and its type: a step, or a field of input or item."""
    found = [name] if name in scope.steps and _offers(scope.names[name], wanted) else []
    for holder in ("input", "item"):
        kind = without_opaque(scope.names.get(holder, ANY))
        part = kind.field(name) if isinstance(kind, RecordType) else None
        if part is not None and _offers(part.type, wanted):
            found.append(f"{holder}.{name}")
    return found[0] if len(found) == 1 else None


def _offers(kind: Type, wanted: Type) -> bool:
    """Return whether a value in scope could be the missing input."""
    return kind is not ANY and assignable(kind, wanted)
