"""What the policy says about a plan, and what the stored answer binds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.approval import (
    Decision,
    PlanFacts,
    Policy,
    approval_record,
    policy_decision,
    policy_violations,
    require_allowed,
    require_local_allowed,
)
from stratum_core.errors import ApprovalError, PlanError
from stratum_core.journal import ApprovalRecord
from stratum_core.money import Nusd

CENT = 10_000_000
FACTS = PlanFacts(
    plan_id="plan-1",
    plan_hash="h" * 64,
    flow="main",
    ir_hash="0f3ac1d2" + "0" * 56,
    models=frozenset({"offline", "openai/gpt-4o-mini"}),
    cap_nusd=5 * CENT,
    rows=120,
)
GENEROUS = Policy(approve_up_to_nusd=Nusd(5 * CENT))


def test_a_cap_up_to_the_policys_limit_needs_no_question() -> None:
    policy = replace(GENEROUS, source=Path("/etc/stratum/policy.yaml"))
    assert policy_decision(FACTS, policy) == Decision(
        decision="approved",
        channel="policy",
        principal="policy /etc/stratum/policy.yaml",
        note="caps up to $0.05 need no question",
    )


@pytest.mark.parametrize(
    ("facts", "policy"),
    [
        (FACTS, Policy()),
        (replace(FACTS, cap_nusd=5 * CENT + 1), GENEROUS),
        (replace(FACTS, cap_nusd=None), GENEROUS),
        (FACTS, replace(GENEROUS, approve_models=("offline",))),
        (FACTS, replace(GENEROUS, approve_models=())),
        (FACTS, replace(GENEROUS, approve_flows=("other",))),
        (FACTS, replace(GENEROUS, approve_flows=("main@ffff",))),
        (FACTS, replace(GENEROUS, models_allowed=("offline",))),
        (FACTS, replace(GENEROUS, require_remote_above_nusd=Nusd(CENT))),
    ],
)
def test_the_policy_leaves_to_a_person_what_it_does_not_approve(facts: PlanFacts, policy: Policy) -> None:
    assert policy_decision(facts, policy) is None


@pytest.mark.parametrize(
    "policy",
    [
        replace(GENEROUS, approve_models=("offline", "openai/*")),
        replace(GENEROUS, approve_flows=("other", "main")),
        replace(GENEROUS, approve_flows=("main@0f3ac1d2",)),
        replace(GENEROUS, models_allowed=("*",), require_remote_above_nusd=Nusd(5 * CENT)),
    ],
)
def test_the_policy_approves_what_all_of_its_conditions_name(policy: Policy) -> None:
    assert policy_decision(FACTS, policy) is not None
    assert policy_decision(FACTS, replace(policy, source=Path("p.yaml"))) is not None


def test_everything_a_policy_forbids_is_told_at_once() -> None:
    policy = Policy(models_allowed=("offline",), max_nusd=Nusd(CENT), max_rows=100)
    assert policy_violations(FACTS, policy) == (
        "the model openai/gpt-4o-mini is not allowed (allowed: offline)",
        "its cap is $0.05, the policy's largest is $0.01",
        "it binds 120 rows, the policy's most is 100",
    )
    with pytest.raises(PlanError) as refused:
        require_allowed(FACTS, policy)
    assert refused.value.detail["violations"] == list(policy_violations(FACTS, policy))


def test_a_plan_without_a_cap_is_above_any_limit() -> None:
    facts = replace(FACTS, cap_nusd=None)
    assert policy_violations(facts, Policy(max_nusd=Nusd(CENT))) == (
        "its cap is unlimited, the policy's largest is $0.01",
    )
    with pytest.raises(ApprovalError):
        require_local_allowed(facts, Policy(require_remote_above_nusd=Nusd(CENT)))


def test_a_plan_the_policy_allows_passes() -> None:
    policy = Policy(models_allowed=("o*",), max_nusd=Nusd(5 * CENT), max_rows=120)
    assert policy_violations(FACTS, policy) == ()
    require_allowed(FACTS, policy)
    require_local_allowed(FACTS, replace(policy, require_remote_above_nusd=Nusd(5 * CENT)))
    require_local_allowed(FACTS, policy)


def test_where_the_policy_wants_a_remote_answer_a_local_one_is_refused_honestly() -> None:
    with pytest.raises(ApprovalError, match="wants a remote approval"):
        require_local_allowed(FACTS, Policy(require_remote_above_nusd=Nusd(5 * CENT - 1)))


def test_a_stored_answer_binds_hash_and_cap_and_expires() -> None:
    decision = Decision(decision="approved", channel="dialog", principal="ann@host", note="fine")
    record = approval_record(
        decision, FACTS, approval_id="a-1", now_ms=1_000, policy=Policy(approval_ttl_minutes=0.5)
    )
    assert record == ApprovalRecord(
        approval_id="a-1",
        plan_id="plan-1",
        plan_hash=FACTS.plan_hash,
        cap_nusd=5 * CENT,
        decision="approved",
        channel="dialog",
        principal="ann@host",
        note="fine",
        at_ms=1_000,
        expires_at_ms=31_000,
    )
