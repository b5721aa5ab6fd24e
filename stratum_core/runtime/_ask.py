"""Asking: one call of an infer function with everything its definition says about it.

Preconditions come first and cost nothing. Then an answer on record is looked for; only without one the call is made,
inside the function's own budget: its iterations, their votes, and the attempts of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import anyio

from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    BudgetExceeded,
    DeterminismError,
    JournalError,
    PreconditionFailed,
    RunStopped,
    StratumError,
)
from stratum_core.journal import ACCEPTED, ASKED, TAKEN
from stratum_core.llm import OFFLINE_MODEL, answer_key, still_holds
from stratum_core.runtime._answers import Flight, shared_path
from stratum_core.runtime._context import RunContext, evaluate_condition, ran_out_within
from stratum_core.runtime._refine import Compute, converge
from stratum_core.runtime._tracing import OpenCall, traced
from stratum_core.specs import InferSpec
from stratum_core.trace import Tracers

__all__ = ["ask"]


async def ask(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    compute: Compute,
) -> JsonValue:
    """Return an answer of a function to its inputs, bought only when there is none on record.

    Args:
        context: The run.
        spec: The function.
        inputs: A checked value for each of its inputs.
        path: Where in the run.
        meter: What pays.
        compute: Runs the check of a refine.

    Raises:
        PreconditionFailed: A `given` is false; nothing was sent.
        PostconditionFailed: An `ensure` was still false after the last attempt.
        ParseFailure: No attempt gave a value of the output type.
        ConsensusFailure: Too few votes agree.
        ConvergenceFailure: No iteration satisfied `until`.
        ModelError: Every model of the chain refused or failed.
        BudgetExceeded: The next attempt does not fit a cap, or the call's time ran out.
        DeterminismError: The journal holds an answer to another question at this path.
        RunStopped: The run ends.
    """
    tracer = context.tracer
    if tracer is None:
        return await _answer(context, spec, inputs, path=path, meter=meter, compute=compute)
    call = OpenCall(spec, inputs, model=context.model_of(spec), path=path, prices=context.prices)
    within = replace(context, call=call)
    return await traced(
        call,
        lambda: _answer(within, spec, inputs, path=path, meter=meter, compute=compute),
        flow=context.flow,
        tell=Tracers(tracer).call_ended,
    )


async def _answer(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    compute: Compute,
) -> JsonValue:
    """Return an answer, as `ask` does."""
    for condition in spec.given:
        if not await evaluate_condition(condition, inputs):
            raise PreconditionFailed(
                f"{path}: `{condition.canonical}` is false, so `{spec.name}` was not called"
            )
    call = _Asked(context, spec, inputs, compute)
    key = answer_key(context.program, spec, context.model_of(spec), inputs)
    if key is None:
        return await call.within_budget(path, meter)
    if spec.cache == "none":
        return await call.answer(key, path, meter)
    return await _shared(call, key, path, meter)


class _Asked:
    """One question and the ways to an answer."""

    def __init__(
        self, context: RunContext, spec: InferSpec, inputs: Mapping[str, JsonValue], compute: Compute
    ) -> None:
        self.context = context
        self.spec = spec
        self._inputs = inputs
        self._compute = compute
        self._noted = False
        """Whether an earlier opening of the run has written down what it accepted here."""

    async def answer(self, key: str, path: str, meter: Meter) -> JsonValue:
        """Take the answer from where there is one, else make the call and write down what it gave."""
        found = await self._found(key, path)
        if found is not None:
            _hit(self.context)
            self.context.census.simulated |= self.context.model_of(self.spec) == OFFLINE_MODEL
            return found["value"]
        value = await self.within_budget(path, meter)
        answers, journal = self.context.answers, self.context.journal
        if not self._noted:
            journal.note(ACCEPTED, path=path, data={"key": key, "value": value})
        if self.spec.cache == "global" and answers.store is not None:
            await answers.store.put(key, value)
        return value

    async def within_budget(self, path: str, meter: Meter) -> JsonValue:
        """Make the call inside the function's own budget."""
        budget = self.spec.budget
        if budget is None:
            return await self._make(path, meter)
        own = meter.child(path, budget)
        if budget.ms is None:
            return await self._make(path, own)
        with anyio.move_on_after(budget.ms / 1000):
            return await self._make(path, own)
        raise BudgetExceeded(
            f"{path}: `{self.spec.name}` took longer than its {budget.ms} ms",
            remedy="raise the function's `budget.ms`",
            detail={"scope": path, "axis": "ms", "cap": budget.ms},
        )

    async def _make(self, path: str, meter: Meter) -> JsonValue:
        return await converge(
            self.context, self.spec, self._inputs, path=path, meter=meter, compute=self._compute
        )

    async def _found(self, key: str, path: str) -> Mapping[str, JsonValue] | None:
        """Return the answer from outside the run, journalled, or None when the call has to be made.

        An answer this run has bought itself stands, whatever others have shared since.
        """
        journal, answers = self.context.journal, self.context.answers
        taken = journal.recorded(TAKEN).get(path)
        if taken is not None:
            if taken["key"] != key:
                raise DeterminismError(
                    f"{path}: the answer on record is to another question",
                    remedy="make a new plan; an answer to another question is never reused",
                )
            return taken
        self._noted = _is_noted(journal.recorded(ACCEPTED), path, key)
        if self._noted:
            return None
        found = {"value": answers.reused[key]} if key in answers.reused else None
        if found is None and self.spec.cache == "global" and answers.store is not None:
            found = await answers.store.get(key)
        if found is None or not still_holds(self.spec, self._inputs, found["value"]):
            return None
        await journal.event(TAKEN, path=path, data={"key": key, "value": found["value"]})
        return found


