"""What the track record knows runs by: names of functions, places and pieces of work, and the outcome of a run.

A run writes under these names what it has shown, and a plan looks it up under the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from stratum_core.contracts import JsonValue, content_hash
from stratum_core.journal._track_record import Outcome
from stratum_core.specs import DebateVerb, Program

__all__ = ["call_subject", "debate_place", "outcome_of", "step_subject", "work_of"]

_HASH_CHARACTERS = 32


def call_subject(function_hash: str, model: str) -> str:
    """Return what the calls of a function on a model are remembered under."""
    return f"call:{function_hash[:_HASH_CHARACTERS]}:{model}"


def step_subject(ir_hash: str, place: str) -> str:
    """Return what a condition, a loop or a debate of a document is remembered under."""
    return f"step:{ir_hash[:_HASH_CHARACTERS]}:{place}"


def debate_place(verb: DebateVerb) -> str:
    """Return where the rounds of a debate are counted: debates of the same sides count together."""
    return ">".join((*verb.agents, verb.synthesize))


def work_of(program: Program, flow: str, models: Mapping[str, str]) -> str:
    """Return 32 hex that name a piece of work, whatever data it is done on."""
    return content_hash([program.ir_hash, flow, dict(models)])[:_HASH_CHARACTERS]


def outcome_of(record: Mapping[str, JsonValue], *, run_id: str, work: str, actual_nusd: int) -> Outcome:
    """Return what a run did cost beside what its plan said.

    Args:
        record: The stored plan.
        run_id: Its run, which came to its end.
        work: From `work_of`.
        actual_nusd: What it was charged.
    """
    figures = cast("Mapping[str, int | float]", record["figures"])
    likely = int(figures["likely_nusd"])
    return Outcome(
        run_id=run_id,
        work=work,
        simulated=bool(record["simulated"]),
        likely_nusd=likely,
        low_nusd=int(figures["low_nusd"]),
        high_nusd=int(figures["high_nusd"]),
        raw_nusd=int(figures.get("raw_nusd", likely)),
        noise=float(figures.get("noise", 0.0)),
        learned="raw_nusd" in figures,
        actual_nusd=actual_nusd,
    )
