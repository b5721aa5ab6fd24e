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
from stratum_core.journal import work_of
from stratum_core.llm import CLAUDE_CLI_PREFIX, OFFLINE_MODEL, Price, provider_of
from stratum_core.memory import collections_paused
from stratum_core.money import Nusd, format_usd
from stratum_core.plan._bind import BoundInput
from stratum_core.plan._cap import Cap, cap_of
from stratum_core.plan._context import PlanContext
from stratum_core.plan._describe import plan_words
from stratum_core.plan._estimate import Estimate, estimate_program
from stratum_core.plan._models import check_models, lacking, on_one_model, prices_of, with_models
from stratum_core.plan._module import PlannedModule, plan_module, stands_there
from stratum_core.plan._options import PlanOptions
from stratum_core.plan._plan import Plan, ReopenedPlan, plan_hash_of
from stratum_core.plan._request import Request, read_request
from stratum_core.plan._reuse import ReusedRun
from stratum_core.specs import Program, RegisteredFunction

__all__ = ["build_plan", "estimate_what_if"]

_NO_OPTIONS = PlanOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is to be priced: a program with its models, and the data bound to it."""

    text: str
    program: Program
    flow: str
    inputs: tuple[BoundInput, ...]
    options: PlanOptions
    out: Path | None
    module: PlannedModule | None
    reused: ReusedRun | None
    models: Mapping[str, str]
    registry: Mapping[str, RegisteredFunction]
    diagnostics: tuple[Diagnostic, ...]


@collections_paused()
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
        ConfigurationError: No model is configured.
    """
    work = _work(text, flow, inputs, options, context)
    spec = work.program.flows[work.flow]
    estimate = estimate_program(
        work.program,
        work.flow,
        {part.name: part.value for part in work.inputs},
        price_of=prices_of(work.models, context.prices),
        answers={} if work.reused is None else work.reused.answers,
        caps=options.counted_caps(spec),
        history=context.history,
        work=work_of(work.program, work.flow, work.models),
    )
    return _finished(_draft(work, estimate, cap_of(spec, options, estimate, context), context))


def estimate_what_if(
    plan: ReopenedPlan,
    context: PlanContext,
    *,
    model: str | None = None,
    rows: int | None = None,
    batch: bool = False,
) -> Estimate:
    """Return what a plan would cost on another model, for only its first rows, or at the price of a batch mode.

    The plan itself stays as it is, and runs are never sent in a batch mode: that is a question of money alone.

    Args:
        plan: The stored plan, opened again.
        context: For prices and the operator's limits.
        model: Stands in for every model of the plan.
        rows: Only the first so many rows of each file (of each list, when there is no file).
        batch: At what the providers charge in their batch modes.

    Raises:
        PlanError: The model is not allowed or has no known price, or `rows` is below one.
    """
    if rows is not None and rows < 1:
        raise PlanError(f"rows is {rows}, but an estimate needs at least one row", remedy="give 1 or more")
    models = on_one_model(plan.models, model) if model is not None else dict(plan.models)
    check_models(models, context)
    values = {
        name: _first_rows(value, rows if name in plan.from_files or not plan.from_files else None)
        for name, value in plan.inputs.items()
    }
    list_prices = prices_of(models, context.prices)
    estimate = estimate_program(
        with_models(plan.program, models),
        plan.flow,
        values,
        price_of={name: price.in_batch() for name, price in list_prices.items()} if batch else list_prices,
        answers={} if plan.options.reuse is None else context.answers_of(plan.options.reuse).answers,
        caps=plan.options.counted_caps(plan.program.flows[plan.flow]),
        history=context.history,
        work=work_of(plan.program, plan.flow, models),
    )
    return replace(estimate, basis=f"{estimate.basis}; {_batch_words(list_prices)}") if batch else estimate


def _batch_words(list_prices: Mapping[str, Price]) -> str:
    """Return where the prices of a batch mode come from."""
    unknown = [name for name, price in sorted(list_prices.items()) if price.batch_percent is None]
    if not unknown:
        return "at the batch prices of the price list, which Stratum itself does not run at"
    return (
        "at batch prices, which Stratum itself does not run at; the price list has none for "
        f"{', '.join(unknown)}, so half its list price is taken, as Anthropic, OpenAI and Google charge"
    )


