"""`@contract`: a pydantic model whose fields are what a model call takes or has to answer."""

from __future__ import annotations

from typing import TypeVar, cast

from pydantic import BaseModel

from stratum_core.authoring._places import caller_names, caller_place
from stratum_core.authoring._records import Registration, register, registration_of
from stratum_core.authoring._types import codec_of
from stratum_core.contracts import RecordType, contract_hash
from stratum_core.errors import StratumCompileError

__all__ = ["contract", "record_of"]

M = TypeVar("M", bound=BaseModel)

_HASH = "contract_hash"


class _Hash:
    """The attribute `contract_hash` of a contract: that of the class it is read from, never of a base."""

    def __get__(self, instance: object, owner: type[BaseModel]) -> str:
        if registration_of(owner) is None:
            raise AttributeError(
                f"`{owner.__name__}` has no @contract of its own, so it has no contract_hash"
            )
        return contract_hash(record_of(owner))


def contract(model: type[M]) -> type[M]:
    """Make a pydantic model a contract: the type of inputs and answers.

    The fields keep their order, which reaches the model, with their constraints and descriptions. A field without
    `None` in its type is required, whatever its default. The class itself is given back, with the attribute
    `contract_hash`: 12 hex digits, the same as for this contract in a document.

    Raises:
        StratumCompileError: The class is no pydantic `BaseModel`, holds itself, or has a field of a type that no
            document could write. Names that are defined further down are looked up at the first use.
    """
    where = f"contract `{getattr(model, '__name__', model)}` ({caller_place()})"
    _check_class(model, where)
    if _HASH not in model.model_fields:
        setattr(model, _HASH, _Hash())
    is_whole = model.__pydantic_complete__ and not model.__pydantic_generic_metadata__["parameters"]
    register(model, Registration(where=where, names={} if is_whole else caller_names()))
    if is_whole:
        codec_of(model, where=where)
    return model


def record_of(model: type[BaseModel]) -> RecordType:
    """Return the record a contract stands for.

    Raises:
        StratumCompileError: The class has no `@contract`, or a name in its fields is not defined.
    """
    return cast("RecordType", codec_of(model, where=f"`{model.__name__}`").type)


def _check_class(model: type[BaseModel], where: str) -> None:
    """Refuse what is no record with fixed fields."""
    if not _is_model(model):
        raise StratumCompileError(
            f"{where}: @contract stands on a pydantic BaseModel, not on {_kind_of(model)}",
            remedy="write `class Name(BaseModel):`",
        )
    if model.__pydantic_root_model__:
        raise StratumCompileError(
            f"{where} is a RootModel, which has no fields", remedy="annotate the type itself, such as list[T]"
        )
    if not model.model_fields:
        raise StratumCompileError(f"{where} has no fields", remedy="give it at least one")
    if model.model_config.get("extra") == "allow":
        raise StratumCompileError(
            f"{where} allows extra fields; a contract names every one",
            remedy='leave extra="allow" out, or add a field of type dict[str, pydantic.JsonValue]',
        )


def _is_model(model: object) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel)


def _kind_of(model: object) -> str:
    return "a plain class" if isinstance(model, type) else f"a {type(model).__name__}"
