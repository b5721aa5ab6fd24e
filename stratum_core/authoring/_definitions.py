"""From what decorators are given to the specs that documents make, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from stratum_core.authoring._analysis import check_compute, check_infer, check_iterations, read_quorum
from stratum_core.authoring._bodies import compute_body
from stratum_core.authoring._budget import Budget
from stratum_core.authoring._codec import Codec
from stratum_core.authoring._conditions import CHECK, RESULT, condition, conditions
from stratum_core.authoring._signature import Signature
from stratum_core.contracts import Type
from stratum_core.ir import spec_hash
from stratum_core.specs import ComputeSpec, Expression, FunctionSpec, InferSpec, Refine

__all__ = [
    "CacheScope",
    "Condition",
    "Conditions",
    "InferTerms",
    "Votes",
    "compute_spec",
    "infer_spec",
    "refined_spec",
]

Condition: TypeAlias = (
    str
    | Callable[[Any], Any]
    | Callable[[Any, Any], Any]
    | Callable[[Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any, Any, Any], Any]
)
"""Text in the expression language, or a function of the names it reads.

The lambdas are spelled out by their number of parameters, because `Callable[..., bool]` leaves a strict type checker
without a type for theirs.
"""

Conditions: TypeAlias = Condition | Sequence[Condition]
"""One condition, or several that must all hold."""

CacheScope: TypeAlias = Literal["none", "session", "global"]
"""How far answers to equal calls are shared: not at all, within a flow, between runs."""

Votes: TypeAlias = tuple[int | None, str | None, int | None]
"""`quorum`, `agree_on` and `threshold`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferTerms:
    """What `@infer` is given beside the function; its docstring says what each part means."""

    intent: str
    context: str | Sequence[str]
    ensure: Conditions
    given: Conditions
    model: str | None
    fallbacks: Sequence[str]
    temperature: float | None
    max_tokens: int | None
    budget: Budget | None
    retries: int
    cache: CacheScope
    stable: bool
    votes: Votes


def infer_spec(signature: Signature, terms: InferTerms) -> InferSpec:
    """Return the spec of an infer function.

    Raises:
        StratumCompileError: A part of the definition makes no sense.
    """
    quorum, agree_on, threshold = terms.votes
    output = signature.output.type
    spec = InferSpec(
        name=signature.name,
        intent=terms.intent,
        context=(terms.context,) if isinstance(terms.context, str) else tuple(terms.context),
        inputs=signature.inputs,
        output=output,
        given=_given(terms.given, signature),
        ensure=_ensured(terms.ensure, signature),
        model=terms.model,
        fallbacks=tuple(terms.fallbacks),
        temperature=terms.temperature,
        max_tokens=terms.max_tokens,
        budget=None if terms.budget is None else terms.budget.caps,
        retries=terms.retries,
        cache=terms.cache,
        stable=terms.stable,
        quorum=read_quorum(quorum, agree_on, threshold, output=output, where=signature.where),
    )
    check_infer(signature, spec)
    return replace(spec, function_hash=_hash(spec, signature))


def refined_spec(
    spec: InferSpec,
    signature: Signature,
    *,
    until: Condition,
    feedback: Condition,
    max_iterations: int,
    check: tuple[ComputeSpec, Signature] | None,
) -> InferSpec:
    """Return the spec of an infer function with a refine.

    Raises:
        StratumCompileError: A part of the refine makes no sense.
    """
    where = f"{signature.where}: refine"
    scope: dict[str, Type] = {**signature.scope, RESULT: signature.output.type}
    codecs: dict[str, Codec] = dict(signature.codecs)
    if check is not None:
        scope[CHECK] = check[1].output.type
        codecs[CHECK] = check[1].output
    check_iterations(max_iterations, where=where)
    refine = Refine(
        check=None if check is None else check[0].name,
        until=condition(until, scope=scope, codecs=codecs, where=f"{where}: until"),
        feedback=condition(feedback, scope=scope, codecs=codecs, where=f"{where}: feedback", want=None),
        max_iterations=max_iterations,
    )
    new = replace(spec, refine=refine)
    return replace(new, function_hash=_hash(new, signature))


def compute_spec(
    function: Callable[..., object], signature: Signature, *, given: Conditions, ensure: Conditions
) -> ComputeSpec:
    """Return the spec of a compute function.

    Raises:
        StratumCompileError: It has no body, or a condition makes no sense.
    """
    check_compute(signature)
    spec = ComputeSpec(
        name=signature.name,
        inputs=signature.inputs,
        output=signature.output.type,
        expression=compute_body(function, signature),
        given=_given(given, signature),
        ensure=_ensured(ensure, signature),
    )
    return replace(spec, function_hash=_hash(spec, signature))


def _given(forms: Conditions, signature: Signature) -> tuple[Expression, ...]:
    """Return conditions over the inputs."""
    codecs = {one.name: one.codec for one in signature.parameters}
    return conditions(forms, scope=signature.scope, codecs=codecs, where=f"{signature.where}: given")


def _ensured(forms: Conditions, signature: Signature) -> tuple[Expression, ...]:
    """Return conditions over the inputs and the result."""
    scope = {**signature.scope, RESULT: signature.output.type}
    return conditions(forms, scope=scope, codecs=signature.codecs, where=f"{signature.where}: ensure")


def _hash(spec: FunctionSpec, signature: Signature) -> str:
    return spec_hash(spec, output_description=signature.output.description)
