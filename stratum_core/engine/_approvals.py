"""What the engine asks before it spends: the facts a policy looks at, and how a person's answer is told.

Everything is read from the stored rows, because what is approved is what is on disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from stratum_core.approval import PlanFacts, require_allowed, require_local_allowed
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import ApprovalState, ApprovalView
from stratum_core.errors import ConfigurationError, PlanError
from stratum_core.journal import ApprovalRecord, PlanRecord, RaiseRecord, RunRecord
from stratum_core.llm import missing_for
from stratum_core.money import format_usd
from stratum_core.plan import reopen, reopen_reused, require_as_approved

__all__ = [
    "answered",
    "audit_line",
    "decision_line",
    "facts_of",
    "needs_approval",
    "needs_remote_approval",
    "raise_line",
    "require_approvable",
    "require_reachable",
    "require_resumable",
    "require_startable",
]

_REVOKED = (
    "The person took their yes to this plan back. Nothing was run; plan again only if they ask for that."
)
_DECLINED = (
    "The person said no to this plan. Nothing was run; change it and plan again only if they ask for that."
)


def require_resumable(run: RunRecord, plan: PlanRecord, settings: Settings, *, pays: bool) -> None:
    """Raise unless a run may go on as it was approved.

    Args:
        run: The run.
        plan: Its plan.
        settings: The policy, prices and keys as they are now.
        pays: Whether calls may be made; False when only a file is written again.

    Raises:
        PlanError: The plan or the prices changed, or the policy allows it no more.
        ConfigurationError: A model's key is missing.
    """
    require_as_approved(
        plan.record,
        plan_hash=run.plan_hash,
        cap_nusd=run.planned_cap_nusd,
        price_version=settings.prices.version,
    )
    if not pays:
        return
    facts = facts_of(plan)
    require_allowed(facts, settings.policy)
    _require_reachable(
        facts.models,
        settings.environ,
        told=f"run {run.run_id}: {{}}; nothing was started",
        then="then resume the run",
    )


def require_reachable(plan: PlanRecord, settings: Settings) -> None:
    """Raise unless every model of a plan has its key, or the program behind its login.

    Raises:
        ConfigurationError: One has not; a person's answer is neither taken nor used up.
    """
    _require_reachable(
        facts_of(plan).models,
        settings.environ,
        told=f"plan {plan.plan_id}: {{}}; nothing was approved or started",
        then=f"then ask again; on another model it would cost: stratum estimate {plan.plan_id} --model MODEL",
    )


def _require_reachable(models: Collection[str], environ: Mapping[str, str], *, told: str, then: str) -> None:
    """Raise unless every model has its key, or the program behind its login.

    Args:
        models: Their names.
        environ: Where keys and programs are looked for.
        told: The message, with `{}` where it says what is missing.
        then: What follows the cure in the remedy.
    """
    for model in sorted(models):
        missing = missing_for(model, environ)
        if missing is not None:
            raise ConfigurationError(
                told.format(f"{model} needs {missing.told}"),
                remedy=f"{missing.cure}, {then}",
                detail={"model": model, **missing.detail},
            )


def require_approvable(plan: PlanRecord, settings: Settings) -> None:
    """Raise unless a yes that a person of this account gives now could start the plan's run.

    Raises:
        ApprovalError: The policy wants an answer from outside this account.
        ConfigurationError: A model's key is missing.
    """
    require_local_allowed(facts_of(plan), settings.policy)
    require_reachable(plan, settings)


def require_startable(plan: PlanRecord, answer: ApprovalView, settings: Settings) -> None:
    """Raise unless what was approved is what would run now, and is still allowed; nothing is used up.

    Args:
        plan: The plan.
        answer: How it stands with the person; what is missing is said when the run is created.
        settings: The policy and prices as they are now.

    Raises:
        PlanError: The plan, its files, its prices or a registered function changed, or the policy allows it no more.
        ApprovalError: The policy wants an answer from outside this account.
        ConfigurationError: A model's key is missing.
    """
    facts = facts_of(plan)
    require_as_approved(
        plan.record,
        plan_hash=plan.plan_hash,
        cap_nusd=facts.cap_nusd,
        price_version=settings.prices.version,
    )
    require_allowed(facts, settings.policy)
    if answer.state != "approved":
        return
    require_reachable(plan, settings)
    if answer.channel not in {"policy", "remote"}:
        require_local_allowed(facts, settings.policy)
    reopened = reopen(plan.record)
    if reopened.reused is not None:
        reopen_reused(settings.state_dir, reopened.reused)
    for name, entry in reopened.registry.items():
        if settings.policy.compute.get(name) != replace(entry, sha256=""):
            raise PlanError(
                f"the policy does not register {name!r} as it did when the plan was made",
                remedy="plan again",
            )


def audit_line(at_ms: int, words: str) -> str:
    """Return one line of an audit trail."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).strftime('%Y-%m-%d %H:%M:%S UTC')}: {words}"


