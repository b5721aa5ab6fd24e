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

from stratum_core.contracts import BoolType, JsonValue, ListBuilder, StringType
from stratum_core.counts import counted
from stratum_core.errors import ContractViolation, ExpressionError, PlanError
from stratum_core.journal import debate_place
from stratum_core.llm import Price
from stratum_core.plan._cost import ONCE, CostSum, Times
from stratum_core.plan._history import Learner
from stratum_core.plan._kept import Kept
from stratum_core.plan._priors import branch_share
from stratum_core.plan._rules import record_shape, shape_of
from stratum_core.plan._sizes import (
    MAX_ITEMS,
    NUMBER,
    Known,
    ListShape,
    Shape,
    Unknown,
    count_most,
    fit,
    item_of,
    likely_count,
    or_null,
    size_of,
    typed,
)
from stratum_core.plan._walk_calls import Calls, arguments_of, returned_shape
from stratum_core.plan._walk_verbs import debated, decided, joined
from stratum_core.plan._walked import Env, LoopCount, Place, Walked
from stratum_core.specs import (
    CallVerb,
    ComputeVerb,
    DebateVerb,
    Expression,
    FlowSpec,
    ForEach,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Program,
    RaceVerb,
    StepSpec,
)

__all__ = ["ERROR_TEXT_BYTES", "MAX_FOLLOWED", "Walker"]

ERROR_TEXT_BYTES = 4_000
"""The most bytes of JSON of an error that an Outcome record hands on to later steps."""

MAX_FOLLOWED = 2_000_000
"""The most steps and items that one walk follows, about a minute's work: 100,000 rows of twenty steps."""

_LOOSE_ITEMS = 1_000
"""A fan-out bounded only by the length of an answer is named from this many items on."""

_TRUE = Known(True)  # noqa: FBT003 - a value of the language


