"""The rows of the control file: plans, answers to them, runs, and commands to runners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.journal._protocol import RunState

__all__ = [
    "ApprovalRecord",
    "Channel",
    "CommandKind",
    "CommandRecord",
    "DecisionKind",
    "PlanRecord",
    "RunRecord",
]

DecisionKind: TypeAlias = Literal["approved", "declined", "revoked"]
"""A yes, a no, or a yes taken back before it was used; the last two are final."""

Channel: TypeAlias = Literal["dialog", "terminal", "policy", "flag", "remote"]
"""How the answer came: the client's own dialog, a terminal, the operator's policy file, a flag of a demo, or another
person at the server that holds the keys."""

CommandKind: TypeAlias = Literal["cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan as it was shown."""

    plan_id: str
    plan_hash: str
    """Over everything an approval binds."""
    record: Mapping[str, JsonValue]
    created_at_ms: int
    expires_at_ms: int
    principal: str
    """Who asked for the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """One answer to a plan."""

    approval_id: str
    plan_id: str
    plan_hash: str
    cap_nusd: int | None
    """The money the answer is about; None when the plan has no money cap."""
    decision: DecisionKind
    channel: Channel
    principal: str
    """Who answered."""
    note: str = ""
    at_ms: int
    expires_at_ms: int
    """Until when a yes can start the run."""
    consumed_by: str | None = None
    """The run it has started."""
    signature: str = ""
    """Of a remote answer: the id of the server's key, a dot, and the signature; empty for a local one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run in the index."""

    run_id: str
    plan_id: str
    plan_hash: str
    cap_nusd: int | None
    state: RunState
    """As its runner last told; the run's own journal knows better."""
    created_at_ms: int
    finished_at_ms: int | None = None
    receipt: Mapping[str, JsonValue] | None = None
    started_at_ms: int | None = None
    """When a runner first had its journal open; None: nothing of it can have been paid."""
    planned_cap_nusd: int | None = None
    """The cap of its plan; `cap_nusd` is higher once a person has let the run go on under a higher one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """Something a runner is asked to do."""

    seq: int
    run_id: str
    kind: CommandKind
    at_ms: int
    principal: str
