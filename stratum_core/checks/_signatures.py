"""Give types to contracts and signatures, so that every later rule works with types and never with texts.

A contract is resolved when something first names it, so that contracts may refer to each other in any order; a circle
is reported where it closes. A type with a diagnostic becomes `any`, which fits everywhere and causes no further ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from stratum_core.checks._findings import Findings
from stratum_core.contracts import (
    AnyType,
    Field,
    NullType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    Type,
    without_opaque,
)
from stratum_core.ir import Contract, Document, InferFunction, Invalid, LongType, Path, TypeForm, parse_type
from stratum_core.specs import Parameter

__all__ = ["ANY", "Signature", "Signatures", "Types", "read_signatures"]

ANY = AnyType()
"""The type of what has a diagnostic already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function or flow takes and gives."""

    kind: Literal["function", "flow"]
    name: str
    parameters: tuple[Parameter, ...] = ()
    inputs: Mapping[str, Type] | None
    """Types by name; None when the inputs have a diagnostic: calls are then not compared with them."""
    output: Type
    """What one call is asked for."""
    stable: bool = True
    """False: a step gets a distribution of outputs, `probabilistic<T>`."""

    @property
    def value(self) -> Type:
        """The type of the value as a later step sees it."""
        return self.output if self.stable else ProbabilisticType(self.output)

    @property
    def required(self) -> tuple[str, ...]:
        """The inputs a call has to give."""
        return tuple(name for name, kind in (self.inputs or {}).items() if not _may_be_left_out(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Everything a call can name; None stands for what has a diagnostic already."""

    functions: Mapping[str, Signature | None]
    flows: Mapping[str, Signature | None]


class Types(Mapping[str, Type]):
    """The contracts of a document by name, resolved on first use."""

    __slots__ = ("_contracts", "_done", "_findings", "_open", "_parsed")

    def __init__(self, document: Document, findings: Findings) -> None:
        self._contracts = document.contracts
        self._findings = findings
        self._done: dict[str, Type] = {}
        self._open: list[str] = []
        self._parsed: dict[str, Type] = {}

    def __getitem__(self, name: str) -> Type:
        done = self._done.get(name)
        if done is not None:
            return done
        contract = self._contracts[name]
        if isinstance(contract, Invalid):
            return ANY
        if name in self._open:
            self._report_circle(name)
            return ANY
        self._open.append(name)
        kind = self._record(name, contract)
        self._open.pop()
        self._done[name] = kind
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._contracts

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    def read(self, path: Path, form: TypeForm) -> Type:
        """Return the type a document writes at `path`; `any` when it has a diagnostic."""
        if isinstance(form, Invalid):
            return ANY
        if isinstance(form, str):
            known = self._parsed.get(form)
            if known is not None:
                return known
        parsed = parse_type(form, self)
        for finding in parsed.findings:
            self._findings.add_type(path, finding)
        if isinstance(form, str) and not parsed.findings:
            self._parsed[form] = parsed.type
        return parsed.type

    def records(self) -> dict[str, RecordType]:
        """Return every contract without a diagnostic, resolving those that nothing has named."""
        found: dict[str, RecordType] = {}
        for name in self._contracts:
            kind = self[name]
            if isinstance(kind, RecordType):
                found[name] = kind
        return found

    def _record(self, name: str, contract: Contract) -> Type:
        """Return the record a contract describes."""
        if not contract.fields:
            return ANY
        return RecordType(
            name=name,
            fields=tuple(
                Field(
                    name=field, type=self.read(("contracts", name, field), form), description=_described(form)
                )
                for field, form in contract.fields.items()
            ),
        )

    def _report_circle(self, name: str) -> None:
        """Report the contracts that hold each other, at the one that closes the circle."""
        circle = [*self._open[self._open.index(name) :], name]
        self._findings.add(
            "E304",
            ("contracts", self._open[-1]),
            f"contracts may not hold themselves: {' -> '.join(circle)}",
            suggestion="refer to the other record by an id field",
            key=True,
        )


def _described(form: TypeForm) -> str:
    """Return the description a type carries in long form."""
    return form.description if isinstance(form, LongType) else ""


def read_signatures(document: Document, types: Types) -> Signatures:
    """Return what every function and flow takes and gives."""
    functions: dict[str, Signature | None] = {}
    for name, function in document.functions.items():
        if isinstance(function, Invalid):
            functions[name] = None
            continue
        path: Path = ("functions", name)
        parameters = _parameters(types, path, function.input)
        functions[name] = Signature(
            kind="function",
            name=name,
            parameters=parameters,
            inputs=None
            if isinstance(function.input, Invalid)
            else {one.name: one.type for one in parameters},
            output=types.read((*path, "output"), function.output),
            stable=not isinstance(function, InferFunction) or function.stable,
        )
    flows: dict[str, Signature | None] = {}
    for name, flow in document.flows.items():
        if isinstance(flow, Invalid):
            flows[name] = None
            continue
        path = ("flows", name)
        parameters = _parameters(types, path, flow.input)
        flows[name] = Signature(
            kind="flow",
            name=name,
            parameters=parameters,
            inputs=None if isinstance(flow.input, Invalid) else {one.name: one.type for one in parameters},
            output=types.read((*path, "output"), flow.output),
        )
    return Signatures(functions=functions, flows=flows)


def _parameters(types: Types, path: Path, forms: Mapping[str, TypeForm] | Invalid) -> tuple[Parameter, ...]:
    """Return the declared inputs with their types, in order."""
    if isinstance(forms, Invalid):
        return ()
    return tuple(
        Parameter(name=name, type=types.read((*path, "input", name), form), description=_described(form))
        for name, form in forms.items()
    )


def _may_be_left_out(kind: Type) -> bool:
    """Return whether a call may leave the input away: null is then passed."""
    return isinstance(without_opaque(kind), (OptionalType, NullType, AnyType))
