"""From what decorators are given to the specs that documents make, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from stratum_core.authoring._budget import Budget
from stratum_core.authoring._codec import Codec
from stratum_core.authoring._conditions import condition
from stratum_core.authoring._signature import Signature
from stratum_core.contracts import Type
from stratum_core.errors import StratumCompileError
from stratum_core.ir import spec_hash
from stratum_core.specs import ComputeSpec, Expression, InferSpec, Quorum, Refine

__all__ = ["Condition", "Conditions", "as_conditions", "compute_spec", "infer_spec", "refined_spec"]

Condition: TypeAlias = "str | Callable[..., bool]"
"""Text in the expression language, or a function of the names it reads."""

Conditions: TypeAlias = "Condition | Sequence[Condition]"


def as_conditions(forms: Conditions) -> tuple[Condition, ...]:
    """Return one condition, or several, as a tuple."""
    return (forms,) if isinstance(forms, str) or callable(forms) else tuple(forms)


def _compiled(
    forms: Conditions, signature: Signature, *, with_result: bool, where: str
) -> tuple[Expression, ...]:
    scope: dict[str, Type] = dict(signature.scope)
    codecs: dict[str, Codec] = dict(signature.codecs)
    if with_result:
        scope["result"] = signature.output.type
    else:
        codecs.pop("result")
    return tuple(condition(form, scope=scope, codecs=codecs, where=where) for form in as_conditions(forms))


def infer_spec(  # noqa: PLR0913 - one argument for each part of a definition
    signature: Signature,
    *,
    intent: str,
    context: str | Sequence[str],
    ensure: Conditions,
    given: Conditions,
    model: str | None,
    fallbacks: Sequence[str],
    temperature: float | None,
    max_tokens: int | None,
    budget: Budget | None,
    retries: int,
    cache: Literal["none", "session", "global"],
    stable: bool,
    votes: tuple[int | None, str | None, int | None],
) -> InferSpec:
    """Return the spec of an infer function.

    Raises:
        StratumCompileError: A part of the definition makes no sense.
    """
    where = signature.where
    spec = InferSpec(
        name=signature.name,
        intent=intent,
        context=(context,) if isinstance(context, str) else tuple(context),
        inputs=signature.inputs,
        output=signature.output.type,
        given=_compiled(given, signature, with_result=False, where=f"{where}: given"),
        ensure=_compiled(ensure, signature, with_result=True, where=f"{where}: ensure"),
        model=model,
        fallbacks=tuple(fallbacks),
        temperature=temperature,
        max_tokens=max_tokens,
        budget=None if budget is None else budget.caps,
        retries=retries,
        cache=cache,
        stable=stable,
        quorum=_quorum(votes, where),
    )
    return _hashed(spec, signature)


def _quorum(votes: tuple[int | None, str | None, int | None], where: str) -> Quorum | None:
    quorum, agree_on, threshold = votes
    if quorum is None or agree_on is None or threshold is None:
        if votes == (None, None, None):
            return None
        raise StratumCompileError(f"{where}: quorum, agree_on and threshold go together")
    return Quorum(votes=quorum, agree_on=agree_on, threshold=threshold)


def compute_spec(
    function: Callable[..., object], signature: Signature, *, given: Conditions, ensure: Conditions
) -> ComputeSpec:
    """Return the spec of a compute function."""
    where = signature.where
    codecs = dict(signature.codecs)
    codecs.pop("result")
    spec = ComputeSpec(
        name=signature.name,
        inputs=signature.inputs,
        output=signature.output.type,
        expression=condition(
            function, scope=signature.scope, codecs=codecs, where=where, want=signature.output.type
        ),
        given=_compiled(given, signature, with_result=False, where=f"{where}: given"),
        ensure=_compiled(ensure, signature, with_result=True, where=f"{where}: ensure"),
    )
    return replace(spec, function_hash=spec_hash(spec, output_description=signature.output.description))


def _hashed(spec: InferSpec, signature: Signature) -> InferSpec:
    return replace(spec, function_hash=spec_hash(spec, output_description=signature.output.description))


def refined_spec(
    spec: InferSpec,
    signature: Signature,
    *,
    until: Condition,
    feedback: str | Callable[..., object],
    max_iterations: int,
    check: tuple[ComputeSpec, Signature] | None,
) -> InferSpec:
    """Return the spec of an infer function with a refine.

    Raises:
        StratumCompileError: A part of the refine makes no sense.
    """
    where = f"{signature.where}: refine"
    scope: dict[str, Type] = {**signature.scope, "result": signature.output.type}
    codecs: dict[str, Codec] = dict(signature.codecs)
    if check is not None:
        scope["check"] = check[1].output.type
        codecs["check"] = check[1].output
    refine = Refine(
        check=None if check is None else check[0].name,
        until=condition(until, scope=scope, codecs=codecs, where=f"{where}: until"),
        feedback=condition(feedback, scope=scope, codecs=codecs, where=f"{where}: feedback", want=None),
        max_iterations=max_iterations,
    )
    new = replace(spec, refine=refine)
    return _hashed(new, signature)
