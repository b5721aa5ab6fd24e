"""Layout: whatever is broken over lines still means the same."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from stratum_core.codegen._layout import statement

_NAMES = st.sampled_from(["a", "review", "confidence_of_the_thing"])
_LEAVES = st.one_of(
    _NAMES,
    st.integers(min_value=0, max_value=99_999).map(str),
    st.text(max_size=120).map(repr),
    st.just("None"),
    st.just("-1"),
    st.just("0.5"),
)


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions with parts."""
    two, three = st.tuples(inner, inner), st.tuples(inner, inner, inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} and {p[1]})"),
        three.map(lambda p: f"({p[0]} or {p[1]} or {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
        two.map(lambda p: f"({p[0]} + {p[1]})"),
        three.map(lambda p: f"({p[0]} * {p[1]} - {p[2]})"),
        two.map(lambda p: f"({p[0]} < {p[1]})"),
        two.map(lambda p: f"({p[0]} not in {p[1]})"),
        three.map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        two.map(lambda p: f"call({p[0]}, named={p[1]})"),
        two.map(lambda p: f"review.field.method({p[0]})[{p[1]}]"),
        two.map(lambda p: f"review[{p[0]}:{p[1]}]"),
        three.map(lambda p: f"[{p[0]} for one in {p[1]} if {p[2]}]"),
        three.map(lambda p: f"{{{p[0]} for one, two in {p[1]} if {p[2]}}}"),
        two.map(lambda p: f"sum({p[0]} for one in {p[1]})"),
        two.map(lambda p: f"[{p[0]}, {p[1]}]"),
        two.map(lambda p: f"({p[0]}, {p[1]})"),
        inner.map(lambda p: f"({p},)"),
        two.map(lambda p: f"{{'a': {p[0]}, 'b': {p[1]}}}"),
        inner.map(lambda p: f"(await call({p}))"),
        inner.map(lambda p: f"Views(*await call({p}))"),
        inner.map(lambda p: f"call(validate=lambda results: {p})"),
        two.map(lambda p: f"Literal[{p[0]}, {p[1]}]"),
    )


@given(st.recursive(_LEAVES, _more, max_leaves=25))
def test_a_laid_out_expression_is_the_same_expression(text: str) -> None:
    tree = ast.parse(text, mode="eval").body

    (assigned,) = ast.parse(statement("value = ", tree)).body
    assert isinstance(assigned, ast.Assign)
    assert ast.dump(assigned.value) == ast.dump(tree)


@given(st.recursive(_LEAVES, _more, max_leaves=25))
def test_a_statement_inside_a_body_stays_inside(text: str) -> None:
    made = statement("return ", ast.parse(text, mode="eval").body, indent=8)

    (function,) = ast.parse(f"async def f():\n    if a:\n{made}").body
    assert isinstance(function, ast.AsyncFunctionDef)
    (inner,) = function.body
    assert isinstance(inner, ast.If)
    assert len(inner.body) == 1
