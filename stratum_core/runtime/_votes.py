"""The quorum: the same question several times at once; the answer is one of those that agree.

Room for the first request of every vote is reserved together, so that a quorum the cap cannot finish never starts.
A vote that ends in a fault of its provider abstains. That depends on the moment, so a decision that went without
some votes is journalled before it is used, and a resumed run leaves the same ones out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio

from stratum_core.budget import Meter, Reservation, Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    ConsensusFailure,
    JournalError,
    ModelError,
    ParseFailure,
    PostconditionFailed,
    StratumError,
)
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._infer import first_worst, infer
from stratum_core.specs import InferSpec, Quorum

__all__ = ["consult"]

_VOTED = "voted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vote:
    """What became of one vote."""

    value: JsonValue = None
    error: StratumError | None = None

    @property
    def abstains(self) -> bool:
        """Whether the provider is why there is no answer."""
        return isinstance(self.error, ModelError)


async def consult(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    feedback: str = "",
) -> JsonValue:
    """Ask once, or for a function with a quorum so often, and return the answer.

    Raises:
        ConsensusFailure: Fewer votes agree than the threshold asks for.
        StratumError: As for one call, when there is no quorum.
        BudgetExceeded: The votes, or a retry of one of them, do not fit a cap.
        RunStopped: The run ends.
    """
    quorum = spec.quorum
    if quorum is None:
        return await infer(context, spec, inputs, path=path, meter=meter, feedback=feedback)
    paths = [f"{path}/vote{number}" for number in range(quorum.votes)]
    decided = context.journal.recorded(_VOTED).get(path)
    silent = () if decided is None else _numbers(decided.get("abstained"))
    for number in silent:
        _charge_recorded(context, meter, paths[number])
    asked = [number for number in range(quorum.votes) if number not in silent]
    held = await _reserve(context, spec, inputs, [paths[n] for n in asked], meter=meter, feedback=feedback)
    votes: dict[int, _Vote] = {}

    async def ask(number: int) -> None:
        try:
            value = await infer(
                context,
                spec,
                inputs,
                path=paths[number],
                meter=meter,
                feedback=feedback,
                held=held.get(paths[number]),
            )
            votes[number] = _Vote(value=value)
        except StratumError as error:
            votes[number] = _Vote(error=error)

    try:
        async with anyio.create_task_group() as group:
            for number in asked:
                group.start_soon(ask, number)
    finally:
        for reservation in held.values():
            reservation.release()
    abstained = [number for number in asked if votes[number].abstains]
    _raise_stopping([votes[number] for number in asked])
    if abstained:
        data: dict[str, JsonValue] = {"abstained": sorted([*silent, *abstained])}
        await context.journal.event(_VOTED, path=path, data=data)
    return _agreed(spec, quorum, path, {number: vote for number, vote in votes.items() if not vote.abstains})


async def _reserve(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    paths: Sequence[str],
    *,
    meter: Meter,
    feedback: str,
) -> dict[str, Reservation]:
    """Reserve the first request of every vote that has nothing on record, all or none."""
    needs = {path: first_worst(context, spec, inputs, path=path, feedback=feedback) for path in paths}
    fresh = {path: need for path, need in needs.items() if need is not None}
    if not fresh:
        return {}
    context.raise_if_stopped()
    whole = await meter.reserve(sum(fresh.values(), Usage()))
    parts = {path: whole.part(need) for path, need in fresh.items()}
    whole.release()
    return parts


def _charge_recorded(context: RunContext, meter: Meter, path: str) -> None:
    """Count what a vote has cost that is left out again."""
    for attempt in context.journal.attempts(path):
        meter.charge_recorded(attempt.usage)
        context.census.count_replayed(attempt)
        if context.call is not None:
            context.call.replayed(attempt, "first")


def _raise_stopping(votes: Sequence[_Vote]) -> None:
    """Raise what is about more than one vote: the run ends, a cap ran out, a condition itself failed."""
    about_the_vote = (ModelError, ParseFailure, PostconditionFailed)
    errors = [vote.error for vote in votes if vote.error and not isinstance(vote.error, about_the_vote)]
    worst = next((error for error in errors if isinstance(error, JournalError)), None)
    if errors:
        raise worst or errors[0]


def _agreed(spec: InferSpec, quorum: Quorum, path: str, votes: Mapping[int, _Vote]) -> JsonValue:
    """Return the answer of the largest group that agrees: the one most sure of itself, or the first.

    Raises:
        ConsensusFailure: No group is large enough.
    """
    answers = [votes[number].value for number in sorted(votes) if votes[number].error is None]
    groups: list[list[JsonValue]] = []
    for answer in answers:
        group = next((g for g in groups if _same(g[0], answer, quorum.agree_on)), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    largest = max(groups, key=len) if groups else []
    if len(largest) >= quorum.threshold:
        return max(largest, key=_confidence)
    raise ConsensusFailure(
        f"{path}: `{spec.name}` has {len(largest)} of {quorum.votes} votes that agree on `{quorum.agree_on}`, "
        f"but {quorum.threshold} are needed; {len(answers)} gave an acceptable answer",
        remedy="state the task more exactly, lower the threshold, or use a stronger model",
        detail={
            "outputs": [votes[n].value if n in votes else None for n in range(quorum.votes)],
            "agreeing": len(largest),
            "needed": quorum.threshold,
        },
    )


def _same(first: JsonValue, second: JsonValue, name: str) -> bool:
    """Return whether two answers agree; true is not 1."""
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return False
    a, b = first.get(name), second.get(name)
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _confidence(answer: JsonValue) -> float:
    """Return how sure an answer says it is."""
    said = answer.get("confidence") if isinstance(answer, Mapping) else None
    return float(said) if isinstance(said, (int, float)) and not isinstance(said, bool) else 0.0


def _numbers(value: JsonValue) -> tuple[int, ...]:
    """Return the whole numbers of a recorded list."""
    listed = value if isinstance(value, list) else []
    return tuple(number for number in listed if isinstance(number, int))
