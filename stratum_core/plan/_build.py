"""From a document and its data to a plan: check, choose, bind, price, cap, describe, hash.

The third stage of the pipeline. Nothing here calls a model or opens a socket; whatever is wrong is said
before anything is paid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.errors import DiagnosticsError, PlanError
from stratum_core.ir import Diagnostic
from stratum_core.llm import OFFLINE_MODEL, provider_of
from stratum_core.money import Nusd, format_usd, to_nusd
from stratum_core.plan._bind import bind_inputs
from stratum_core.plan._context import PlanContext, no_key_missing
from stratum_core.plan._describe import plan_words
from stratum_core.plan._estimate import Estimate, estimate_program
from stratum_core.plan._models import check_models, choose_models, on_one_model, prices_of, with_models
from stratum_core.plan._options import PlanOptions
from stratum_core.plan._plan import CapSource, Plan, ReopenedPlan, plan_hash_of
from stratum_core.plan._reach import choose_flow, reach_of
from stratum_core.plan._registry import pin_registered
from stratum_core.specs import FlowSpec, RegisteredFunction

__all__ = ["build_plan", "estimate_what_if"]

_FAR_ABOVE = 10
"""A worst case so many times the high end of the likely range is no useful cap."""
_ROOM = 5
"""Then the proposed cap is so many times the high end."""
_OUT_SUFFIXES = (".csv", ".json", ".jsonl")
_NO_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cap:
    """The most a run may cost, and who said so."""

    nusd: Nusd
    source: CapSource


def build_plan(
    text: str | bytes,
    *,
    inputs: Mapping[str, JsonValue],
    context: PlanContext,
    flow: str | None = None,
    options: PlanOptions = _NO_OPTIONS,
) -> Plan:
    """Make a plan.

    Args:
        text: The document.
        inputs: For each of the flow's parameters a JSON value, or `{"file": path, "columns": {...}}`.
        context: What the operator and the machine allow.
        flow: The flow to run; None: the only one no other flow calls.
        options: What the person chose for this run.

    Raises:
        DiagnosticsError: The document is wrong.
        InputError: Data does not fit.
        PlanError: The flow, a model, a cap or a budget cannot be.
        ConfigurationError: No model is configured, or its key is missing.
    """
    checked = check(text, limits=context.limits)
    if checked.program is None:
        raise _invalid(checked.diagnostics)
    name = choose_flow(checked.program, flow)
    reach = reach_of(checked.program, name)
    models = choose_models(reach.infer(checked.program), options.model, context.default_model)
    check_models(models, context)
    registry = pin_registered(reach.registered(checked.program), context.registry)
    program = with_models(checked.program, models)
    spec = program.flows[name]
    bound = bind_inputs(
        spec.inputs, inputs, roots=context.roots, limits=context.bind_limits, rows=options.rows
    )
    out = (
        None if options.out is None else _output(options.out, context, [b.file.path for b in bound if b.file])
    )
    values = {part.name: part.value for part in bound}
    reused = None if options.reuse is None else context.answers_of(options.reuse)
    estimate = estimate_program(
        program,
        name,
        values,
        price_of=prices_of(models, context.prices),
        answers={} if reused is None else reused.answers,
        caps=options.counted_caps(spec),
    )
    cap = _cap(spec, options, estimate, context)
    now = context.now.astimezone(UTC)
    draft = Plan(
        id="",
        plan_hash="",
        text=text if isinstance(text, str) else text.decode("utf-8-sig"),
        program=program,
        flow=name,
        inputs=bound,
        options=options,
        out=out,
        reused=None if reused is None else reused.pin(),
        models=models,
        endpoints=_endpoints(models, context),
        price_version=context.prices.version,
        registry=registry,
        limits=_limits_record(context),
        roots=tuple(str(path) for path in context.roots.paths),
        estimate=estimate,
        cap_nusd=cap.nusd,
        cap_source=cap.source,
        simulated=OFFLINE_MODEL in models.values(),
        summary="",
        question="",
        warnings=_warnings(estimate, cap.nusd, out, registry),
        diagnostics=tuple(item.to_json() for item in checked.diagnostics),
        created_at=now,
        expires_at=now + context.ttl,
    )
    return _finished(draft)


def estimate_what_if(
    plan: ReopenedPlan, context: PlanContext, *, model: str | None = None, rows: int | None = None
) -> Estimate:
    """Return what a plan would cost on another model, or for only its first rows; the plan itself stays as it is.

    Args:
        plan: The stored plan, opened again.
        context: For prices and the operator's limits; no key is asked for, since nothing will be called.
        model: Stands in for every model of the plan.
        rows: Only the first so many rows of each file (of each list, when there is no file).

    Raises:
        PlanError: The model is not allowed or has no known price, or `rows` is below one.
    """
    if rows is not None and rows < 1:
        raise PlanError(f"rows is {rows}, but an estimate needs at least one row", remedy="give 1 or more")
    models = on_one_model(plan.models, model) if model is not None else dict(plan.models)
    check_models(models, replace(context, missing_key=no_key_missing))
    values = {
        name: _first_rows(value, rows if name in plan.from_files or not plan.from_files else None)
        for name, value in plan.inputs.items()
    }
    return estimate_program(
        with_models(plan.program, models),
        plan.flow,
        values,
        price_of=prices_of(models, context.prices),
        answers={} if plan.options.reuse is None else context.answers_of(plan.options.reuse).answers,
        caps=plan.options.counted_caps(plan.program.flows[plan.flow]),
    )


def _first_rows(value: JsonValue, rows: int | None) -> JsonValue:
    """Cut a list to its first rows."""
    if rows is None or isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return list(value[:rows])


def _finished(draft: Plan) -> Plan:
    """Give a plan its words, its hash and its id."""
    summary, question = plan_words(draft)
    described = replace(draft, summary=summary, question=question)
    plan_hash = plan_hash_of(described.to_record())
    made = f"{plan_hash}@{described.created_at.isoformat()}"
    return replace(
        described, plan_hash=plan_hash, id="plan_" + hashlib.sha256(made.encode()).hexdigest()[:12]
    )


def _invalid(diagnostics: Sequence[Diagnostic]) -> DiagnosticsError:
    """Make the error that carries every diagnostic of a document."""
    errors = [item for item in diagnostics if item.severity == "error"]
    first = f": line {errors[0].line}: {errors[0].message}" if errors else ""
    count = f"{len(errors)} errors" if len(errors) != 1 else "1 error"
    return DiagnosticsError(
        f"the document has {count}{first}",
        remedy="mend what the diagnostics name; each has its place and most have the fix",
        detail={"diagnostics": [item.to_json() for item in diagnostics]},
    )


def _output(text: str, context: PlanContext, read: Sequence[str]) -> Path:
    """Return where the result goes.

    Raises:
        PlanError: It would replace a file the plan reads, or its ending names no format.
    """
    out = context.roots.locate_output(text)
    if str(out) in read:
        raise PlanError(f"out: {text!r} is a file this plan reads", remedy="choose another path")
    if out.suffix.lower() not in _OUT_SUFFIXES:
        raise PlanError(
            f"out: {text!r} does not end in a format that can be written",
            remedy=f"end it in one of {', '.join(_OUT_SUFFIXES)}",
        )
    return out


def _cap(spec: FlowSpec, options: PlanOptions, estimate: Estimate, context: PlanContext) -> _Cap:
    """Return the run's cap: the request's, else the flow's own budget, else a proposal.

    A flow's budget is part of its meaning, so a larger cap in the request does not lift it. The proposal is
    the worst case rounded up; where that is far above anything likely, a multiple of the high end of the
    likely range that still pays for the dearest single attempt.

    Raises:
        PlanError: The cap is above the operator's, or pays no attempt at all.
    """
    own = spec.budget.nusd if spec.budget is not None else None
    asked = options.cap_nusd
    limit = None if context.limits.max_usd is None else to_nusd(context.limits.max_usd)
    if asked is not None and own is not None:
        cap = _Cap(nusd=min(asked, own), source="option" if asked <= own else "flow")
    elif asked is not None:
        cap = _Cap(nusd=asked, source="option")
    elif own is not None:
        cap = _Cap(nusd=own, source="flow")
    else:
        proposed = _proposal(estimate)
        cap = _Cap(nusd=proposed if limit is None else Nusd(min(proposed, limit)), source="proposed")
    if limit is not None and cap.nusd > limit:
        raise PlanError(
            f"a cap of {format_usd(cap.nusd)} is above the operator's limit of {format_usd(limit)}",
            remedy="ask for less",
            detail={"cap_nusd": cap.nusd, "limit_nusd": limit},
        )
    if estimate.most_calls and cap.nusd < estimate.least_attempt_nusd:
        raise PlanError(
            f"a cap of {format_usd(cap.nusd)} pays for no call: one may cost {format_usd(estimate.least_attempt_nusd)}",
            remedy="raise the cap, or choose a cheaper model",
            detail={"cap_nusd": cap.nusd, "needed_nusd": estimate.least_attempt_nusd},
        )
    # What a person agrees to is what can be spent: never more than the worst case, whatever was allowed.
    return replace(cap, nusd=Nusd(min(cap.nusd, estimate.worst.nusd)))


def _proposal(estimate: Estimate) -> Nusd:
    """Return a cap for a plan nobody set one for."""
    worst, high = estimate.worst.nusd, estimate.high_nusd
    if worst <= _FAR_ABOVE * high:
        return _rounded_up(worst)
    return Nusd(min(_rounded_up(worst), _rounded_up(max(_ROOM * high, 2 * estimate.dearest_attempt_nusd))))


def _rounded_up(nusd: int) -> Nusd:
    """Round up to two digits, so that a cap is a number a person can say."""
    if nusd <= 0:
        return Nusd(0)
    step = 10 ** max(0, len(str(nusd)) - 2)
    return Nusd(-(-nusd // step) * step)


def _limits_record(context: PlanContext) -> dict[str, JsonValue]:
    """Return the operator's limits as the plan's hash covers them."""
    limits = context.limits
    return {
        "models_allowed": None if limits.models_allowed is None else list(limits.models_allowed),
        "max_usd": None if limits.max_usd is None else str(limits.max_usd),
        "compute_registry": sorted(limits.compute_registry),
        "max_rows": context.bind_limits.max_rows,
        "max_file_bytes": context.bind_limits.max_file_bytes,
    }


def _endpoints(models: Mapping[str, str], context: PlanContext) -> dict[str, str]:
    """Return where requests go that do not go to the provider itself."""
    found = {provider_of(model): context.endpoint_of(model) for model in models.values()}
    return {provider: url for provider, url in sorted(found.items()) if url is not None}


def _warnings(
    estimate: Estimate, cap: Nusd, out: Path | None, registry: Mapping[str, RegisteredFunction]
) -> tuple[str, ...]:
    """Return what the person should know beside the price."""
    found = list(estimate.warnings)
    if estimate.likely_nusd > cap:
        found.insert(
            0,
            f"the work is likely to cost more than its cap of {format_usd(cap)}, so it would stop before it is done",
        )
    if out is not None and out.exists():
        found.append(f"{out.name} exists and will be replaced")
    if registry:
        found.append(
            f"runs Python code the operator registered, on this machine: {', '.join(sorted(registry))}"
        )
    return tuple(found)
