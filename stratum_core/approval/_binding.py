"""What an approval binds, and what the operator's policy says about a plan; pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from stratum_core.approval._policy import Policy
from stratum_core.errors import ApprovalError, PlanError
from stratum_core.journal import ApprovalRecord, Channel, DecisionKind
from stratum_core.money import format_usd

__all__ = [
    "Decision",
    "PlanFacts",
    "approval_record",
    "needs_remote",
    "policy_decision",
    "policy_violations",
    "require_allowed",
    "require_local_allowed",
]

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What a policy looks at in a plan; an approval binds `plan_hash` and `cap_nusd`."""

    plan_id: str
    plan_hash: str
    """Over the document, the bound inputs, the models and the options: if one changes, so does this."""
    flow: str
    ir_hash: str
    models: frozenset[str]
    """Every model a call may go to."""
    cap_nusd: int | None
    """The money cap of the run; None when it has none."""
    rows: int = 0
    """Rows bound to the inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer to a plan, and where it came from."""

    decision: DecisionKind
    channel: Channel
    principal: str
    note: str = ""


def policy_violations(facts: PlanFacts, policy: Policy) -> tuple[str, ...]:
    """Return what the policy does not allow in a plan, in words; empty when it may be run."""
    found = [
        f"the model {model} is not allowed (allowed: {', '.join(policy.models_allowed or ()) or 'none'})"
        for model in sorted(facts.models)
        if not _matches(model, policy.models_allowed)
    ]
    if policy.max_nusd is not None and (facts.cap_nusd is None or facts.cap_nusd > policy.max_nusd):
        found.append(
            f"its cap is {_money(facts.cap_nusd)}, the policy's largest is {_money(policy.max_nusd)}"
        )
    if policy.max_rows is not None and facts.rows > policy.max_rows:
        found.append(f"it binds {facts.rows:,} rows, the policy's most is {policy.max_rows:,}")
    return tuple(found)


def require_allowed(facts: PlanFacts, policy: Policy) -> None:
    """Refuse a plan the policy does not allow.

    Raises:
        PlanError: The message holds everything that is not allowed.
    """
    violations = policy_violations(facts, policy)
    if violations:
        raise PlanError(
            f"the operator's policy does not allow plan {facts.plan_id}: {'; '.join(violations)}",
            remedy=f"change the plan, or have the operator change {policy.source or 'the policy'}",
            detail={"violations": list(violations)},
        )


def needs_remote(facts: PlanFacts, policy: Policy) -> bool:
    """Return whether the policy wants an answer from outside the account that made the plan."""
    limit = policy.require_remote_above_nusd
    return limit is not None and (facts.cap_nusd is None or facts.cap_nusd > limit)


def require_local_allowed(facts: PlanFacts, policy: Policy) -> None:
    """Refuse to take an answer on this account where the policy demands one from outside it.

    Raises:
        ApprovalError: The plan needs a remote approval.
    """
    if needs_remote(facts, policy):
        raise ApprovalError(
            f"the operator's policy wants a remote approval above {_money(policy.require_remote_above_nusd)}, and "
            f"plan {facts.plan_id} may cost {_money(facts.cap_nusd)}",
            remedy="have another person of the team approve it at the team's server, or plan with a lower cap",
        )


def policy_decision(facts: PlanFacts, policy: Policy) -> Decision | None:
    """Return the policy's own yes to a plan, or None when a person has to be asked.

    It never says no: what it does not allow, `require_allowed` refuses.
    """
    limit, cap = policy.approve_up_to_nusd, facts.cap_nusd
    if limit is None or cap is None or cap > limit or policy_violations(facts, policy):
        return None
    if needs_remote(facts, policy):
        return None
    if not all(_matches(model, policy.approve_models) for model in facts.models):
        return None
    if not _is_named(facts, policy.approve_flows):
        return None
    return Decision(
        decision="approved",
        channel="policy",
        principal=f"policy {policy.source}" if policy.source else "policy",
        note=f"caps up to {_money(limit)} need no question",
    )


def approval_record(
    decision: Decision, facts: PlanFacts, *, approval_id: str, now_ms: int, policy: Policy
) -> ApprovalRecord:
    """Return the row that stores an answer, bound to the plan's hash and cap, with its expiry."""
    return ApprovalRecord(
        approval_id=approval_id,
        plan_id=facts.plan_id,
        plan_hash=facts.plan_hash,
        cap_nusd=facts.cap_nusd,
        decision=decision.decision,
        channel=decision.channel,
        principal=decision.principal,
        note=decision.note,
        at_ms=now_ms,
        expires_at_ms=now_ms + int(policy.approval_ttl_minutes * _MS_PER_MINUTE),
    )


def _matches(model: str, patterns: tuple[str, ...] | None) -> bool:
    return patterns is None or any(fnmatchcase(model, pattern) for pattern in patterns)


def _is_named(facts: PlanFacts, flows: tuple[str, ...] | None) -> bool:
    """Return whether a list names the plan's flow; a hash in it must be that of the document."""
    if flows is None:
        return True
    parts = (flow.partition("@") for flow in flows)
    return any(name == facts.flow and facts.ir_hash.startswith(start) for name, _, start in parts)


def _money(nusd: int | None) -> str:
    return "unlimited" if nusd is None else format_usd(nusd)
