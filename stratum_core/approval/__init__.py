"""Approval: what a yes binds, through which channel it came, and what the operator's policy allows."""

from stratum_core.approval._binding import (
    Decision,
    PlanFacts,
    approval_record,
    needs_remote,
    policy_decision,
    policy_violations,
    require_allowed,
    require_local_allowed,
)
from stratum_core.approval._channels import (
    Channel,
    ChannelClass,
    channel_class,
    channel_meaning,
    inside_agent,
    terminal_refusal,
    this_principal,
)
from stratum_core.approval._policy import Policy, load_policy
from stratum_core.approval._signing import SigningKeys

__all__ = [
    "Channel",
    "ChannelClass",
    "Decision",
    "PlanFacts",
    "Policy",
    "SigningKeys",
    "approval_record",
    "channel_class",
    "channel_meaning",
    "inside_agent",
    "load_policy",
    "needs_remote",
    "policy_decision",
    "policy_violations",
    "require_allowed",
    "require_local_allowed",
    "terminal_refusal",
    "this_principal",
]
