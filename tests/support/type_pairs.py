"""Generated types, each as a document writes it and as Python annotates it: they must mean the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Literal

import pydantic
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from stratum_core.authoring import contract, opaque

__all__ = ["ContractPair", "TypePair", "contract_pairs", "type_pairs"]

NAMES = ("label", "text", "score", "items", "when", "other", "extra", "klass")
WORDS = st.text("abcdefgh -", min_size=1, max_size=12).map(str.strip).filter(bool)


@dataclass(frozen=True, kw_only=True)
class TypePair:
    """One type twice."""

    form: Any
    """As a document writes it: text, or a map in long form."""
    annotation: Any


@dataclass(frozen=True, kw_only=True)
class ContractPair:
    """One contract twice, with those it is made of."""

    name: str
    fields: dict[str, Any]
    model: type[BaseModel]
    inner: tuple[ContractPair, ...] = field(default=())

    def forms(self) -> dict[str, Any]:
        """Return this contract and its parts as the `contracts` of a document."""
        found: dict[str, Any] = {}
        for part in self.inner:
            found |= part.forms()
        return {**found, self.name: self.fields}


PLAIN = (
    TypePair(form="string", annotation=str),
    TypePair(form="int", annotation=int),
    TypePair(form="float", annotation=float),
    TypePair(form="bool", annotation=bool),
    TypePair(form="date", annotation=date),
    TypePair(form="datetime", annotation=datetime),
    TypePair(form="bytes", annotation=bytes),
    TypePair(form="json", annotation=pydantic.JsonValue),
)


@st.composite
def ranges(draw: st.DrawFn) -> TypePair:
    """Draw a number with bounds."""
    low, size = draw(st.integers(-9, 9)), draw(st.integers(0, 9))
    name, kind = draw(st.sampled_from([("int", int), ("float", float)]))
    return TypePair(
        form=f"{name}[{low}..{low + size}]", annotation=Annotated[kind, Field(ge=low, le=low + size)]
    )


def literals() -> st.SearchStrategy[TypePair]:
    """Draw an enum of texts."""
    return st.lists(WORDS, min_size=1, max_size=3, unique=True).map(
        lambda values: TypePair(
            form=" | ".join(json.dumps(value) for value in values), annotation=Literal[tuple(values)]
        )
    )


def _wrapped(inner: st.SearchStrategy[TypePair]) -> st.SearchStrategy[TypePair]:
    return st.one_of(
        inner.map(lambda one: TypePair(form=f"list<{one.form}>", annotation=list[one.annotation])),
        inner.map(lambda one: TypePair(form=f"map<{one.form}>", annotation=dict[str, one.annotation])),
        inner.filter(lambda one: not one.form.startswith(("optional", "json"))).map(
            lambda one: TypePair(form=f"optional<{one.form}>", annotation=one.annotation | None)
        ),
        inner.filter(lambda one: not one.form.startswith("opaque")).map(
            lambda one: TypePair(form=f"opaque<{one.form}>", annotation=opaque[one.annotation])
        ),
    )


def type_pairs(*contracts: ContractPair) -> st.SearchStrategy[TypePair]:
    """Draw a type that is written as text."""
    named = [TypePair(form=one.name, annotation=one.model) for one in contracts]
    return st.recursive(
        st.one_of(st.sampled_from((*PLAIN, *named)), ranges(), literals()), _wrapped, max_leaves=3
    )


@st.composite
def _fields(draw: st.DrawFn, *contracts: ContractPair) -> TypePair:
    """Draw a type, perhaps in long form with a description or lengths."""
    pair = draw(type_pairs(*contracts))
    long: dict[str, Any] = {}
    notes: dict[str, Any] = {}
    if draw(st.booleans()):
        notes["description"] = long["description"] = draw(WORDS)
    bare = pair.form.removeprefix("opaque<").removeprefix("optional<").removeprefix("opaque<")
    if bare.startswith(("string", "list")) and draw(st.booleans()):
        notes["min_length"] = long["min_length"] = draw(st.integers(0, 3))
        notes["max_length"] = long["max_length"] = draw(st.integers(3, 9))
    if bare.startswith("string") and draw(st.booleans()):
        notes["pattern"] = long["pattern"] = "^[a-z]+$"
    if not long:
        return pair
    return TypePair(form={"type": pair.form, **long}, annotation=Annotated[pair.annotation, Field(**notes)])


@st.composite
def contract_pairs(draw: st.DrawFn, name: str = "Outer", depth: int = 1) -> ContractPair:
    """Draw a contract; with some depth, one that may hold others."""
    inner = tuple(draw(contract_pairs(f"{name}{letter}", depth - 1)) for letter in "AB"[: 2 * depth])
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    fields = {one: draw(_fields(*inner)) for one in chosen}
    shapes: dict[str, Any] = {one: (pair.annotation, ...) for one, pair in fields.items()}
    return ContractPair(
        name=name,
        fields={one: pair.form for one, pair in fields.items()},
        model=contract(create_model(name, **shapes)),
        inner=inner,
    )
