"""Emit: what the contracts, functions and flows of a module say, as a document.

Contracts and functions are taken from the objects their decorators made; a flow is read from its source, and only when
it is straight (see `stratum_core.codegen`). Whatever a document cannot say is left out with its place and the reason,
and so is what needs it: nothing is written that means something else.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import ModuleType
from typing import TypeAlias, cast

from pydantic import BaseModel

from stratum_core.authoring._compute import ComputeFunction
from stratum_core.authoring._contract import record_of
from stratum_core.authoring._flow import FlowFunction
from stratum_core.authoring._folding import names_around
from stratum_core.authoring._forms import NoFormError, records_in, type_form
from stratum_core.authoring._infer import InferFunction
from stratum_core.authoring._native import is_native
from stratum_core.authoring._records import registration_of
from stratum_core.authoring._signature import Signature
from stratum_core.authoring._sources import definition_of
from stratum_core.budget import Budget as Caps
from stratum_core.checks import check
from stratum_core.codegen import Callee, ModuleNames, Reading, UnreadableError, after_comments, read_body
from stratum_core.contracts import RecordType
from stratum_core.ir import (
    BudgetForm,
    Contract,
    Document,
    Expr,
    Flow,
    Function,
    Refine,
    Step,
    dump,
)
from stratum_core.ir import (
    ComputeFunction as ComputeForm,
)
from stratum_core.ir import InferFunction as InferForm
from stratum_core.specs import ComputeSpec, Expression, InferSpec, Returns

__all__ = ["Emitted", "Unsaid", "emit_module"]

_NUSD_PER_USD = 1_000_000_000
_FUNCTIONS = "stratum_core.functions"
_LIBRARY = frozenset(
    {
        "parallel", "race", "debate", "debate_outcome", "await_human", "each", "or_none", "HumanReviewContext",
        "timedelta", "JsonValue", "opaque", "Literal", "Annotated",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A part of a module that no document can say."""

    name: str
    """The contract, function or flow."""
    line: int
    """Where in its file; 0 when that is not known."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """A module as a document."""

    text: str
    """YAML; empty when nothing of it could be said."""
    unsaid: tuple[Unsaid, ...]
    contracts: int
    functions: int
    flows: int


@dataclass(slots=True, kw_only=True)
class _Parts:
    """What was found so far."""

    records: dict[str, RecordType] = field(default_factory=dict[str, RecordType])
    functions: dict[str, Function] = field(default_factory=dict[str, Function])
    flows: dict[str, Flow] = field(default_factory=dict[str, Flow])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    unsaid: list[Unsaid] = field(default_factory=list[Unsaid])

    def leave_out(self, name: str, line: int, why: str) -> None:
        """Note what cannot be said."""
        self.unsaid.append(Unsaid(name=name, line=line or self.lines.get(name, 0), why=why))


def emit_module(module: ModuleType) -> Emitted:
    """Return a module's contracts, functions and flows as a document, and what had to be left out."""
    parts = _Parts()
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, BaseModel) and registration_of(value) is not None:
            _add_record(parts, record_of(value))
    found = [one for one in map(_decorated, vars(module).values()) if one is not None]
    for value in found:
        parts.lines[value.signature.name] = _line(value.__wrapped__)
        _add_types(parts, value.signature)
    for value in found:
        if isinstance(value, FlowFunction):
            _add_flow(parts, value)
        else:
            _add_function(parts, value)
    return _checked(parts)


_Decorated: TypeAlias = InferFunction[..., object] | ComputeFunction[..., object] | FlowFunction[..., object]


def _decorated(value: object) -> _Decorated | None:
    """Return a function that one of the decorators made."""
    if isinstance(value, (InferFunction, ComputeFunction, FlowFunction)):
        return cast("_Decorated", value)
    return None


