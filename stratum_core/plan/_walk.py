"""The walk: the program followed as the runtime follows it, with shapes in the place of values.

Every item of bound data, every condition that the data alone decides, and every call with the bytes of its
inputs is followed exactly; what a model call decides is followed by its bounds. A call counts all its
attempts at the bounds the runtime reserves by, so what a run reserves, and with it the bill, stays below
the worst case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from stratum_core.contracts import (
    BoolType,
    StringType,
)
from stratum_core.errors import ContractViolation, ExpressionError, PlanError
from stratum_core.llm import ANSWER_BYTES_PER_TOKEN, Price, max_answer_tokens
from stratum_core.money import format_usd
from stratum_core.plan._cost import FREE, ONCE, Cost, Times, attempt_worst, call_cost
from stratum_core.plan._priors import branch_share, likely_answer_bytes
from stratum_core.plan._rules import record_shape, shape_of
from stratum_core.plan._sizes import (
    MAX_ITEMS,
    NUMBER,
    Known,
    Shape,
    Unknown,
    answer_shape,
    count_most,
    fit,
    item_of,
    join_shapes,
    likely_count,
    list_shape,
    size_of,
    typed,
)
from stratum_core.specs import (
    CallVerb,
    ComputeSpec,
    ComputeVerb,
    DebateVerb,
    Expression,
    FlowSpec,
    ForEach,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Parameter,
    Program,
    RaceVerb,
    Returns,
    StepSpec,
)

__all__ = ["ERROR_TEXT_BYTES", "LoopCount", "StepRow", "Walker"]

ERROR_TEXT_BYTES = 4_000
"""The most bytes of JSON of an error that an Outcome record hands on to later steps."""

_LOOSE_ITEMS = 1_000
"""A fan-out bounded only by the length of an answer is named from this many items on."""

_Env = Mapping[str, Shape]
_TRUE = Known(True)  # noqa: FBT003 - a value of the language


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """What following a part of the program gave."""

    shape: Shape
    cost: Cost = FREE
    may_fail: bool = False
    """Whether a model call makes it fail sometimes."""
    failure: str = ""
    """Why it fails for certain; then `shape` means nothing."""


@dataclass(slots=True, kw_only=True)
class StepRow:
    """The calls of one step, added up."""

    flow: str
    step: str
    function: str
    model: str
    cost: Cost = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCount:
    """How many items a `for_each` goes over."""

    runs: int
    """How often the loop is come to, as far as it was followed."""
    items: int
    """All runs together; an upper bound when not exact."""
    exact: bool


@dataclass(slots=True, kw_only=True)
class _Fit:
    """How many calls of a function its own budget pays at least one attempt of."""

    unpayable: int = 0
    total: int = 0
    exact: bool = True
    needed_nusd: int = 0


@dataclass(slots=True)
class Walker:
    """One walk over one program; collects what each step costs on its way."""

    program: Program
    price_of: Mapping[str, Price]
    least_attempt_nusd: int = 0
    dearest_attempt_nusd: int = 0
    _rows: dict[tuple[str, str], StepRow] = field(default_factory=dict[tuple[str, str], StepRow])
    _loops: dict[str, LoopCount] = field(default_factory=dict[str, LoopCount])
    _failing: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    _loose: dict[str, int] = field(default_factory=dict[str, int])
    _fits: dict[str, _Fit] = field(default_factory=dict[str, _Fit])
    _answers: dict[str, Shape] = field(default_factory=dict[str, Shape])
    _calls: dict[tuple[str, int, int], Cost] = field(default_factory=dict[tuple[str, int, int], Cost])

    def rows(self) -> list[StepRow]:
        """Return the steps that call a model, in the order they were met."""
        return list(self._rows.values())

    def loops(self) -> dict[str, LoopCount]:
        """Return how many items each `for_each` goes over."""
        return dict(self._loops)

    def warnings(self) -> list[str]:
        """Return what a reader of the plan should know."""
        found = [
            f"{path}: {count:,} items will fail: {reason}" for path, (count, reason) in self._failing.items()
        ]
        found.extend(
            f"{path}: only the length of an answer bounds this list, at {count:,} items; give it a max_length"
            for path, count in self._loose.items()
            if count >= _LOOSE_ITEMS
        )
        found.extend(
            f"functions.{name}.budget: too small for {fits.unpayable:,} of {fits.total:,} calls, which would fail"
            for name, fits in self._fits.items()
            if fits.unpayable and fits.exact
        )
        return found

    def refuse_unpayable(self) -> None:
        """Refuse a function whose own budget cannot pay one attempt of any of its calls.

        Raises:
            PlanError: With the function, its budget and what one attempt may cost.
        """
        for name, fits in self._fits.items():
            spec = self.program.functions[name]
            if fits.total and fits.unpayable == fits.total and isinstance(spec, InferSpec) and spec.budget:
                allowed = spec.budget.nusd
                shown = "its tokens" if allowed is None else format_usd(allowed)
                raise PlanError(
                    f"functions.{name}.budget ({shown}) cannot pay a single attempt, which may cost"
                    f" {format_usd(fits.needed_nusd)} on {spec.model}",
                    remedy="raise this budget, lower max_tokens, or choose a cheaper model",
                    detail={"path": f"functions.{name}.budget", "needed_nusd": fits.needed_nusd},
                )

    def run(self, flow: FlowSpec, inputs: _Env) -> _Walked:
        """Follow the outermost flow; its own budget is the run's cap and left to whoever sets that."""
        return self._run_flow(flow, inputs, ONCE)

    def _run_flow(self, flow: FlowSpec, inputs: _Env, times: Times) -> _Walked:
        """Follow a flow once."""
        env: dict[str, Shape] = {"input": record_shape(inputs)}
        failed: dict[str, str] = {}
        cost, may_fail = FREE, False
        for step in flow.steps:
            behind = next((failed[name] for name in step.reads if name in failed), None)
            if behind is not None:
                failed[step.id] = behind
                continue
            walked = self._step(flow, step, env, times)
            cost, may_fail = cost + walked.cost, may_fail or walked.may_fail
            if walked.failure:
                failed[step.id] = walked.failure
            else:
                env[step.id] = walked.shape
        if failed:
            return _Walked(shape=Known(None), cost=cost, failure=next(iter(failed.values())))
        try:
            shape = fit(_returned(flow.returns, env), flow.output)
        except (ExpressionError, ContractViolation) as error:
            return _Walked(shape=Known(None), cost=cost, failure=f"flows.{flow.name}.return: {error.message}")
        return _Walked(shape=shape, cost=cost, may_fail=may_fail)

    def _step(self, flow: FlowSpec, step: StepSpec, env: _Env, times: Times) -> _Walked:
        """Follow a step: its condition, then its verb, once or for each item."""
        try:
            decided = _TRUE if step.when is None else shape_of(step.when, env)
            if isinstance(decided, Known):
                if decided.value is not True:
                    return _Walked(shape=Known(None))
                return self._unconditional(flow, step, env, times)
        except (ExpressionError, ContractViolation) as error:
            return _Walked(shape=Known(None), failure=f"{step.path}: {error.message}")
        share = _share(step, env)
        try:
            walked = self._unconditional(flow, step, env, times * share)
        except (ExpressionError, ContractViolation) as error:
            walked = _Walked(shape=Known(None), may_fail=True, failure=error.message)
        # What may not happen cannot fail for certain.
        may_fail = walked.may_fail or bool(walked.failure)
        return _Walked(
            shape=join_shapes([walked.shape, Known(None)]), cost=walked.cost * share, may_fail=may_fail
        )

    def _unconditional(self, flow: FlowSpec, step: StepSpec, env: _Env, times: Times) -> _Walked:
        """Follow a step whose condition holds."""
        if step.for_each is not None:
            walked = self._for_each(flow, step, step.for_each, env, times)
        else:
            walked = self._verb(flow, step, env, times)
        if step.on_error == "fail":
            return walked
        if walked.failure:
            return _Walked(shape=Known(None), cost=walked.cost)
        shape = join_shapes([walked.shape, Known(None)]) if walked.may_fail else walked.shape
        return _Walked(shape=shape, cost=walked.cost)

    def _for_each(self, flow: FlowSpec, step: StepSpec, loop: ForEach, env: _Env, times: Times) -> _Walked:
        """Follow a loop: item by item over known data, else once for the bound of its items."""
        items = shape_of(loop.items, env)
        if isinstance(items, Known):
            value = (
                items.value if isinstance(items.value, Sequence) and not isinstance(items.value, str) else ()
            )
            known = [Known(item) for item in value]
            self._note_loop(step.path, len(known), exact=True)
            return self._over_known(known, flow, step, env, loop=loop, times=times)
        count = count_most(items)
        self._note_loop(step.path, count, exact=False)
        if count >= MAX_ITEMS:
            raise PlanError(
                f"{step.path}.for_each: nothing bounds the number of items, so the worst case is unknown",
                remedy="give the list a max_length in its contract",
                detail={"path": f"{step.path}.for_each", "code": "unbounded fan-out"},
            )
        if items.count is None:
            self._loose[step.path] = max(count, self._loose.get(step.path, 0))
        expected = likely_count(items)
        repeat = Times(count, expected, expected / 2, min(count, expected * 2))
        scope = {**env, "item": item_of(items), "index": NUMBER}
        walked = self._verb(flow, step, scope, times * repeat)
        if walked.failure:
            return _Walked(shape=Known([]), cost=walked.cost * repeat, may_fail=True)
        item = _left(walked, loop)
        most, likely = size_of(item)
        shape = Unknown(
            type=step.type,
            most=2 + count * (most + 1),
            likely=2 + expected * (likely + 1),
            count=count,
            item=item,
        )
        return _Walked(shape=shape, cost=walked.cost * repeat, may_fail=walked.may_fail)

    def _over_known(
        self,
        items: Sequence[Known],
        flow: FlowSpec,
        step: StepSpec,
        env: _Env,
        *,
        loop: ForEach,
        times: Times,
    ) -> _Walked:
        """Follow a loop over known items."""
        scope = dict(env)
        shapes: list[Shape] = []
        cost, may_fail, failures = FREE, False, 0
        for index, item in enumerate(items):
            scope["item"], scope["index"] = item, Known(index)
            try:
                walked = self._verb(flow, step, scope, times)
            except (ExpressionError, ContractViolation) as error:
                walked = _Walked(shape=Known(None), failure=error.message)
            cost = cost + walked.cost
            if walked.failure:
                failures += 1
                self._note_failure(step.path, walked.failure)
                if loop.on_error == "drop":
                    continue
            may_fail = may_fail or walked.may_fail
            shapes.append(_left(walked, loop))
        if not _enough(loop, len(items) - failures, len(items)):
            reason = f"{step.path}: {failures:,} of {len(items):,} items fail for certain"
            return _Walked(shape=Known(None), cost=cost, failure=reason)
        known = [shape.value for shape in shapes if isinstance(shape, Known)]
        if len(known) == len(shapes) and not may_fail:
            return _Walked(shape=Known(known), cost=cost)
        shape = list_shape(shapes, step.type) if shapes else Known([])
        return _Walked(shape=shape, cost=cost, may_fail=may_fail)

    def _note_loop(self, path: str, items: int, *, exact: bool) -> None:
        before = self._loops.get(path, LoopCount(runs=0, items=0, exact=True))
        self._loops[path] = LoopCount(
            runs=before.runs + 1, items=before.items + items, exact=before.exact and exact
        )

    def _note_failure(self, path: str, reason: str) -> None:
        count, first = self._failing.get(path, (0, reason))
        self._failing[path] = (count + 1, first)

    def _verb(self, flow: FlowSpec, step: StepSpec, env: _Env, times: Times) -> _Walked:
        """Follow what a step does, once.

        Raises:
            ExpressionError: An expression over known values fails.
            ContractViolation: A known value does not fit where it goes.
        """
        match step.verb:
            case ComputeVerb(expression=expression):
                return _Walked(shape=shape_of(expression, env))
            case CallVerb(kind="flow", target=target, inputs=inputs):
                called = self.program.flows[target]
                walked = self._run_flow(called, _arguments(called.inputs, inputs, env), times)
                return replace(walked, cost=walked.cost.under(called.budget))
            case CallVerb(target=target, inputs=inputs):
                function = self.program.functions[target]
                arguments = _arguments(function.inputs, inputs, env)
                refused = _refused(function.given, arguments)
                if refused:
                    return _Walked(shape=Known(None), failure=f"{step.path}: {refused}")
                if isinstance(function, ComputeSpec):
                    return _computed(function, arguments)
                return self._infer(flow, step, function, arguments, times)
            case ParallelVerb() | RaceVerb() | DebateVerb() | HumanVerb():
                raise PlanError(f"{step.path}: its verb is not yet executable", detail={"path": step.path})
            case _:
                assert_never(step.verb)

    def _infer(
        self, flow: FlowSpec, step: StepSpec, spec: InferSpec, arguments: _Env, times: Times
    ) -> _Walked:
        """Add up one model call."""
        sizes = [size_of(shape) for shape in arguments.values()]
        most, likely = sum(size for size, _ in sizes), round(sum(size for _, size in sizes))
        model = spec.model or ""
        key = (spec.name, most, likely)
        cost = self._calls.get(key)
        if cost is None:
            cost = call_cost(spec, self.price_of[model], most_bytes=most, likely_bytes=likely)
            self._calls[key] = cost
            one = attempt_worst(spec, self.price_of[model], most).nusd
            self.dearest_attempt_nusd = max(self.dearest_attempt_nusd, one)
            self.least_attempt_nusd = min(self.least_attempt_nusd or one, one)
        exact = all(isinstance(shape, Known) for shape in arguments.values())
        self._check_budget(spec, most, exact=exact)
        row = self._rows.get((flow.name, step.id))
        if row is None:
            row = StepRow(flow=flow.name, step=step.id, function=spec.name, model=model)
            self._rows[flow.name, step.id] = row
        row.cost = row.cost + cost * times
        shape = self._answers.get(spec.name)
        if shape is None:
            shape = answer_shape(
                spec.output,
                answer_bytes=max_answer_tokens(spec) * ANSWER_BYTES_PER_TOKEN,
                likely_bytes=likely_answer_bytes(spec.output),
            )
            self._answers[spec.name] = shape
        return _Walked(shape=shape, cost=cost, may_fail=True)

    def _check_budget(self, spec: InferSpec, value_bytes: int, *, exact: bool) -> None:
        """Count the calls whose own budget pays no attempt; a bound that is not exact counts at its lower end."""
        if spec.budget is None:
            return
        fits = self._fits.setdefault(spec.name, _Fit())
        one = attempt_worst(spec, self.price_of[spec.model or ""], value_bytes if exact else 0)
        allowed = spec.budget
        fits.total += 1
        fits.exact = fits.exact and exact
        fits.needed_nusd = max(fits.needed_nusd, one.nusd)
        over = (allowed.nusd is not None and one.nusd > allowed.nusd) or (
            allowed.tokens is not None and one.tokens > allowed.tokens
        )
        fits.unpayable += over


