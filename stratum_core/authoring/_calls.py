"""One call of an infer function through the runtime: its session, its path, its model, its cap, its answer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import platformdirs

from stratum_core.authoring._session import Session, as_raised, session_of
from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError, DeterminismError, RunStopped
from stratum_core.journal import AnswerCache
from stratum_core.llm import ways_to_a_model
from stratum_core.runtime import Branches, RunContext, call_function, run_branches
from stratum_core.specs import InferSpec, Program

__all__ = ["ask_model", "first_of", "prepared"]


async def ask_model(spec: InferSpec, arguments: Mapping[str, JsonValue], program: Program) -> list[JsonValue]:
    """Call an infer function in the session around, and return its answer, or its samples.

    Args:
        spec: The function.
        arguments: A checked value for each input.
        program: Holds the function and the check of its refine.

    Raises:
        StratumError: The call failed, as the function's own docstring lists.
    """
    async with session_of() as session:
        path = session.next_path(spec.name, arguments)
        context = await prepared(session, [spec], program)
        try:
            if spec.stable:
                return [await call_function(context, spec, arguments, path, session.meter)]
            return await _samples(session, context, spec, arguments, path)
        except RunStopped as stop:
            fault = as_raised(stop)
            if fault is stop:
                raise
            raise fault from None
        except DeterminismError as fault:
            raise DeterminismError(
                f"{path}: `{spec.name}` has changed since this call was recorded, so its answer is not taken over",
                remedy="give the changed program a run id of its own, or take the change back",
                detail={**fault.detail, "run_id": session.context.journal.run_id},
            ) from fault
        except ExceptionGroup as several:
            raise first_of(several) from None


def first_of(error: Exception) -> Exception:
    """Return the first error of a group: what a client raised that is none of ours, where requests run together."""
    inner: Sequence[Exception] = getattr(error, "exceptions", ())
    return first_of(inner[0]) if inner else error


async def prepared(session: Session, specs: list[InferSpec], program: Program) -> RunContext:
    """Return the context of a call that asks these functions.

    Raises:
        ConfigurationError: A function names no model and there is no default.
        BudgetExceeded: No cap can be promised any more in this session.
    """
    context = session.for_call(program)
    nameless = next((spec.name for spec in specs if not context.model_of(spec)), None)
    if nameless is not None:
        raise ConfigurationError(
            f"`{nameless}` names no model, and there is no default",
            remedy=f"{ways_to_a_model()}; a model is named in the decorator or in configure(default_model=...)",
        )
    budgets = [scope.budget for scope in session.meter.scope.chain]
    budgets += [spec.budget for spec in specs if spec.budget is not None]
    context.allow_unpriced = all(budget.nusd is None for budget in budgets)
    if any(spec.cache == "global" for spec in specs) and context.answers.store is None:
        context.answers.store = await anyio.to_thread.run_sync(AnswerCache.open, _state_dir())
    return context


async def _samples(
    session: Session, context: RunContext, spec: InferSpec, arguments: Mapping[str, JsonValue], path: str
) -> list[JsonValue]:
    """Ask an unstable function once, or in test mode several times at once, each for an answer of its own."""
    count = session.settings.samples
    if count == 1:
        return _sample_values(await call_function(context, spec, arguments, path, session.meter))
    own = replace(spec, cache="none")

    async def run(within: RunContext, _: int, at: str) -> JsonValue:
        return await call_function(within, own, arguments, at, session.meter)

    names = tuple(f"sample{number}" for number in range(count))
    branches = Branches(names=names, run=run, needed=count)
    done = await run_branches(context, branches, path=path, meter=session.meter)
    return [value for sample in done.values.values() for value in _sample_values(sample)]


def _sample_values(value: JsonValue) -> list[JsonValue]:
    """Return the samples in what the runtime gives for an unstable function."""
    samples = value.get("samples") if isinstance(value, Mapping) else None
    return list(samples) if isinstance(samples, list) else []


def _state_dir() -> Path:
    """Return where answers of `cache="global"` are kept: where the `stratum` command keeps its own."""
    return Path(os.environ.get("STRATUM_STATE_DIR") or platformdirs.user_state_dir("stratum"))
