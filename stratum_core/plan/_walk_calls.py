"""The calls of a walk: what each function gives, what asking it costs, and which budgets pay for nothing.

One call counts every request the runtime may make for it: its votes, its iterations, their retries and the models
that stand in, each at the dearest price of its chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stratum_core.contracts import JsonValue, ProbabilisticType, Type
from stratum_core.errors import PlanError
from stratum_core.llm import ANSWER_BYTES_PER_TOKEN, Price, answer_key, max_answer_tokens, still_holds
from stratum_core.money import format_usd
from stratum_core.plan._cost import ONCE, Cost, CostSum, Times, call_cost, first_worst
from stratum_core.plan._history import CallForecast, Learner
from stratum_core.plan._kept import Kept
from stratum_core.plan._priors import likely_answer_bytes
from stratum_core.plan._rules import record_shape, shape_of
from stratum_core.plan._sizes import (
    PYTHON_OUTPUT_BYTES,
    SAMPLES_BYTES,
    Known,
    Shape,
    Unknown,
    answer_shape,
    fit,
    size_of,
)
from stratum_core.plan._walked import Env, Place, Walked
from stratum_core.specs import (
    ComputeSpec,
    Expression,
    FunctionSpec,
    InferSpec,
    Parameter,
    Program,
    Returns,
)

__all__ = ["Calls", "StepRow", "arguments_of", "returned_shape"]


@dataclass(slots=True, kw_only=True)
class StepRow:
    """The calls of one function in one step, added up."""

    flow: str
    step: str
    function: str
    model: str
    cost: CostSum = field(default_factory=CostSum)
    """Of the calls that are made."""
    reused_calls: float = 0.0
    """Those that are not made because their answers are on record."""
    asks: float = 0.0
    """Questions expected: votes and iterations counted, retries not."""
    variance: float = 0.0
    """Of the calls' cost in square nano-dollars, as far as it comes from no two of them being alike."""
    runs: int = 0
    """Earlier runs that showed what the function's calls use."""


@dataclass(slots=True, kw_only=True)
class _Fit:
    """How many calls of a function its own budget pays at least one attempt of."""

    unpayable: int = 0
    total: int = 0
    exact: bool = True
    needed_nusd: int = 0


