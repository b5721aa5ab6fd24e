"""The hash of a function that was not read from a document: it equals that of the same function in one.

A spec holds checked types and expressions instead of texts, so its meaning is written from those. What only Python can
judge has no spelling in the expression language; its own text counts, marked as what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stratum_core.budget import Budget
from stratum_core.contracts import (
    Field,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    Type,
)
from stratum_core.ir._canonical import digest, function_meaning
from stratum_core.ir._document import BudgetForm, ComputeFunction, Function, InferFunction, Refine
from stratum_core.ir._type_json import type_json
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.money import to_usd
from stratum_core.specs import ComputeSpec, Expression, FunctionSpec, InferSpec

__all__ = ["spec_hash"]

_SHORT = 12


def spec_hash(spec: FunctionSpec, *, output_description: str = "") -> str:
    """Return 12 hex digits over the meaning of a function and the contracts it uses; its name does not count.

    Args:
        spec: The function; its own `function_hash` is not read.
        output_description: What the result's annotation says about it, as the long form of a type can.
    """
    spellings: dict[str, str] = {}
    form = _infer(spec, spellings) if isinstance(spec, InferSpec) else _compute(spec, spellings)
    meaning = function_meaning(form, spellings)
    meaning["input"] = [[one.name, _described(one.type, one.description)] for one in spec.inputs]
    meaning["output"] = _described(spec.output, output_description)
    records = {kind.name: kind for kind in _records([spec.output, *(one.type for one in spec.inputs)])}
    contracts = {name: _fields(kind.fields) for name, kind in records.items()}
    return digest({"function": meaning, "contracts": contracts})[:_SHORT]


def _infer(spec: InferSpec, spellings: dict[str, str]) -> Function:
    """Return a model call as a document has it, without its types."""
    refine = spec.refine
    return InferFunction(
        intent=spec.intent,
        context=spec.context,
        output="null",
        given=_texts(spec.given, spellings),
        ensure=_texts(spec.ensure, spellings),
        model=spec.model,
        fallbacks=spec.fallbacks,
        temperature=None if spec.temperature is None else float(spec.temperature),
        max_tokens=spec.max_tokens,
        budget=_budget(spec.budget),
        retries=spec.retries,
        cache=spec.cache,
        stable=spec.stable,
        quorum=spec.quorum.votes if spec.quorum else None,
        agree_on=spec.quorum.agree_on if spec.quorum else None,
        threshold=spec.quorum.threshold if spec.quorum else None,
        refine=None
        if refine is None
        else Refine(
            check=refine.check,
            until=_text(refine.until, spellings),
            feedback=_text(refine.feedback, spellings),
            max_iterations=refine.max_iterations,
        ),
    )


def _compute(spec: ComputeSpec, spellings: dict[str, str]) -> Function:
    """Return a deterministic function as a document has it, without its types; Python code by its name."""
    form, python = spec.expression, spec.python
    if form is not None and not isinstance(form, (Mapping, CompiledExpression)):
        form, python = None, spec.name
    if isinstance(form, Mapping):
        written: str | dict[str, str] | None = {name: _text(part, spellings) for name, part in form.items()}
    else:
        written = None if form is None else _text(form, spellings)
    return ComputeFunction(
        output="null",
        given=_texts(spec.given, spellings),
        ensure=_texts(spec.ensure, spellings),
        expression=written,
        python=python,
    )


def _budget(budget: Budget | None) -> BudgetForm | None:
    """Return a cap as a document writes it."""
    if budget is None:
        return None
    return BudgetForm(
        usd=None if budget.nusd is None else float(to_usd(budget.nusd)),
        ms=budget.ms,
        tokens=budget.tokens,
        calls=budget.calls,
    )


def _texts(expressions: Iterable[Expression], spellings: dict[str, str]) -> tuple[str, ...]:
    return tuple(_text(expression, spellings) for expression in expressions)


def _text(expression: Expression, spellings: dict[str, str]) -> str:
    """Return the text of an expression, and note its spelling."""
    text = expression.canonical
    if not isinstance(expression, CompiledExpression):
        text = f"python {text}"
    spellings[text] = text
    return text


def _described(kind: Type, description: str) -> JsonValue:
    """Return a type in long form, with its description."""
    written = type_json(kind)
    return {**written, "description": description} if description else written


def _fields(fields: tuple[Field, ...]) -> JsonValue:
    """Return the fields of a contract in order."""
    return [[field.name, _described(field.type, field.description)] for field in fields]


def _records(kinds: Iterable[Type]) -> Iterable[RecordType]:
    """Yield every contract that values of these types hold, at any depth."""
    for kind in kinds:
        match kind:
            case RecordType(fields=fields):
                yield kind
                yield from _records(field.type for field in fields)
            case ListType(item=inner) | MapType(value=inner):
                yield from _records([inner])
            case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
                yield from _records([inner])
            case _:
                pass