def decision_line(record: ApprovalRecord, *, of: str = "") -> str:
    """Return who answered a plan, when, how and to what, on one line of an audit trail; `of` names the plan."""
    cap = "" if record.cap_nusd is None else f", at most {format_usd(record.cap_nusd)}"
    until = datetime.fromtimestamp(record.expires_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if record.consumed_by is not None:
        use = f"; started {record.consumed_by}"
    else:
        use = f"; good until {until}" if record.decision == "approved" else ""
    note = f'; "{record.note}"' if record.note else ""
    words = f"{record.decision} by {record.principal} ({record.channel}){cap}{use}{note}"
    return audit_line(record.at_ms, f"{of} {words}".lstrip())


def raise_line(record: RaiseRecord, *, of: str = "") -> str:
    """Return who answered whether a run may have more, when, how and to what cap, on one line; `of` names the run."""
    cap = f" to a cap of {format_usd(record.cap_nusd)}" if record.decision == "approved" else " more money"
    use = "; used" if record.used_at_ms is not None else ""
    note = f'; "{record.note}"' if record.note else ""
    words = f"{record.decision}{cap} by {record.principal} ({record.channel}){use}{note}"
    return audit_line(record.at_ms, f"{of} {words}".lstrip())


def facts_of(plan: PlanRecord) -> PlanFacts:
    """Return what a policy looks at, from the stored record: what is approved is what is on disk."""
    record = plan.record
    models = cast("Mapping[str, str]", record["models"])
    return PlanFacts(
        plan_id=plan.plan_id,
        plan_hash=plan.plan_hash,
        flow=str(record["flow"]),
        ir_hash=str(record["ir_hash"]),
        models=frozenset(models.values()),
        cap_nusd=cast("int", record["cap_nusd"]),
        rows=cast("int", record["items"]),
    )


def needs_approval(plan_id: str, command: str) -> ApprovalView:
    """Return the view of a plan nobody has answered, with what a person types to answer it."""
    return ApprovalView(
        plan_id=plan_id,
        state="needs_approval",
        message=f"A person has to agree to this plan. In their own terminal: {command}",
    )


def needs_remote_approval(plan_id: str, approvers: Sequence[str]) -> ApprovalView:
    """Return the view of a plan that nobody has answered and that takes somebody else's yes."""
    who = " or ".join(approvers) if approvers else "the team's server, under another account,"
    how = "in a terminal of their own" if approvers else "has to hold the keys and make the plan; there"
    return ApprovalView(
        plan_id=plan_id,
        state="needs_approval",
        needs="remote",
        message=f"The operator's policy wants another person's yes to this plan: {who} {how}: "
        f"stratum approve {plan_id} --server URL",
    )


def answered(record: ApprovalRecord) -> ApprovalView:
    """Return the view of an answer."""
    said = f'; they said: "{record.note}"' if record.note and record.channel != "policy" else ""
    told = {"approved": f"Approved ({record.channel})", "declined": _DECLINED, "revoked": _REVOKED}
    message = told[record.decision]
    state: ApprovalState = "approved" if record.decision == "approved" else "declined"
    return ApprovalView(
        plan_id=record.plan_id, state=state, channel=record.channel, message=f"{message}{said}"
    )