def _line(function: object) -> int:
    """Return the line a function begins at, 0 when that is not known."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return code.co_firstlineno if code is not None else 0


def _add_record(parts: _Parts, record: RecordType) -> None:
    """Add a contract and those it uses."""
    known = parts.records.setdefault(record.name, record)
    if known != record:
        parts.leave_out(record.name, 0, "two different contracts have this name")
    for part in record.fields:
        for used in records_in(part.type):
            if used.name not in parts.records:
                _add_record(parts, used)


def _add_types(parts: _Parts, signature: Signature) -> None:
    """Add the contracts that a signature names."""
    for kind in (signature.output.type, *(one.codec.type for one in signature.parameters)):
        for record in records_in(kind):
            _add_record(parts, record)


def _add_function(parts: _Parts, function: InferFunction[..., object] | ComputeFunction[..., object]) -> None:
    """Add a function, or note why it cannot be said."""
    spec, signature = function.spec, function.signature
    native = next((one for one in _conditions(spec) if is_native(one)), None)
    if native is not None and is_native(native):
        parts.leave_out(spec.name, 0, _native_reason(spec, native.source, native.reason))
        return
    try:
        inputs = {one.name: type_form(one.codec.type, one.description) for one in signature.parameters}
        output = type_form(signature.output.type, signature.output.description)
    except NoFormError as fault:
        parts.leave_out(spec.name, 0, str(fault))
        return
    given = tuple(one.canonical for one in spec.given)
    ensure = tuple(one.canonical for one in spec.ensure)
    described = " ".join(signature.doc.split())
    if isinstance(spec, ComputeSpec):
        parts.functions[spec.name] = ComputeForm(
            description=described,
            input=inputs,
            output=output,
            given=given,
            ensure=ensure,
            expression=_returns(spec.expression),
        )
        return
    quorum = spec.quorum
    parts.functions[spec.name] = InferForm(
        description=described,
        intent=spec.intent,
        context=spec.context,
        input=inputs,
        output=output,
        given=given,
        ensure=ensure,
        model=spec.model,
        fallbacks=spec.fallbacks,
        temperature=spec.temperature,
        max_tokens=spec.max_tokens,
        budget=_budget(spec.budget),
        retries=spec.retries,
        cache=spec.cache,
        stable=spec.stable,
        quorum=None if quorum is None else quorum.votes,
        agree_on=None if quorum is None else quorum.agree_on,
        threshold=None if quorum is None else quorum.threshold,
        refine=_refine(spec),
    )


def _native_reason(spec: InferSpec | ComputeSpec, source: str, reason: str) -> str:
    """Say why a function cannot be said, and what to do."""
    if isinstance(spec, ComputeSpec) and _has_native_body(spec):
        return f"its body is Python: {reason}; the operator can register it for documents (`python: NAME`)"
    return f"`{source}` is Python: {reason}; write it as text of the expression language"


def _has_native_body(spec: ComputeSpec) -> bool:
    """Return whether the body of a compute function is not an expression."""
    body = spec.expression
    return body is not None and not isinstance(body, Mapping) and is_native(body)


def _refine(spec: InferSpec) -> Refine | None:
    """Return how a function asks again."""
    if spec.refine is None:
        return None
    return Refine(
        check=spec.refine.check,
        until=spec.refine.until.canonical,
        feedback=spec.refine.feedback.canonical,
        max_iterations=spec.refine.max_iterations,
    )


def _conditions(spec: InferSpec | ComputeSpec) -> list[Expression]:
    """Return every expression of a function."""
    found = [*spec.given, *spec.ensure]
    if isinstance(spec, InferSpec):
        return found if spec.refine is None else [*found, spec.refine.until, spec.refine.feedback]
    body = spec.expression
    if body is None:
        return found
    return [*found, *(body.values() if isinstance(body, Mapping) else [body])]


def _returns(body: Returns | None) -> Expr | Mapping[str, Expr]:
    """Return a body as its canonical text."""
    if isinstance(body, Mapping):
        return {name: one.canonical for name, one in body.items()}
    return None if body is None else body.canonical


def _budget(caps: Caps | None) -> BudgetForm | None:
    """Return a cap as a document writes it."""
    if caps is None:
        return None
    usd = None if caps.nusd is None else caps.nusd / _NUSD_PER_USD
    return BudgetForm(usd=usd, ms=caps.ms, tokens=caps.tokens, calls=caps.calls)


def _add_flow(parts: _Parts, flow: FlowFunction[..., object]) -> None:
    """Add a flow that is straight, or note why it is not."""
    signature = flow.signature
    name = signature.name
    definition = definition_of(flow.__wrapped__)
    if definition is None or isinstance(definition, ast.Lambda):
        parts.leave_out(name, 0, "its source is not available")
        return
    try:
        inputs = {one.name: type_form(one.codec.type, one.description) for one in signature.parameters}
        output = type_form(signature.output.type, signature.output.description)
        body = read_body(definition.body, list(inputs), _names(flow), _after(flow))
    except (UnreadableError, NoFormError) as fault:
        parts.leave_out(name, getattr(fault, "line", 0), str(fault))
        return
    parts.flows[name] = Flow(
        description=" ".join(signature.doc.split()),
        input=inputs,
        output=output,
        budget=None if flow.budget is None else _budget(flow.budget.caps),
        steps=body.steps,
        return_=body.returns,
    )


def _after(flow: FlowFunction[..., object]) -> dict[int, tuple[str, ...]]:
    """Return the `# after:` comments of the file a flow stands in."""
    try:
        lines, _ = inspect.findsource(flow.__wrapped__)
    except (OSError, TypeError):
        return {}
    return after_comments("".join(lines))


def _names(flow: FlowFunction[..., object]) -> ModuleNames:
    """Return what the names around a flow mean."""
    callees: dict[str, Callee] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    library: dict[str, str] = {}
    expressions: dict[str, str] = {}
    records: dict[str, tuple[str, ...]] = {}
    for name, value in names_around(flow.__wrapped__).items():
        called = str(getattr(value, "__name__", ""))
        made = _decorated(value)
        if made is not None:
            callees[name] = ("flow" if isinstance(made, FlowFunction) else "function", made.signature.name)
            inputs[name] = tuple(one.name for one in made.signature.parameters)
        elif getattr(value, "__module__", "") == _FUNCTIONS and callable(value):
            expressions[name] = called
        elif isinstance(value, type) and issubclass(value, BaseModel):
            records[name] = tuple(value.model_fields)
        elif isinstance(value, type) and is_dataclass(value) and called not in _LIBRARY:
            records[name] = tuple(part.name for part in fields(value))
        elif called in _LIBRARY:
            library[name] = called
    reading = Reading(library=expressions, records=records)
    return ModuleNames(callees=callees, inputs=inputs, library=library, reading=reading)


def _checked(parts: _Parts) -> Emitted:
    """Leave out what needs something that was left out, and what the checks refuse; return the rest."""
    while True:
        document = _document(parts)
        if not (document.functions or document.flows or document.contracts):
            break
        broken = _missing_callees(parts) or _refused(document)
        if not broken:
            break
        for name, why in broken:
            parts.functions.pop(name, None)
            parts.flows.pop(name, None)
            parts.leave_out(name, 0, why)
    document = _document(parts)
    is_empty = not (document.functions or document.flows)
    return Emitted(
        text="" if is_empty else dump(document),
        unsaid=tuple(sorted(parts.unsaid, key=lambda one: (one.line, one.name))),
        contracts=len(document.contracts),
        functions=len(document.functions),
        flows=len(document.flows),
    )


def _document(parts: _Parts) -> Document:
    """Return what can be said so far."""
    contracts: dict[str, Contract] = {}
    for name, record in parts.records.items():
        try:
            forms = {part.name: type_form(part.type, part.description) for part in record.fields}
        except NoFormError as fault:
            if not any(one.name == name for one in parts.unsaid):
                parts.leave_out(name, 0, str(fault))
            continue
        contracts[name] = Contract(fields=forms)
    return Document(contracts=contracts, functions={**parts.functions}, flows={**parts.flows})


def _missing_callees(parts: _Parts) -> list[tuple[str, str]]:
    """Return the functions and flows that name what was left out."""
    missing: list[tuple[str, str]] = []
    for name, part in parts.functions.items():
        check_name = (
            part.refine.check if isinstance(part, InferForm) and isinstance(part.refine, Refine) else None
        )
        if check_name is not None and check_name not in parts.functions:
            missing.append((name, f"its check `{check_name}` has no form in a document"))
    for name, flow in parts.flows.items():
        lost = [
            found
            for step in flow.steps
            if isinstance(step, Step)
            for kind, found in _called(step)
            if found not in (parts.functions if kind == "function" else parts.flows)
        ]
        if lost:
            missing.append((name, f"it calls `{lost[0]}`, which has no form in a document"))
    return missing


def _called(step: Step) -> Sequence[tuple[str, str]]:
    """Return the kinds and names of what a step calls."""
    found: list[tuple[str, str | None]] = [("function", step.function), ("flow", step.flow)]
    for group in (step.parallel, step.race):
        if group is not None:
            for branch in group.branches.values():
                found += [
                    ("function", getattr(branch, "function", None)),
                    ("flow", getattr(branch, "flow", None)),
                ]
    if step.debate is not None:
        found += [
            ("function", agent)
            for agent in (*step.debate.agents, step.debate.synthesize)
            if isinstance(agent, str)
        ]
    return [(kind, name) for kind, name in found if name]


def _refused(document: Document) -> list[tuple[str, str]]:
    """Return the functions and flows that the checks refuse, with the first reason of each."""
    refused: dict[str, str] = {}
    for found in check(dump(document)).diagnostics:
        path = found.path.split(".")
        if found.severity == "error" and len(path) > 1 and path[0] in {"functions", "flows"}:
            refused.setdefault(path[1], f"{found.code}: {found.message}")
    return list(refused.items())