def _share(step: StepSpec, env: _Env) -> Times:
    """Return how often a step runs whose condition only the run decides."""
    if step.when is None:
        return ONCE
    share = branch_share(step.when, env)
    return Times(1, share.likely, share.low, share.high)


def _arguments(
    parameters: Sequence[Parameter], given: Mapping[str, Expression], env: _Env
) -> dict[str, Shape]:
    """Return the checked arguments of a call; a missing one is null."""
    return {
        parameter.name: fit(
            shape_of(given[parameter.name], env) if parameter.name in given else Known(None), parameter.type
        )
        for parameter in parameters
    }


def _refused(given: Sequence[Expression], arguments: _Env) -> str:
    """Return the precondition that is surely false, or nothing."""
    for condition in given:
        held = shape_of(condition, arguments)
        if isinstance(held, Known) and held.value is False:
            return f"the condition `{condition.source}` is false"
    return ""


def _computed(spec: ComputeSpec, arguments: _Env) -> _Walked:
    """Follow a compute function."""
    if spec.expression is None:
        raise PlanError(f"functions.{spec.name}: a registered function is not yet executable")
    shape = fit(_returned(spec.expression, arguments), spec.output)
    for condition in spec.ensure:
        held = shape_of(condition, {**arguments, "result": shape})
        if isinstance(held, Known) and held.value is False:
            return _Walked(shape=shape, failure=f"functions.{spec.name}: `{condition.source}` is false")
    return _Walked(shape=shape)


def _returned(returns: Returns, env: _Env) -> Shape:
    """Return the shape of one expression, or of a record of them."""
    if isinstance(returns, Mapping):
        return record_shape({name: shape_of(expression, env) for name, expression in returns.items()})
    return shape_of(returns, env)


def _left(walked: _Walked, loop: ForEach) -> Shape:
    """Return what an item leaves in the list."""
    if loop.on_error == "keep":
        value = Known(None) if walked.failure else join_shapes([walked.shape, Known(None)])
        text = typed(StringType(), most=ERROR_TEXT_BYTES, likely=4)
        return record_shape({"ok": typed(BoolType()), "value": value, "error": text, "index": NUMBER})
    if walked.failure:
        return Known(None)
    if loop.on_error == "none" and walked.may_fail:
        return join_shapes([walked.shape, Known(None)])
    return walked.shape


def _enough(loop: ForEach, succeeded: int, total: int) -> bool:
    """Return whether so many items satisfy `require`."""
    match loop.require:
        case "all":
            return succeeded == total
        case int() as wanted:
            return succeeded >= wanted
        case share:
            return succeeded >= math.ceil(share * total)
