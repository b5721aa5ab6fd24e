"""Which model answers each function, and whether it may: priced and allowed; and what it lacks before it can.

A function's own model stands; the request's model, then the operator's default, fill in for functions
without one. `offline` in the request stands in for all of them, so that any document can be tried without a
key. The models that step in for another are chosen, checked and listed like it, under `NAME.fallbacks[0]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stratum_core.errors import ConfigurationError, PlanError
from stratum_core.llm import OFFLINE_MODEL, Price, PriceTable, ways_to_a_model
from stratum_core.plan._context import PlanContext
from stratum_core.specs import InferSpec, Program

__all__ = ["check_models", "choose_models", "lacking", "on_one_model", "prices_of", "with_models"]


def choose_models(specs: Sequence[InferSpec], option: str | None, default: str | None) -> dict[str, str]:
    """Return the model of each function, and behind it those that step in for it.

    Raises:
        ConfigurationError: A function names none, and neither does anybody else.
    """
    chosen: dict[str, str] = {}
    without: list[str] = []
    for spec in specs:
        model = OFFLINE_MODEL if option == OFFLINE_MODEL else spec.model or option or default
        if model is None:
            without.append(spec.name)
            continue
        chosen[spec.name] = model
        if option != OFFLINE_MODEL:
            chosen.update(zip(_fallback_keys(spec), spec.fallbacks, strict=True))
    if without:
        listed = ", ".join(map(repr, without))
        raise ConfigurationError(
            f"no model is configured, and {'function' if len(without) == 1 else 'functions'} {listed} "
            f"{'names' if len(without) == 1 else 'name'} none",
            remedy=ways_to_a_model(),
            detail={"function": without[0], "needs": "model"},
        )
    return chosen


def _fallback_keys(spec: InferSpec) -> list[str]:
    """Return the names under which the models stand that step in for a function's own."""
    return [f"{spec.name}.fallbacks[{index}]" for index in range(len(spec.fallbacks))]


def check_models(models: Mapping[str, str], context: PlanContext) -> None:
    """Refuse models that are not allowed or have no price; a key is needed only for a yes.

    Raises:
        PlanError: The operator does not allow it, or nobody knows what it costs.
    """
    allowed = context.limits.models_allowed
    for function, model in models.items():
        if allowed is not None and model not in allowed and model != OFFLINE_MODEL:
            raise PlanError(
                f"function {function!r} would use {model}, which the operator does not allow",
                remedy=f"use one of {', '.join(allowed) or 'none'}, or offline",
                detail={"model": model, "models_allowed": list(allowed)},
            )
        if context.prices.price(model) is None:
            similar = context.prices.similar_models(model)
            hint = f"did you mean {similar[0]}? " if similar else ""
            raise PlanError(
                f"the price of {model} is not known, so no cap could hold; nothing was called",
                remedy=f"{hint}name a priced model, or give its price in the operator's price file",
                detail={"model": model, "similar": list(similar)},
            )


def lacking(models: Mapping[str, str], context: PlanContext) -> list[str]:
    """Return, for each model that cannot be called yet, what has to be done first; without it nobody can say yes."""
    found = [(model, context.missing_for(model)) for model in dict.fromkeys(models.values())]
    return [
        f"nobody can approve this before {model} can be called: {missing.cure}"
        for model, missing in found
        if missing is not None
    ]


def prices_of(models: Mapping[str, str], prices: PriceTable) -> dict[str, Price]:
    """Return the price of each model.

    Raises:
        PlanError: One has none.
    """
    found: dict[str, Price] = {}
    for model in models.values():
        price = prices.price(model)
        if price is None:
            raise PlanError(f"the price of {model} is not known", remedy="name a priced model")
        found[model] = price
    return found


def with_models(program: Program, models: Mapping[str, str]) -> Program:
    """Return the program with the models of each of these functions written in."""
    functions = {
        name: _with_model(spec, models) if isinstance(spec, InferSpec) and name in models else spec
        for name, spec in program.functions.items()
    }
    return replace(program, functions=functions)


def _with_model(spec: InferSpec, models: Mapping[str, str]) -> InferSpec:
    """Return a function on the models chosen for it."""
    fallbacks = tuple(models[key] for key in _fallback_keys(spec) if key in models)
    return replace(spec, model=models[spec.name], fallbacks=fallbacks)


def on_one_model(models: Mapping[str, str], model: str) -> dict[str, str]:
    """Return one model for every function, with none to step in for it."""
    return {name: model for name in models if "." not in name}
