"""Rules about one step: its id, its order, its items, and the type later steps see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from stratum_core.checks._context import Context
from stratum_core.checks._flow_scope import TAKEN, FlowScope
from stratum_core.checks._names import did_you_mean, nearest
from stratum_core.checks._outcomes import VerbOutcome, record
from stratum_core.checks._signatures import ANY
from stratum_core.checks._verbs import check_verb
from stratum_core.contracts import (
    AnyType,
    BoolType,
    IntType,
    JsonType,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    StringType,
    Type,
    describe,
    is_opaque,
    optional,
    without_opaque,
)
from stratum_core.ir import Invalid, Path, Step, format_path, parse_require
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import ForEach, Require, StepSpec

__all__ = ["check_step"]


def check_step(context: Context, path: Path, step: Step, scope: FlowScope) -> StepSpec | None:
    """Report what is wrong with a step and put its value in scope; return its spec when it has no fault."""
    scope.step_reads.clear()
    errors = context.findings.errors
    _check_id(context, path, step, scope)
    after = _check_after(context, path, step, scope)
    when = None if step.when is None else scope.condition((*path, "when"), step.when)
    if when is None:
        items, outcome = _work(context, path, step, scope)
    else:
        with scope.assuming(when):
            items, outcome = _work(context, path, step, scope)
    on_error = "fail" if step.for_each is not None or step.on_error == "fail" else "none"
    value = _value(context, step, outcome, items)
    validate = None
    if step.validate_ is not None:
        validate = scope.over_results((*path, "validate"), step.validate_, value)
    if step.when is not None:
        value = optional(value)
    reads = frozenset(name for name in scope.step_reads if name in scope.steps)
    shown = format_path(path)
    if step.id:
        scope.define(step.id, shown, ANY if step.id in scope.steps else value, tainted=outcome.tainted)
    for_each = _for_each(context, path, step, items)
    if context.findings.errors != errors or outcome.verb is None:
        return None
    return StepSpec(
        id=step.id,
        path=shown,
        verb=outcome.verb,
        type=value,
        when=when,
        for_each=for_each,
        validate=validate,
        on_error=on_error,
        after=after,
        reads=reads.union(after) if after else reads,
    )


def _work(
    context: Context, path: Path, step: Step, scope: FlowScope
) -> tuple[CompiledExpression | None, VerbOutcome]:
    """Check what a step does, for each item of its list when it has one; return that list, too."""
    if step.for_each is None:
        return None, check_verb(context, path, step, scope)
    items = scope.compile((*path, "for_each"), step.for_each)
    item = _item_type(context, path, items)
    tainted = items is not None and scope.taint.is_tainted(items)
    with scope.each_item(item, tainted=tainted):
        return items, check_verb(context, path, step, scope)


def _check_id(context: Context, path: Path, step: Step, scope: FlowScope) -> None:
    """Report an id that is taken or cannot be read."""
    if step.id in scope.steps:
        reason = f" by an earlier step ({scope.steps[step.id]})"
        free = scope.free_ids.instead_of(step.id)
    elif step.id in TAKEN:
        reason = f": it is what expressions call the flow's {'input' if step.id == 'input' else 'items'}"
        free = scope.free_ids.instead_of(f"{step.id}_step")
    else:
        return
    at: Path = (*path, "id")
    is_certain = not scope.free_ids.is_read_after(step.id, cast("int", path[-1]))
    context.findings.add(
        "E324",
        at,
        f"the id `{step.id}` is taken{reason}",
        suggestion=f"choose another id, for example `{free}`",
        fix=context.findings.replacement(at, free if is_certain else None),
    )


def _check_after(context: Context, path: Path, step: Step, scope: FlowScope) -> tuple[str, ...]:
    """Report what a step cannot wait for; return what it waits for."""
    if not step.after:
        return ()
    right: list[str] = []
    for index, name in enumerate(step.after):
        at: Path = (*path, "after", index)
        if isinstance(name, Invalid):
            continue
        if name in scope.steps:
            right.append(name)
        elif name == step.id or name in scope.later:
            which = "itself" if name == step.id else f"`{name}`, a later step"
            context.findings.add(
                "E334",
                at,
                f"`{step.id}` waits for {which}",
                suggestion=f"steps run after earlier ones only; move `{step.id}` below `{name}`"
                if name != step.id
                else "take it out of `after`",
            )
        else:
            guess = nearest(name, scope.steps)
            context.findings.add(
                "E305",
                at,
                f"there is no step `{name}`",
                suggestion=did_you_mean(guess, "earlier steps", scope.steps),
                fix=context.findings.replacement(at, guess),
            )
    return tuple(right)


def _item_type(context: Context, path: Path, items: CompiledExpression | None) -> Type:
    """Return the type of one item, reporting what is not a list."""
    if items is None:
        return ANY
    bare = without_opaque(items.type)
    if isinstance(bare, ListType):
        return OpaqueType(bare.item) if is_opaque(items.type) and not is_opaque(bare.item) else bare.item
    if isinstance(bare, (AnyType, JsonType)):
        return items.type
    hint = "filter or default it first, for example default(x, [])"
    if isinstance(bare, MapType):
        hint = f"write {items.canonical}.values() or {items.canonical}.keys()"
    elif not isinstance(bare, OptionalType):
        hint = "give a list"
    context.findings.add(
        "E325",
        (*path, "for_each"),
        f"`{items.canonical}` is {describe(items.type)}, not a list",
        suggestion=hint,
    )
    return ANY


def _value(context: Context, step: Step, outcome: VerbOutcome, items: CompiledExpression | None) -> Type:
    """Return the type of a step's value, before `when`."""
    kind = outcome.type
    if step.for_each is None:
        return optional(kind) if step.on_error == "none" else kind
    if step.on_error == "none":
        kind = optional(kind)
    elif step.on_error == "keep":
        kind = record(
            {
                "ok": BoolType(),
                "value": optional(kind),
                "error": optional(StringType()),
                "index": IntType(min=0),
            },
            name=context.own_name("Outcome"),
        )
    return ListType(item=kind, max_length=None if items is None else _most(step, items))


def _most(step: Step, items: CompiledExpression) -> int | None:
    """Return how many items there can be, None when only the run can tell."""
    if isinstance(step.for_each, Sequence) and not isinstance(step.for_each, str):
        return len(step.for_each)
    bare = without_opaque(items.type)
    return bare.max_length if isinstance(bare, ListType) else None


def _for_each(context: Context, path: Path, step: Step, items: CompiledExpression | None) -> ForEach | None:
    """Return the spec of a for_each, reporting a requirement no list can meet."""
    if items is None:
        return None
    required: Require = parse_require(step.require)
    most = _most(step, items)
    if isinstance(required, int) and most is not None and required > most:
        context.findings.add(
            "E328",
            (*path, "require"),
            f"{required} items are required, but the list holds at most {most}",
            suggestion=f"write {most} or less, or all",
            fix=context.findings.replacement((*path, "require"), "all"),
        )
    on_error: Literal["drop", "none", "keep"] = "drop" if step.on_error == "fail" else step.on_error
    return ForEach(items=items, concurrency=step.concurrency, require=required, on_error=on_error)
