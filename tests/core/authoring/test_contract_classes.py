"""`@contract`: which classes are contracts, when their fields are read, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

from stratum_core import StratumCompileError, contract, infer
from stratum_core.authoring._contract import record_of
from stratum_core.contracts import contract_hash, json_schema

LINE = r"test_contract_classes\.py:\d+"


def hash_of(model: type[BaseModel]) -> str:
    return cast("Any", model).contract_hash


@contract
class Base(BaseModel):
    name: str


@contract
class Derived(Base):
    size: int = 3


class Undecorated(Base):
    more: str


@contract
class Early(BaseModel):
    late: list[Late]


@contract
class Late(BaseModel):
    name: str


def test_the_class_stays_what_it_was() -> None:
    value = Derived(name="a", size=1)
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own bytes
    assert Derived.model_validate({"name": "a"}).size == 3


def test_a_field_with_a_default_is_required_of_an_answer_unless_it_may_be_none() -> None:
    assert [field.name for field in record_of(Derived).fields] == ["name", "size"]

    @contract
    class Note(BaseModel):
        text: str = "x"
        tag: str | None = None

    schema = schema_of(Note)
    assert schema["required"] == ["text"]


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return cast("dict[str, Any]", json_schema(record_of(model)))


def test_an_inherited_contract_has_the_fields_of_its_base_first_and_a_hash_of_its_own() -> None:
    assert record_of(Derived).field_names == ("name", "size")
    assert hash_of(Base) == contract_hash(record_of(Base)) != hash_of(Derived)


def test_a_subclass_without_the_decorator_is_no_contract() -> None:
    with pytest.raises(AttributeError):
        hash_of(Undecorated)
    with pytest.raises(StratumCompileError, match="put @contract above `class Undecorated`"):
        record_of(Undecorated)


def test_contracts_of_a_module_may_name_each_other_in_any_order() -> None:
    assert record_of(Early).field_names == ("late",)


def test_contracts_inside_a_function_are_read_there() -> None:
    @contract
    class Inner(BaseModel):
        text: str

    @contract
    class Outer(BaseModel):
        inner: Inner
        others: list[Inner]

    @infer(intent="Make one.")
    async def make(inner: Inner) -> Outer: ...

    assert make.spec.output == record_of(Outer)


def test_two_contracts_of_one_name_are_two() -> None:
    def one() -> type[BaseModel]:
        @contract
        class Twin(BaseModel):
            a: int

        return Twin

    def other() -> type[BaseModel]:
        @contract
        class Twin(BaseModel):
            b: str

        return Twin

    first, second = one(), other()
    assert record_of(first).field_names == ("a",)
    assert record_of(second).field_names == ("b",)


def test_a_contract_that_holds_itself_is_refused() -> None:
    class Node(BaseModel):
        child: Node | None

    with pytest.raises(StratumCompileError, match=rf"`Node` \(.*{LINE}\) holds itself: Node -> Node"):
        contract(Node)


def test_contracts_that_hold_each_other_are_refused_where_the_circle_closes() -> None:
    @contract
    class Left(BaseModel):
        right: Right | None

    class Right(BaseModel):
        left: list[Left]

    with pytest.raises(StratumCompileError, match="holds itself: Right -> Left -> Right"):
        contract(Right)


def test_a_name_that_is_never_defined_is_told_at_the_first_use() -> None:
    open_model = contract(create_model("Open", gone=cast("Any", ("Gone", ...))))
    with pytest.raises(StratumCompileError, match="names `Gone`, which is not defined yet"):
        record_of(open_model)


def _plain() -> None:
    class Plain:
        a: int

    contract(cast("Any", Plain))


def _dataclass() -> None:
    @dataclass
    class Data:
        a: int

    contract(cast("Any", Data))


def _function() -> None:
    contract(cast("Any", _plain))


def _root() -> None:
    class Root(RootModel[list[int]]):
        pass

    contract(Root)


def _empty() -> None:
    class Empty(BaseModel):
        pass

    contract(Empty)


def _extra() -> None:
    class Extra(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int

    contract(Extra)


def _alias() -> None:
    class Alias(BaseModel):
        a: int = Field(alias="A")

    contract(Alias)


def _bad_field() -> None:
    class Bad(BaseModel):
        a: set[int]

    contract(Bad)


def _bad_bound() -> None:
    class Bad(BaseModel):
        a: Annotated[int, Field(multiple_of=3)]

    contract(Bad)


@pytest.mark.parametrize(
    ("define", "said"),
    [
        (_plain, "not on a plain class; write `class Name\\(BaseModel\\):`"),
        (_dataclass, "not on a plain class"),
        (_function, "not on a function"),
        (_root, "is a RootModel"),
        (_empty, "has no fields"),
        (_extra, "allows extra fields"),
        (_alias, "field `a` has the alias 'A'"),
        (_bad_field, r"field `a`: `set\[int\]` is not a type"),
        (_bad_bound, "field `a`: `multiple_of=3` cannot stand"),
    ],
)
def test_what_is_no_contract_is_refused_where_it_stands(define: Callable[[], None], said: str) -> None:
    with pytest.raises(StratumCompileError, match=said) as caught:
        define()
    assert "test_contract_classes.py:" in caught.value.message