@dataclass(slots=True)
class Walker:
    """One walk over one program; collects what each step costs on its way."""

    program: Program
    price_of: Mapping[str, Price]
    answers: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Answers on record that are taken instead of asking, by key."""
    learner: Learner | None = None
    """What earlier runs showed; None: nothing."""
    most: int = MAX_FOLLOWED
    """How many steps and items to follow before giving up."""
    calls: Calls = field(init=False)
    _followed: int = 0
    _shares: Kept[Times] = field(default_factory=Kept[Times])
    _loops: dict[str, LoopCount] = field(default_factory=dict[str, LoopCount])
    _failing: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    _loose: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.calls = Calls(self.program, self.price_of, self.answers, self.learner)

    def loops(self) -> dict[str, LoopCount]:
        """Return how many items each `for_each` goes over."""
        return dict(self._loops)

    def warnings(self) -> list[str]:
        """Return what a reader of the plan should know."""
        found = [
            f"{path}: {counted(count, 'item')} will fail: {reason}"
            for path, (count, reason) in self._failing.items()
        ]
        found.extend(
            f"{path}: only the length of an answer bounds this list, at {count:,} items; give it a max_length"
            for path, count in self._loose.items()
            if count >= _LOOSE_ITEMS
        )
        return found + self.calls.warnings()

    def run(self, flow: FlowSpec, inputs: Env) -> Walked:
        """Follow the outermost flow; its own budget is the run's cap and left to whoever sets that."""
        return self._run_flow(flow, inputs, ONCE)

    def _run_flow(self, flow: FlowSpec, inputs: Env, times: Times) -> Walked:
        """Follow a flow once."""
        env: dict[str, Shape] = {"input": record_shape(inputs)}
        failed: dict[str, str] = {}
        total, may_fail = CostSum(), False
        for step in flow.steps:
            behind = step.reads & failed.keys() if failed else ()
            if behind:
                failed[step.id] = next(reason for name, reason in failed.items() if name in behind)
                continue
            walked = self._step(flow, step, env, times)
            total.add(walked.cost)
            may_fail = may_fail or walked.may_fail
            if walked.failure:
                failed[step.id] = walked.failure
            else:
                env[step.id] = walked.shape
        cost = total.total
        if failed:
            return Walked(shape=Known(None), cost=cost, failure=next(iter(failed.values())))
        try:
            shape = fit(returned_shape(flow.returns, env), flow.output)
        except (ExpressionError, ContractViolation) as error:
            return Walked(shape=Known(None), cost=cost, failure=f"flows.{flow.name}.return: {error.message}")
        return Walked(shape=shape, cost=cost, may_fail=may_fail)

    def _step(self, flow: FlowSpec, step: StepSpec, env: Env, times: Times) -> Walked:
        """Follow a step: its condition, then its verb, once or for each item."""
        self._count(step.path)
        try:
            decided = _TRUE if step.when is None else shape_of(step.when, env)
            if isinstance(decided, Known):
                if decided.value is not True:
                    return Walked(shape=Known(None))
                return self._unconditional(flow, step, env, times)
        except (ExpressionError, ContractViolation) as error:
            return Walked(shape=Known(None), failure=f"{step.path}: {error.message}")
        share = self._share(step, env)
        try:
            walked = self._unconditional(flow, step, env, times * share)
        except (ExpressionError, ContractViolation) as error:
            walked = Walked(shape=Known(None), may_fail=True, failure=error.message)
        # What may not happen cannot fail for certain.
        may_fail = walked.may_fail or bool(walked.failure)
        return Walked(
            shape=or_null(walked.shape), cost=self.calls.repeated(walked.cost, share), may_fail=may_fail
        )

    def _unconditional(self, flow: FlowSpec, step: StepSpec, env: Env, times: Times) -> Walked:
        """Follow a step whose condition holds."""
        if step.for_each is not None:
            walked = self._for_each(flow, step, step.for_each, env, times)
        else:
            walked = self._verb(flow, step, env, times)
        walked = _validated(step, walked, env)
        if step.on_error == "fail":
            return walked
        if walked.failure:
            return Walked(shape=Known(None), cost=walked.cost)
        shape = or_null(walked.shape) if walked.may_fail else walked.shape
        return Walked(shape=shape, cost=walked.cost)

    def _for_each(self, flow: FlowSpec, step: StepSpec, loop: ForEach, env: Env, times: Times) -> Walked:
        """Follow a loop: item by item over known data, else once for the bound of its items."""
        items = shape_of(loop.items, env)
        if isinstance(items, Known):
            value = (
                items.value if isinstance(items.value, Sequence) and not isinstance(items.value, str) else ()
            )
            self._note_loop(step.path, len(value), exact=True)
            return self._over_known(value, flow, step, env, loop=loop, times=times)
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
        usual = self._learned(step.path, "for_each")
        likely = expected if usual is None else min(count, usual)
        repeat = Times(count, likely, expected / 2, min(count, expected * 2))
        scope = {**env, "item": item_of(items), "index": NUMBER}
        walked = self._verb(flow, step, scope, times * repeat)
        if walked.failure:
            return Walked(shape=Known([]), cost=walked.cost * repeat, may_fail=True)
        item = _left(walked, loop)
        most, likely = size_of(item)
        shape = Unknown(
            type=step.type,
            most=2 + count * (most + 1),
            likely=2 + expected * (likely + 1),
            count=count,
            item=item,
        )
        return Walked(shape=shape, cost=walked.cost * repeat, may_fail=walked.may_fail)

    def _over_known(
        self,
        items: Sequence[JsonValue],
        flow: FlowSpec,
        step: StepSpec,
        env: Env,
        *,
        loop: ForEach,
        times: Times,
    ) -> Walked:
        """Follow a loop over known items."""
        scope = dict(env)
        shapes, known = ListShape(step.type), ListBuilder()
        total, may_fail, failures = CostSum(), False, 0
        for index, item in enumerate(items):
            self._count(step.path)
            scope["item"], scope["index"] = Known(item), Known(index)
            try:
                walked = self._verb(flow, step, scope, times)
            except (ExpressionError, ContractViolation) as error:
                walked = Walked(shape=Known(None), failure=error.message)
            total.add(walked.cost)
            if walked.failure:
                failures += 1
                self._note_failure(step.path, walked.failure)
                if loop.on_error == "drop":
                    continue
            may_fail = may_fail or walked.may_fail
            left = _left(walked, loop)
            shapes.add(left)
            if isinstance(left, Known):
                known.append(left.value)
        cost = total.total
        if not _enough(loop, len(items) - failures, len(items)):
            reason = f"{step.path}: {failures:,} of {len(items):,} items fail for certain"
            return Walked(shape=Known(None), cost=cost, failure=reason)
        values = known.items()
        if len(values) == shapes.count and not may_fail:
            return Walked(shape=Known(values), cost=cost)
        return Walked(shape=shapes.shape if shapes.count else Known([]), cost=cost, may_fail=may_fail)

    def _count(self, path: str) -> None:
        """Count what is followed; loops inside loops may come to more than anybody waits for.

        Raises:
            PlanError: It is too much.
        """
        self._followed += 1
        if self._followed > self.most:
            raise PlanError(
                f"{path}: the run comes to more than {self.most:,} steps, all items counted; a plan follows each",
                remedy="take fewer rows (option `rows`) or smaller lists, or split the job into several runs",
                detail={"path": path, "limit": self.most},
            )

    def _note_loop(self, path: str, items: int, *, exact: bool) -> None:
        before = self._loops.get(path, LoopCount(runs=0, items=0, exact=True))
        self._loops[path] = LoopCount(
            runs=before.runs + 1, items=before.items + items, exact=before.exact and exact
        )

    def _note_failure(self, path: str, reason: str) -> None:
        count, first = self._failing.get(path, (0, reason))
        self._failing[path] = (count + 1, first)

    def _verb(self, flow: FlowSpec, step: StepSpec, env: Env, times: Times) -> Walked:
        """Follow what a step does, once.

        Raises:
            ExpressionError: An expression over known values fails.
            ContractViolation: A known value does not fit where it goes.
        """
        place = Place(flow=flow.name, step=step.id, path=step.path)
        match step.verb:
            case ComputeVerb(expression=expression):
                return Walked(shape=shape_of(expression, env))
            case CallVerb():
                return self._call(place, step.verb, env, times)
            case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
                found = {part.name: self._branch(place, part.call, env, times) for part in branches}
                return joined(step.verb, found, env)
            case DebateVerb():
                return self._debate(place, step.verb, env, times)
            case HumanVerb():
                return decided(step.verb)
            case _:
                assert_never(step.verb)

    def _call(self, place: Place, call: CallVerb, env: Env, times: Times) -> Walked:
        """Follow a call of a function or a flow."""
        if call.kind == "flow":
            called = self.program.flows[call.target]
            walked = self._run_flow(called, arguments_of(called.inputs, call.inputs, env), times)
            return walked if called.budget is None else replace(walked, cost=walked.cost.under(called.budget))
        function = self.program.functions[call.target]
        return self.calls.call(place, function, arguments_of(function.inputs, call.inputs, env), times)

    def _branch(self, place: Place, call: CallVerb, env: Env, times: Times) -> Walked:
        """Follow one of several calls, whose failure is the business of all."""
        try:
            return self._call(place, call, env, times)
        except (ExpressionError, ContractViolation) as error:
            return Walked(shape=Known(None), failure=error.message)

    def _debate(self, place: Place, verb: DebateVerb, env: Env, times: Times) -> Walked:
        """Follow a debate."""

        def ask(spec: InferSpec, arguments: Env, rounds: Times) -> Walked:
            return self.calls.ask(place, spec, arguments, rounds)

        functions = {
            name: spec for name, spec in self.program.functions.items() if isinstance(spec, InferSpec)
        }
        rounds = self._learned(debate_place(verb), "debate")
        return debated(verb, functions, shape_of(verb.topic, env), ask, times, usual_rounds=rounds)

    def _share(self, step: StepSpec, env: Env) -> Times:
        """Return how often a step runs whose condition only the run decides."""
        if step.when is None:
            return ONCE
        condition = step.when
        parts = [env[name] for name in condition.names]
        if any(isinstance(part, Known) for part in parts):
            return self._share_of(step.path, condition, env)
        return self._shares.of(lambda: self._share_of(step.path, condition, env), step, *parts)

    def _share_of(self, path: str, condition: Expression, env: Env) -> Times:
        """Return how often a condition is expected to hold."""
        share = branch_share(condition, env)
        usual = self._learned(path, "when")
        return Times(1, share.likely if usual is None else usual, share.low, share.high)

    def _learned(self, path: str, part: str) -> float | None:
        """Return what earlier runs showed of a place; only what is likely goes by it."""
        return None if self.learner is None else self.learner.step(path, part)


def _validated(step: StepSpec, walked: Walked, env: Env) -> Walked:
    """Follow the condition on a step's results."""
    if step.validate is None or walked.failure:
        return walked
    held = shape_of(step.validate, {**env, "results": walked.shape})
    if not isinstance(held, Known):
        return replace(walked, may_fail=True)
    if held.value is True:
        return walked
    return replace(walked, failure=f"{step.path}: `{step.validate.source}` is false for its results")


def _left(walked: Walked, loop: ForEach) -> Shape:
    """Return what an item leaves in the list."""
    if loop.on_error == "keep":
        value = Known(None) if walked.failure else or_null(walked.shape)
        text = typed(StringType(), most=ERROR_TEXT_BYTES, likely=4)
        return record_shape({"ok": typed(BoolType()), "value": value, "error": text, "index": NUMBER})
    if walked.failure:
        return Known(None)
    if loop.on_error == "none" and walked.may_fail:
        return or_null(walked.shape)
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