def _first_rows(value: JsonValue, rows: int | None) -> JsonValue:
    """Cut a list to its first rows."""
    if rows is None or isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return list(value[:rows])


def _work(
    text: str | bytes,
    flow: str | None,
    inputs: Mapping[str, JsonValue],
    options: PlanOptions,
    context: PlanContext,
) -> _Work:
    """Check the document, choose its flow and models, and bind the data; raises as `build_plan` does."""
    checked = check(text, limits=context.limits)
    if checked.program is None:
        raise _invalid(checked.diagnostics)
    request = read_request(checked.program, flow, inputs, options, context)
    document = text if isinstance(text, str) else text.decode("utf-8-sig")
    persistent = options.mode == "persistent"
    return _Work(
        text=document,
        program=with_models(checked.program, request.models),
        flow=request.flow,
        inputs=request.inputs,
        options=options,
        out=request.out,
        module=_module(document, request, context) if persistent else None,
        reused=None if options.reuse is None else context.answers_of(options.reuse),
        models=request.models,
        registry=request.registry,
        diagnostics=checked.diagnostics,
    )


def _module(document: str, request: Request, context: PlanContext) -> PlannedModule:
    return plan_module(document, request.flow, request.inputs, out=request.out, context=context)


def _draft(work: _Work, estimate: Estimate, cap: Cap, context: PlanContext) -> Plan:
    """Return a plan without its words, its hash and its id."""
    now = context.now.astimezone(UTC)
    return Plan(
        id="",
        plan_hash="",
        text=work.text,
        program=work.program,
        flow=work.flow,
        inputs=work.inputs,
        options=work.options,
        out=work.out,
        module=work.module,
        reused=None if work.reused is None else work.reused.pin(),
        models=work.models,
        endpoints=_endpoints(work.models, context),
        price_version=context.prices.version,
        registry=work.registry,
        limits=_limits_record(context),
        roots=tuple(str(path) for path in context.roots.paths),
        estimate=estimate,
        cap_nusd=cap.nusd,
        cap_source=cap.source,
        simulated=OFFLINE_MODEL in work.models.values(),
        uses_allowance=bool(work.models)
        and all(model.startswith(CLAUDE_CLI_PREFIX) for model in work.models.values()),
        summary="",
        question="",
        warnings=(*lacking(work.models, context), *_warnings(estimate, cap.nusd, work)),
        diagnostics=tuple(item.to_json() for item in work.diagnostics),
        created_at=now,
        expires_at=now + context.ttl,
    )


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


def _limits_record(context: PlanContext) -> dict[str, JsonValue]:
    """Return the operator's limits as the plan's hash covers them."""
    limits = context.limits
    found: dict[str, JsonValue] = {
        "models_allowed": None if limits.models_allowed is None else list(limits.models_allowed),
        "max_usd": None if limits.max_usd is None else str(limits.max_usd),
        "compute_registry": sorted(limits.compute_registry),
        "max_rows": context.bind_limits.max_rows,
        "max_file_bytes": context.bind_limits.max_file_bytes,
    }
    if context.possibly_paid != "retry":
        found["possibly_paid"] = context.possibly_paid
    return found


def _endpoints(models: Mapping[str, str], context: PlanContext) -> dict[str, str]:
    """Return where requests go that do not go to the provider itself."""
    found = {provider_of(model): context.endpoint_of(model) for model in models.values()}
    return {provider: url for provider, url in sorted(found.items()) if url is not None}


def _warnings(estimate: Estimate, cap: Nusd, work: _Work) -> tuple[str, ...]:
    """Return what the person should know beside the price."""
    found = list(estimate.warnings)
    if estimate.likely_nusd > cap:
        found.insert(
            0,
            f"the work is likely to cost more than its cap of {format_usd(cap)}, so it would stop before it is done",
        )
    if work.out is not None and work.out.exists():
        found.append(f"{work.out.name} exists and will be replaced")
    module = work.module
    if module is not None and module.path.exists() and not stands_there(module.path, module.text):
        found.append(f"{module.path.name} is there and differs, so it is left alone and no Python is written")
    if work.registry:
        code = (
            f"runs Python code the operator registered, on this machine: {', '.join(sorted(work.registry))}"
        )
        found.insert(1, code)  # where the summary has room for it
    return tuple(found)