async def _shared(call: _Asked, key: str, path: str, meter: Meter) -> JsonValue:
    """Ask once for all equal calls of the run; those that come later wait, and get what the first one got."""
    flights = call.context.answers.flights
    while True:
        flight = flights.get(key)
        if flight is None:
            flights[key] = flight = Flight()
            return await _lead(call, flight, key, path, meter)
        await flight.landed.wait()
        if flight.error is not None:
            raise _at(flight.error, shared_path(call.spec.name, key), path)
        if not flight.given_up:
            _hit(call.context)
            return flight.value


async def _lead(call: _Asked, flight: Flight, key: str, path: str, meter: Meter) -> JsonValue:
    """Ask for others, too. What is only the asker's matter (its cancellation, its caps) is not handed on."""
    where = shared_path(call.spec.name, key)
    journal = call.context.journal
    if where not in journal.recorded(ASKED):
        journal.note(ASKED, path=where, data={"at": path})
    try:
        flight.value = await call.answer(key, where, meter)
    except (RunStopped, JournalError):
        _give_up(call.context, flight, key)
        raise
    except StratumError as error:
        if isinstance(error, BudgetExceeded) and not ran_out_within(error, where):
            _give_up(call.context, flight, key)
            raise
        flight.error = error
        raise _at(error, where, path) from error
    except BaseException:
        _give_up(call.context, flight, key)
        raise
    finally:
        flight.landed.set()
    return flight.value


def _hit(context: RunContext) -> None:
    """Count an answer that was not bought."""
    context.census.calls_reused += 1
    if context.call is not None:
        context.call.cache_hit = True


def _give_up(context: RunContext, flight: Flight, key: str) -> None:
    """Let the next caller ask."""
    flight.given_up = True
    del context.answers.flights[key]


def _at(error: StratumError, shared: str, path: str) -> StratumError:
    """Return an error as it is at the caller's own path."""
    detail = dict(error.detail)
    if "scope" in detail:
        detail["scope"] = str(detail["scope"]).replace(shared, path, 1)
    return type(error)(error.message.replace(shared, path), remedy=error.remedy, detail=detail)


def _is_noted(recorded: Mapping[str, Mapping[str, JsonValue]], path: str, key: str) -> bool:
    """Return whether an earlier opening of the run has accepted an answer to this question here."""
    noted = recorded.get(path)
    return noted is not None and noted["key"] == key