@dataclass(slots=True)
class Calls:
    """Prices the calls of one walk and adds them up by step."""

    program: Program
    price_of: Mapping[str, Price]
    answers: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Answers on record, by key: a call whose inputs are known and that has one is not made."""
    learner: Learner | None = None
    """What earlier runs showed."""
    least_attempt_nusd: int = 0
    dearest_attempt_nusd: int = 0
    reused: CostSum = field(default_factory=CostSum)
    """What the calls that are not made would have cost."""
    _repeated: Kept[Cost] = field(default_factory=Kept[Cost])
    _rows: dict[tuple[str, str, str], StepRow] = field(default_factory=dict[tuple[str, str, str], StepRow])
    _forecasts: dict[str, CallForecast | None] = field(default_factory=dict[str, CallForecast | None])
    _fits: dict[str, _Fit] = field(default_factory=dict[str, _Fit])
    _outputs: dict[str, Unknown] = field(default_factory=dict[str, Unknown])
    _costs: dict[tuple[str, int, int], Cost] = field(default_factory=dict[tuple[str, int, int], Cost])
    _noted: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def repeated(self, cost: Cost, times: Times) -> Cost:
        """Return what a cost comes to so many times; the items of a loop have few different ones."""
        return cost if times is ONCE else self._repeated.of(lambda: cost * times, cost, times)

    def rows(self) -> list[StepRow]:
        """Return the steps that call a model, in the order they were met."""
        return list(self._rows.values())

    def warnings(self) -> list[str]:
        """Return the budgets that some calls surely break."""
        return [
            f"functions.{name}.budget: too small for {fits.unpayable:,} of {fits.total:,} calls, which would fail"
            for name, fits in self._fits.items()
            if fits.unpayable and fits.exact
        ]

    def refuse_unpayable(self) -> None:
        """Refuse a function whose own budget cannot pay one attempt of any of its calls.

        Raises:
            PlanError: With the function, its budget and what one attempt may cost.
        """
        for name, fits in self._fits.items():
            spec = self.program.functions[name]
            if fits.total and fits.unpayable == fits.total and isinstance(spec, InferSpec) and spec.budget:
                allowed = spec.budget.nusd
                counted = "its calls" if spec.budget.tokens is None else "its tokens"
                shown = counted if allowed is None else format_usd(allowed)
                raise PlanError(
                    f"functions.{name}.budget ({shown}) cannot pay a single attempt{_of_votes(spec)}, which may cost"
                    f" {format_usd(fits.needed_nusd)} on {spec.model}",
                    remedy="raise this budget, lower max_tokens, or choose a cheaper model",
                    detail={"path": f"functions.{name}.budget", "needed_nusd": fits.needed_nusd},
                )

    def call(self, place: Place, spec: FunctionSpec, arguments: Env, times: Times) -> Walked:
        """Follow a call of either mode; the value of an unstable function is its samples.

        Args:
            place: The step that calls.
            spec: The function.
            arguments: A shape for each of its inputs, checked against its type.
            times: How often the step is come to, all loops around it together.

        Raises:
            ExpressionError: An expression over known values fails.
            ContractViolation: A known value does not fit where it goes.
        """
        if isinstance(spec, InferSpec):
            walked = self.ask(place, spec, arguments, times)
            return walked if spec.stable else replace(walked, shape=_samples(spec.output, walked.shape))
        refused = _refused(spec.given, arguments)
        if refused:
            return Walked(shape=Known(None), failure=f"{place.path}: {refused}")
        return self._computed(spec, arguments)

    def ask(self, place: Place, spec: InferSpec, arguments: Env, times: Times) -> Walked:
        """Add up one model call; its shape is that of an accepted answer."""
        refused = _refused(spec.given, arguments)
        if refused:
            return Walked(shape=Known(None), failure=f"{place.path}: {refused}")
        sizes = [size_of(shape) for shape in arguments.values()]
        most, likely = sum(size for size, _ in sizes), round(sum(size for _, size in sizes))
        row = self._row(place, spec)
        cost = self._cost(spec, most, likely)
        answer = self._on_record(spec, arguments)
        if answer is not None:
            saved = cost * times
            row.reused_calls += saved.calls
            self.reused.add(saved)
            return Walked(shape=answer)
        self._note_first(spec, most)
        self._check_budget(spec, most, exact=all(isinstance(shape, Known) for shape in arguments.values()))
        row.cost.add(self.repeated(cost, times))
        self._add_variance(row, spec, cost, times)
        limit = max_answer_tokens(spec) * ANSWER_BYTES_PER_TOKEN
        return Walked(shape=self._output(spec, limit), cost=cost, may_fail=True)

    def _add_variance(self, row: StepRow, spec: InferSpec, cost: Cost, times: Times) -> None:
        """Add what the chances of so many questions, and of their being asked at all, do to a row's cost."""
        forecast = self._forecast(spec)
        if forecast is None or not cost.calls:
            return
        row.runs = forecast.runs
        undecided = float(times.likely != times.most or spec.refine is not None)
        asks = cost.calls * times.likely
        row.asks += asks
        row.variance += asks * (cost.likely / cost.calls) ** 2 * (forecast.spread + undecided)

    def _forecast(self, spec: InferSpec) -> CallForecast | None:
        """Return what earlier runs showed of a function, looked up once."""
        if spec.name not in self._forecasts:
            self._forecasts[spec.name] = None if self.learner is None else self.learner.call(spec)
        return self._forecasts[spec.name]

    def _row(self, place: Place, spec: InferSpec) -> StepRow:
        """Return where the calls of a function in a step are added up."""
        row = self._rows.get((place.flow, place.step, spec.name))
        if row is None:
            row = StepRow(flow=place.flow, step=place.step, function=spec.name, model=spec.model or "")
            self._rows[place.flow, place.step, spec.name] = row
        return row

    def _note_first(self, spec: InferSpec, most: int) -> None:
        """Keep what the cheapest and the dearest first request may cost."""
        if (spec.name, most) in self._noted:
            return
        self._noted.add((spec.name, most))
        prices = self._prices(spec)
        first = first_worst(spec, prices[:1], most).nusd
        self.least_attempt_nusd = min(self.least_attempt_nusd or first, first)
        self.dearest_attempt_nusd = max(self.dearest_attempt_nusd, first_worst(spec, prices, most).nusd)

    def _cost(self, spec: InferSpec, most: int, likely: int) -> Cost:
        """Return the cost of a call by the bytes of its inputs."""
        key = (spec.name, most, likely)
        cost = self._costs.get(key)
        if cost is None:
            forecast = self._forecast(spec)
            prices = self._prices(spec)
            cost = call_cost(spec, prices, most_bytes=most, likely_bytes=likely, forecast=forecast)
            self._costs[key] = cost
        return cost

    def _on_record(self, spec: InferSpec, arguments: Env) -> Known | None:
        """Return the answer the runtime will take instead of asking, when that is certain now."""
        if not self.answers:
            return None
        inputs = {name: shape.value for name, shape in arguments.items() if isinstance(shape, Known)}
        if len(inputs) < len(arguments):
            return None
        key = answer_key(self.program, spec, spec.model or "", inputs)
        if key is None or key not in self.answers or not still_holds(spec, inputs, self.answers[key]):
            return None
        return Known(self.answers[key])

    def _prices(self, spec: InferSpec) -> tuple[Price, ...]:
        """Return the prices of a function's models, the first choice first."""
        return tuple(self.price_of[model] for model in (spec.model or "", *spec.fallbacks))

    def _output(self, spec: FunctionSpec, limit: int) -> Unknown:
        """Return what is known of any output of a function that takes so many bytes before it is read."""
        shape = self._outputs.get(spec.name)
        if shape is None:
            shape = answer_shape(
                spec.output, answer_bytes=limit, likely_bytes=likely_answer_bytes(spec.output)
            )
            self._outputs[spec.name] = shape
        return shape

    def _check_budget(self, spec: InferSpec, value_bytes: int, *, exact: bool) -> None:
        """Count the calls whose own budget pays no attempt; a bound that is not exact counts at its lower end."""
        if spec.budget is None:
            return
        fits = self._fits.setdefault(spec.name, _Fit())
        one = first_worst(spec, self._prices(spec)[:1], value_bytes if exact else 0)
        allowed = spec.budget
        fits.total += 1
        fits.exact = fits.exact and exact
        fits.needed_nusd = max(fits.needed_nusd, one.nusd)
        axes = ((one.nusd, allowed.nusd), (one.tokens, allowed.tokens), (one.calls, allowed.calls))
        fits.unpayable += any(most is not None and needed > most for needed, most in axes)

    def _computed(self, spec: ComputeSpec, arguments: Env) -> Walked:
        """Follow a compute function: by its expression, or by the bound of what other code may return."""
        if spec.expression is None:
            return Walked(shape=self._output(spec, PYTHON_OUTPUT_BYTES), may_fail=True)
        shape = fit(returned_shape(spec.expression, arguments), spec.output)
        for condition in spec.ensure:
            held = shape_of(condition, {**arguments, "result": shape})
            if isinstance(held, Known) and held.value is False:
                return Walked(shape=shape, failure=f"functions.{spec.name}: `{condition.source}` is false")
        return Walked(shape=shape)


