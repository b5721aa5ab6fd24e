"""What the engine tells a surface: flat, JSON-ready pictures of plans, approvals and runs.

A surface only arranges these; every figure, sentence and state in them was made here or below, so that the command
line and every MCP client say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.journal import RunState
from stratum_core.money import format_usd

__all__ = ["ApprovalState", "ApprovalView", "EstimateView", "PlanView", "Rewrite", "RunView", "Validation"]

ApprovalState: TypeAlias = Literal["approved", "declined", "needs_approval"]

_LEFT_OVER: Mapping[RunState, str] = {
    "interrupted": "was interrupted",
    "waiting": "waits for a person",
    "stopped_limit": "was stopped by a limit of the provider",
}

Needs: TypeAlias = Literal["local", "remote"]
"""Whose yes a plan takes: that of whoever made it, or of another person at the team's server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What is wrong with a document, or its hash."""

    ok: bool
    diagnostics: tuple[Mapping[str, JsonValue], ...]
    ir_hash: str = ""
    """64 hex when the document is valid."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {"ok": self.ok, "diagnostics": list(self.diagnostics), "ir_hash": self.ir_hash}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A document with its fixes, or in its canonical form."""

    before: str
    text: str
    validation: Validation
    """Of `text`."""
    applied: tuple[Mapping[str, JsonValue], ...] = ()
    """The diagnostics that were mended, with their places before the fix."""
    path: Path | None = None
    """The file it came from; None for text."""
    loses_comments: bool = False
    """Whether comments of `before`, other than those at its top, are not in `text`."""

    @property
    def changed(self) -> bool:
        """Whether the text differs from what was given."""
        return self.text != self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A stored plan as a person and an agent see it."""

    plan_id: str
    summary: str
    """The plan in plain words, cost last; at most 20 lines of 90 columns, safe to show."""
    likely_usd: float
    likely_low_usd: float
    likely_high_usd: float
    at_most_usd: float
    """The cap: the run is stopped before it could pass it."""
    simulated: bool
    """True when the offline model answers: no real money."""
    items: int
    """Rows bound to the plan."""
    calls_at_most: int
    approval: ApprovalState
    command: str
    """What the person types to approve it in a terminal."""
    warnings: tuple[str, ...] = ()
    run_id: str = ""
    """The run this plan was already used for."""
    channel: str = ""
    """How it was answered: dialog, terminal, policy, flag or remote; empty while nobody has."""
    channel_meaning: str = ""
    """What an answer through that channel shows, and what it does not."""
    needs: Needs = "local"
    """Whose yes it takes."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "plan_id": self.plan_id,
            "summary": self.summary,
            "likely_usd": self.likely_usd,
            "likely_low_usd": self.likely_low_usd,
            "likely_high_usd": self.likely_high_usd,
            "at_most_usd": self.at_most_usd,
            "simulated": self.simulated,
            "items": self.items,
            "calls_at_most": self.calls_at_most,
            "approval": self.approval,
            "needs": self.needs,
            "command": self.command,
            "warnings": list(self.warnings),
            "run_id": self.run_id,
            "channel": self.channel,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateView:
    """What a plan, or a changed one, would cost."""

    plan_id: str
    likely_usd: float
    likely_low_usd: float
    likely_high_usd: float
    worst_case_usd: float
    calls_at_most: int
    basis: str
    """Where the likely range comes from."""
    steps: tuple[Mapping[str, JsonValue], ...]
    """One row for each model call in the plan."""
    simulated: bool
    accuracy: str = ""
    """How near the last estimates came, in words; empty with fewer than five runs."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "plan_id": self.plan_id,
            "likely_usd": self.likely_usd,
            "likely_low_usd": self.likely_low_usd,
            "likely_high_usd": self.likely_high_usd,
            "worst_case_usd": self.worst_case_usd,
            "calls_at_most": self.calls_at_most,
            "basis": self.basis,
            **({"accuracy": self.accuracy} if self.accuracy else {}),
            "steps": list(self.steps),
            "simulated": self.simulated,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """Where a plan stands with the person."""

    plan_id: str
    state: ApprovalState
    channel: str = ""
    """How the decision was given: dialog, terminal, policy, flag or remote."""
    message: str = ""
    """One sentence for the person or the agent, with the command when a person still has to answer."""
    needs: Needs = "local"
    """Whose yes it takes."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "plan_id": self.plan_id,
            "state": self.state,
            "needs": self.needs,
            "channel": self.channel,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as it stands."""

    run_id: str
    plan_id: str
    """Empty for a run of a flow in Python."""
    state: RunState
    message: str
    """One line: progress while it runs, the receipt when it is over, and what to do next."""
    done: int
    total: int
    """Items of the outermost maps; 0 while unknown."""
    usd: float
    cap_usd: float
    simulated: bool
    live: bool
    """Whether a runner is working on it now."""
    census: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    result: JsonValue = None
    """The returned value when it is small, else its scalar fields; the whole is in `result_path`."""
    result_path: str = ""
    """The private JSON file with the whole result."""
    out: str = ""
    """The file the person asked for."""
    out_error: str = ""
    """Why that file is not there although the work is done."""
    module: str = ""
    """The job as Python, where its plan has the mode `persistent`."""
    module_error: str = ""
    """Why the job as Python is not there although the work is done."""
    error: str = ""
    resumable: bool = False
    """Whether `resume` can take the run further; the one place that decides it."""
    needs_cap: bool = False
    """Whether it came to its money cap, so that a person can let it go on under a higher one."""
    charged_nusd: int = 0
    """What it was charged so far, in nano-dollars; `usd` in dollars."""
    note: str = ""
    """What was just done to the run, or is about to be, for whoever asked for it."""
    background: bool = True
    """Whether it goes on when whoever started it goes away."""
    readable: bool = True
    """False when its journal cannot be read: figures are unknown then, not zero."""
    chain_head: str = ""
    """Head of the journal's hash chain: what the receipt is checked against."""
    waiting_for: int = 0
    """Questions of the run that a person still has to answer."""
    questions: tuple[Mapping[str, JsonValue], ...] = ()
    """The first of them, without what they show."""
    flow: str = ""
    """The flow in Python whose record this is; empty for a run of a plan. No command acts on one."""

    @property
    def final(self) -> bool:
        """Whether nothing more happens without a `resume`."""
        return not self.live and self.state not in {"ready", "running"}

    @property
    def left_over(self) -> str:
        """What was left undone, ending in the question what to do; empty for a run that is at work or over."""
        how = _LEFT_OVER.get(self.state)
        if how is None or not self.final or not self.resumable:
            return ""
        items = f"{self.done:,} of {self.total:,} done, " if self.total else ""
        spent = f"{format_usd(self.charged_nusd)}{' (simulated)' if self.simulated else ''} spent"
        unknown = self.census.get("calls_possibly_paid")
        paid = f", {unknown} {'call' if unknown == 1 else 'calls'} possibly paid" if unknown else ""
        return f"{self.run_id} {how}: {items}{spent}{paid}; resume?"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows; empty parts are left out."""
        record: dict[str, JsonValue] = {
            "run_id": self.run_id,
            "plan_id": self.plan_id,
            "state": self.state,
            "message": self.message,
            "done": self.done,
            "total": self.total,
            "usd": self.usd if self.readable else None,
            "cap_usd": self.cap_usd,
            "simulated": self.simulated,
            "resumable": self.resumable,
        }
        optional: Sequence[tuple[str, JsonValue]] = (
            ("census", dict(self.census)),
            ("result", self.result),
            ("result_path", self.result_path),
            ("out", self.out),
            ("out_error", self.out_error),
            ("module", self.module),
            ("module_error", self.module_error),
            ("error", self.error),
            ("needs_cap", self.needs_cap or None),
            ("note", self.note),
            ("chain_head", self.chain_head),
            ("waiting_for", self.waiting_for or None),
            ("questions", list(self.questions) or None),
            ("flow", self.flow),
        )
        record.update({name: value for name, value in optional if value not in (None, "", {})})
        return record
