"""Warnings about money: flows without a cap, caps that contradict each other, fan-out a model decides, unused parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stratum_core.checks._context import Context
from stratum_core.checks._flows import FlowCalls
from stratum_core.checks._opaque import parts_of
from stratum_core.checks._signatures import Signature
from stratum_core.contracts import ListType, Type, without_opaque
from stratum_core.ir import BudgetForm, Flow, InferFunction, Invalid
from stratum_core.money import format_usd, to_nusd
from stratum_core.specs import FlowSpec, StepSpec, called

__all__ = ["check_limits"]


def check_limits(context: Context, specs: Mapping[str, FlowSpec], calls: Mapping[str, FlowCalls]) -> None:
    """Report what a document may cost more than its author thinks."""
    paid = _paid_flows(context, calls)
    inner = {target.name for found in calls.values() for target, _ in found.calls if target.kind == "flow"}
    for name, flow in context.document.flows.items():
        if isinstance(flow, Invalid):
            continue
        if name in paid and name not in inner:
            _check_capped(context, name, flow)
        if flow.budget is not None and name in calls:
            _check_below(context, flow.budget, calls[name])
        if name in specs and name in paid:
            _check_fan_out(context, specs[name], paid)
    _check_unused(context, calls)


def _paid_flows(context: Context, calls: Mapping[str, FlowCalls]) -> frozenset[str]:
    """Return the flows that reach an infer function, also through others."""
    callers: dict[str, list[str]] = {}
    waiting: list[str] = []
    for name, found in calls.items():
        for target, _ in found.calls:
            if target.kind == "flow":
                callers.setdefault(target.name, []).append(name)
            elif isinstance(context.document.functions.get(target.name), InferFunction):
                waiting.append(name)
    paid: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in paid:
            paid.add(name)
            waiting.extend(callers.get(name, ()))
    return frozenset(paid)


def _check_capped(context: Context, name: str, flow: Flow) -> None:
    """Warn about an entry flow whose cost only others limit."""
    budget = flow.budget
    if budget is not None and (budget.usd, budget.tokens, budget.calls) != (None, None, None):
        return
    what = "no budget" if budget is None else "a budget for time only"
    context.findings.add(
        "W501",
        ("flows", name),
        f"flow `{name}` calls models and has {what}; only the cap given at run time, or the operator's, applies",
        suggestion="add budget: { usd: 0.50 }" if budget is None else "add usd to its budget",
        key=True,
    )


def _check_below(context: Context, cap: BudgetForm, found: FlowCalls) -> None:
    """Warn about calls that may use more than their whole flow, once for each target."""
    seen: set[tuple[str, str]] = set()
    for target, path in found.calls:
        if (target.kind, target.name) in seen:
            continue
        seen.add((target.kind, target.name))
        budget = _budget_of(context, target)
        if budget is None:
            continue
        for most, allowed, shown in (
            (cap.usd, budget.usd, _shown_usd),
            (cap.tokens, budget.tokens, "{:,.0f} tokens".format),
            (cap.calls, budget.calls, "{:,.0f} requests".format),
            (cap.ms, budget.ms, "{:,.0f} ms".format),
        ):
            if allowed is not None and most is not None and allowed > most:
                context.findings.add(
                    "W502",
                    path,
                    f"one call of `{target.name}` may use {shown(allowed)}, "
                    f"more than the whole flow's {shown(most)}",
                    suggestion=f"lower the budget of `{target.name}`, or raise the flow's",
                )


def _shown_usd(usd: float) -> str:
    """Return an amount as people write it."""
    return format_usd(to_nusd(usd))


def _budget_of(context: Context, target: Signature) -> BudgetForm | None:
    """Return the cap on one call."""
    if target.kind == "flow":
        flow = context.document.flows.get(target.name)
        return flow.budget if isinstance(flow, Flow) else None
    function = context.document.functions.get(target.name)
    return function.budget if isinstance(function, InferFunction) else None


def _check_fan_out(context: Context, spec: FlowSpec, paid: frozenset[str]) -> None:
    """Warn about paid work on each item of a list whose length a model decides.

    A list over the flow's input is counted when data is bound; what a for_each gives is as long as what it was given.
    """
    open_steps: set[str] = set()
    repeated: set[str] = set()
    for index, step in enumerate(spec.steps):
        is_paid = _is_paid(context, step, paid)
        if step.for_each is not None:
            items = step.for_each.items
            decided = any(read[0] in open_steps for read in items.reads) and items.canonical not in repeated
            if is_paid and decided and _is_open_list(without_opaque(items.type)):
                context.findings.add(
                    "W504",
                    ("flows", spec.name, "steps", index, "for_each"),
                    f"a model decides how many items `{items.canonical}` has, and each one is a paid call",
                    suggestion=f"take some of them, for example ({items.canonical})[:20]",
                )
            if not decided:
                repeated.add(step.id)
        outer = without_opaque(step.type)
        inside = outer.item if step.id in repeated and isinstance(outer, ListType) else step.type
        if (is_paid or step.reads & open_steps) and any(map(_is_open_list, parts_of(inside))):
            open_steps.add(step.id)


def _is_open_list(kind: Type) -> bool:
    """Return whether the type is a list of any length."""
    return isinstance(kind, ListType) and kind.max_length is None


def _is_paid(context: Context, step: StepSpec, paid: frozenset[str]) -> bool:
    """Return whether a step calls models."""
    functions = context.document.functions
    return any(
        name in paid if kind == "flow" else isinstance(functions.get(name), InferFunction)
        for kind, name in called(step.verb)
    )


def _check_unused(context: Context, calls: Mapping[str, FlowCalls]) -> None:
    """Warn about functions no flow reaches; a document without flows is a library."""
    document = context.document
    if not document.flows or context.findings.errors:
        return  # while something is wrong, what looks unused may be the target of a misspelled call
    used = {target.name for found in calls.values() for target, _ in found.calls if target.kind == "function"}
    used.update(_checks_of(context))
    for name in document.functions:
        if name not in used:
            context.findings.add(
                "W506",
                ("functions", name),
                f"no flow calls the function `{name}`",
                suggestion="call it, or remove it",
                key=True,
            )


def _checks_of(context: Context) -> Iterator[str]:
    """Return the functions that other functions call to check a candidate."""
    for function in context.document.functions.values():
        if isinstance(function, InferFunction) and function.refine is not None and function.refine.check:
            yield function.refine.check