def arguments_of(
    parameters: Sequence[Parameter], given: Mapping[str, Expression], env: Env
) -> dict[str, Shape]:
    """Return the checked arguments of a call; a missing one is null.

    Raises:
        ExpressionError: An expression over known values fails.
        ContractViolation: A known value does not fit its parameter.
    """
    return {
        parameter.name: fit(
            shape_of(given[parameter.name], env) if parameter.name in given else Known(None), parameter.type
        )
        for parameter in parameters
    }


def returned_shape(returns: Returns, env: Env) -> Shape:
    """Return the shape of one expression, or of a record of them."""
    if isinstance(returns, Mapping):
        return record_shape({name: shape_of(expression, env) for name, expression in returns.items()})
    return shape_of(returns, env)


def _refused(given: Sequence[Expression], arguments: Env) -> str:
    """Return the precondition that is surely false, or nothing."""
    for condition in given:
        held = shape_of(condition, arguments)
        if isinstance(held, Known) and held.value is False:
            return f"the condition `{condition.source}` is false"
    return ""


def _of_votes(spec: InferSpec) -> str:
    """Say that votes are paid together."""
    return "" if spec.quorum is None else f" of each of its {spec.quorum.votes} votes"


def _samples(kind: Type, answer: Shape) -> Shape:
    """Return the shape of a value that is several answers; one call gives one of them."""
    if isinstance(answer, Known):
        return Known({"samples": [answer.value]})
    most, likely = size_of(answer)
    return Unknown(type=ProbabilisticType(kind), most=most + SAMPLES_BYTES, likely=likely + SAMPLES_BYTES)
