"""The operator's rules: which models, how much money, and which Python functions a document may ask for."""

from __future__ import annotations

from decimal import Decimal

from stratum_core.checks._context import Context
from stratum_core.checks._names import did_you_mean, nearest
from stratum_core.ir import BudgetForm, InferFunction, Path
from stratum_core.money import format_usd, to_nusd

__all__ = ["check_budget", "check_models", "check_python"]


def check_models(context: Context, path: Path, function: InferFunction) -> None:
    """Report models the operator does not list."""
    allowed = context.limits.models_allowed
    if allowed is None:
        return
    named: list[tuple[Path, str]] = []
    if function.model is not None:
        named.append(((*path, "model"), function.model))
    named.extend(((*path, "fallbacks", index), model) for index, model in enumerate(function.fallbacks))
    for at, model in named:
        if model not in allowed:
            guess = nearest(model, allowed)
            context.findings.add(
                "E401",
                at,
                f"the model `{model}` is not allowed here",
                suggestion=did_you_mean(guess, "allowed models", allowed) + "; or leave `model` out",
            )


def check_budget(context: Context, path: Path, budget: BudgetForm | None) -> None:
    """Report a budget above what the operator lets one run spend."""
    cap = context.limits.max_usd
    if cap is None or budget is None or budget.usd is None:
        return
    if Decimal(str(budget.usd)) > cap:
        at: Path = (*path, "budget", "usd")
        context.findings.add(
            "E402",
            at,
            f"the budget is {format_usd(to_nusd(budget.usd))}, but the operator allows at most "
            f"{format_usd(to_nusd(cap))}",
            suggestion=f"write usd: {cap} or less",
            fix=context.findings.replacement(at, str(cap)),
        )


def check_python(context: Context, path: Path, name: str | None) -> None:
    """Report a Python function the operator has not registered."""
    registered = context.limits.compute_registry
    if name is None or name in registered:
        return
    guess = nearest(name, sorted(registered))
    context.findings.add(
        "E403",
        (*path, "python"),
        f"no Python function is registered as `{name}`",
        suggestion=did_you_mean(guess, "registered", sorted(registered))
        + "; the operator registers functions, a document cannot bring its own",
    )
