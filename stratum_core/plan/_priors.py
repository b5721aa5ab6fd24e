"""Priors: what is expected of calls nobody has seen yet, each with the reason for its figure.

They only shape the likely range, never the worst case. A user's own history of the same function is better
than any of them and takes their place where there is some.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from stratum_core.contracts import (
    EnumType,
    FloatType,
    ListType,
    MapType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.plan._rules import tree_of
from stratum_core.plan._sizes import Known, Shape, Unknown, bare, field_of, json_bytes
from stratum_core.specs import Expression, InferSpec

__all__ = [
    "BASIS",
    "FEEDBACK_BYTES",
    "STILL_ARGUING",
    "Share",
    "branch_share",
    "extra_attempts",
    "iterations",
    "likely_answer_bytes",
]

BASIS = (
    "from general experience, not from your own runs: answers half to twice their usual length, a condition on one "
    "of k labels true once in k times, one call in twenty asked again and more for each condition on its answer, an "
    "answer that is improved good enough every second time, a debate still undecided after a round seven times in ten"
)
"""What a person is told the likely range rests on."""

_TEXT_BYTES = 180
"""A free text field of an answer: two sentences, the length chat models settle on when nothing asks for more."""
_TEXT_SHARE = 0.4
"""Of a stated `max_length`: authors leave room, and models stay clear of a limit they are told."""
_LIST_ITEMS = 4
"""Items of a list in an answer when no length is stated."""
_SCALAR_BYTES = 5
_JSON_BYTES = 400

_RETRY_RATE = 0.03
"""Calls that break their output type at first: few, since providers hold models to the schema."""
_ENSURE_RETRY_RATE = 0.04
"""More of them for each condition the schema cannot say."""

STILL_ARGUING = 0.7
"""Rounds of a debate that end without agreement: sides told to argue mostly keep their position once."""
_GOOD_ENOUGH = 0.5
"""Iterations that meet their condition: a condition worth stating fails at first about as often as it holds."""
_PATIENT = 4
"""Iterations that nineteen calls in twenty need at most, when every second one is good enough."""
FEEDBACK_BYTES = 300
"""What an iteration is told: a few findings, a line each."""

_UNKNOWN_BRANCH = 0.5
_ONE_SIDED = 0.4
"""A threshold on a figure the model gives: models are sure of themselves more often than not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How often something happens for each time it could."""

    low: float
    likely: float
    high: float


def likely_answer_bytes(kind: Type) -> float:
    """Return the expected bytes of an answer of this type as JSON."""
    kind = bare(kind)
    match kind:
        case StringType(max_length=longest):
            return _TEXT_BYTES if longest is None else min(_TEXT_BYTES * 3, _TEXT_SHARE * longest) + 2
        case EnumType(values=values):
            return sum(json_bytes(value) for value in values) / max(1, len(values))
        case ListType(item=item, min_length=shortest, max_length=longest):
            items = max(shortest or 0, _LIST_ITEMS if longest is None else min(_LIST_ITEMS, longest))
            return 2 + items * (likely_answer_bytes(item) + 1)
        case MapType(value=value):
            return 2 + _LIST_ITEMS * (likely_answer_bytes(value) + 12)
        case RecordType(fields=fields):
            return 2 + sum(len(part.name) + 4 + likely_answer_bytes(part.type) for part in fields)
        case _:
            return _SCALAR_BYTES if not _is_free(kind) else _JSON_BYTES


def _is_free(kind: Type) -> bool:
    """Return whether the type says nothing about the size."""
    return type(kind).__name__ in {"JsonType", "AnyType", "BytesType"}


def extra_attempts(spec: InferSpec) -> float:
    """Return the expected contract retries of one call."""
    if spec.retries == 0:
        return 0.0
    return _RETRY_RATE + _ENSURE_RETRY_RATE * len(spec.ensure)


def iterations(most: int) -> Share:
    """Return how many iterations a call takes that may take so many."""
    likely = sum((1 - _GOOD_ENOUGH) ** done for done in range(most))
    return Share(low=1, likely=likely, high=min(most, _PATIENT))


def branch_share(condition: Expression, env: Mapping[str, Shape]) -> Share:
    """Return how often a condition is expected to hold that only a run can decide."""
    likely = min(0.95, max(0.05, _share(tree_of(condition), env)))
    return Share(low=likely / 2.5, likely=likely, high=min(1.0, likely * 2))


def _share(node: ast.expr, env: Mapping[str, Shape]) -> float:
    """Return the expected share of one condition."""
    match node:
        case ast.Constant(value=bool() as value):
            return float(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return 1 - _share(operand, env)
        case ast.BoolOp(op=ast.And(), values=values):
            shares = sorted(_share(value, env) for value in values)
            # Conditions on one answer go together: the rarest counts in full, each further one takes a quarter away.
            return shares[0] * 0.75 ** sum(share < 1 for share in shares[1:])
        case ast.BoolOp(values=values):
            return min(1.0, sum(_share(value, env) for value in values))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare_share(left, op, right, env)
        case _:
            return _UNKNOWN_BRANCH


def _compare_share(left: ast.expr, op: ast.cmpop, right: ast.expr, env: Mapping[str, Shape]) -> float:
    """Return the expected share of one comparison."""
    kind = bare(_type_at(left, env))
    match op:
        case ast.Eq() | ast.NotEq() if isinstance(kind, EnumType):
            share = 1 / max(1, len(kind.values))
        case ast.In() | ast.NotIn() if isinstance(kind, EnumType) and isinstance(right, ast.List):
            share = len(right.elts) / max(1, len(kind.values))
        case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() if isinstance(kind, FloatType):
            below = isinstance(op, (ast.Lt, ast.LtE))
            return _ONE_SIDED if below else 1 - _ONE_SIDED
        case _:
            return _UNKNOWN_BRANCH
    return 1 - share if isinstance(op, (ast.NotEq, ast.NotIn)) else share


def _type_at(node: ast.expr, env: Mapping[str, Shape]) -> Type:
    """Return the type of a name or a field of one, as far as the shapes say."""
    shape = _shape_at(node, env)
    return shape.type if isinstance(shape, Unknown) else Unknown(most=0, likely=0).type


def _shape_at(node: ast.expr, env: Mapping[str, Shape]) -> Shape:
    match node:
        case ast.Name(id=name):
            return env.get(name, Known(None))
        case ast.Attribute(value=owner, attr=name):
            return field_of(_shape_at(owner, env), name)
        case _:
            return Known(None)
