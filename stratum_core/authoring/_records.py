"""Contracts as records: a pydantic model with `@contract`, its fields in order, and its values both ways.

The record is made when something first needs it, so that contracts of one module may name each other in any order,
and is kept on the class itself. Its hash is that of the same contract in a document.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from stratum_core.authoring._bounds import annotated_codec
from stratum_core.authoring._codec import Codec
from stratum_core.contracts import Field, JsonValue, RecordType, describe
from stratum_core.errors import ContractViolation, StratumCompileError

__all__ = ["Reader", "Registration", "record_codec", "register", "registration_of"]

Reader: TypeAlias = Callable[[object, str, "tuple[type[BaseModel], ...]"], Codec]
"""Reads an annotation, at a place, inside some contracts."""

_MARK = "__stratum_contract__"
_SHOWN = 80


@dataclass(slots=True)
class Registration:
    """What is known about a contract; kept on its class."""

    where: str
    """The contract and its place, such as "contract `Review` (app.py:10)"."""
    names: Mapping[str, object]
    """Local names that were in scope at its decorator."""
    codec: Codec | None = None
    """None until something needs it."""


def register(model: type[BaseModel], noted: Registration) -> None:
    """Keep what is known about a contract on its class."""
    setattr(model, _MARK, noted)


def registration_of(model: type[BaseModel]) -> Registration | None:
    """Return what `@contract` noted about exactly this class, not about a base of it."""
    found = vars(model).get(_MARK)
    return found if isinstance(found, Registration) else None


def record_codec(
    model: type[BaseModel], where: str, around: tuple[type[BaseModel], ...], read: Reader
) -> Codec:
    """Return the codec of a contract.

    Raises:
        StratumCompileError: The class has no `@contract`, holds itself, or has a field that no document could write.
    """
    noted = registration_of(model) or _parametrised(model)
    if noted is None:
        raise StratumCompileError(
            f"{where}: `{model.__name__}` is a pydantic model without @contract",
            remedy=f"put @contract above `class {model.__name__}`",
        )
    if noted.codec is not None:
        return noted.codec
    if model in around:
        circle = [*around[around.index(model) :], model]
        raise StratumCompileError(
            f"{noted.where} holds itself: {' -> '.join(part.__name__ for part in circle)}",
            remedy="refer to the other record by an id field",
        )
    noted.codec = _built(model, noted, (*around, model), read)
    return noted.codec


def _parametrised(model: type[BaseModel]) -> Registration | None:
    """Return a registration for `Page[Review]`, which pydantic makes from the contract `Page`."""
    origin = None if model is BaseModel else model.__pydantic_generic_metadata__["origin"]
    noted = registration_of(origin) if origin is not None else None
    if noted is None:
        return None
    made = Registration(where=f"{noted.where}, as `{model.__name__}`", names=noted.names)
    register(model, made)
    return made


def _built(
    model: type[BaseModel], noted: Registration, around: tuple[type[BaseModel], ...], read: Reader
) -> Codec:
    """Read the fields of a model."""
    _complete(model, noted, around)
    fields: list[Field] = []
    codecs: dict[str, Codec] = {}
    for name, info in model.model_fields.items():
        where = f"{noted.where}: field `{name}`"
        _refuse_alias(info, name, where)
        codec = annotated_codec(read(info.annotation, where, around), [info], where=where)
        codecs[name] = codec
        fields.append(Field(name=name, type=codec.type, description=codec.description))
    kind = RecordType(name=re.sub(r"\W+", "", model.__name__), fields=tuple(fields))
    return Codec(
        type=kind,
        fields=codecs,
        model=model,
        to_json=_dumper(model, codecs),
        to_python=_loader(model, codecs, kind),
    )


def _complete(model: type[BaseModel], noted: Registration, around: tuple[type[BaseModel], ...]) -> None:
    """Let pydantic resolve the names that a model's annotations use before their definition."""
    if not model.__pydantic_complete__:
        module = sys.modules.get(model.__module__)
        names = {**vars(module)} if module is not None else {}
        names.update(noted.names)
        names.update({part.__name__: part for part in around})
        try:
            model.model_rebuild(_types_namespace=names)
        except NameError as fault:
            missing = fault.name or str(fault)
            raise StratumCompileError(
                f"{noted.where} names `{missing}`, which is not defined yet",
                remedy=f"define `{missing}` above what uses the contract",
            ) from fault


def _refuse_alias(info: FieldInfo, name: str, where: str) -> None:
    """Refuse a second name: a document knows one."""
    alias = info.validation_alias or info.serialization_alias or info.alias
    if alias is not None and alias != name:
        raise StratumCompileError(
            f"{where} has the alias {alias!r}; a contract's field has one name",
            remedy="name the field as the data does, and leave the alias out",
        )


def _dumper(model: type[BaseModel], codecs: Mapping[str, Codec]) -> Callable[[object], object]:
    """Return how an instance becomes a record; a mapping is taken as the record it looks like."""

    def dump(value: object) -> object:
        if isinstance(value, model):
            return {name: codec.to_json(getattr(value, name)) for name, codec in codecs.items()}
        if isinstance(value, Mapping):
            parts = cast("Mapping[str, object]", value)
            return {
                name: codecs[name].to_json(part) if name in codecs else part for name, part in parts.items()
            }
        return value

    return dump


def _loader(
    model: type[BaseModel], codecs: Mapping[str, Codec], kind: RecordType
) -> Callable[[JsonValue, str], object]:
    """Return how a checked record becomes an instance; the model's own validators run."""

    def load(value: JsonValue, path: str) -> object:
        record = cast("Mapping[str, JsonValue]", value)
        prefix = f"{path}." if path else ""
        parts = {name: codec.to_python(record[name], prefix + name) for name, codec in codecs.items()}
        try:
            return model.model_validate(parts)
        except ValidationError as fault:
            raise _refused(fault, kind, prefix) from fault

    return load


def _refused(fault: ValidationError, kind: RecordType, prefix: str) -> ContractViolation:
    """Turn what a model's own validators say into our error."""
    violations = [
        {
            "path": (prefix + ".".join(str(part) for part in error["loc"])).rstrip(".") or "$",
            "message": error["msg"],
            "actual": repr(error["input"])[:_SHOWN],
        }
        for error in fault.errors(include_url=False)
    ]
    shown = "; ".join(f"{entry['path']}: {entry['message']}, not {entry['actual']}" for entry in violations)
    return ContractViolation(
        f"the value does not satisfy {describe(kind)}: {shown}", detail={"violations": violations}
    )
