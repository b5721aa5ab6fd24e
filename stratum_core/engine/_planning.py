"""What planning is given: the operator's limits and the settings, as `stratum_core.plan` reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from stratum_core.checks import Limits
from stratum_core.engine._settings import Settings
from stratum_core.journal import TrackRecord
from stratum_core.llm import endpoint_of, missing_key
from stratum_core.money import NUSD_PER_USD
from stratum_core.plan import BindLimits, PlanContext, ReusedRun, Roots

__all__ = ["limits_of", "plan_context"]


def limits_of(settings: Settings) -> Limits:
    """Return what the operator's policy says about documents."""
    policy = settings.policy
    return Limits(
        models_allowed=policy.models_allowed,
        compute_registry=frozenset(policy.compute),
        max_usd=None if policy.max_nusd is None else Decimal(policy.max_nusd) / NUSD_PER_USD,
    )


def plan_context(settings: Settings, *, now_s: float, answers_of: Callable[[str], ReusedRun]) -> PlanContext:
    """Return everything a plan depends on that is not in its document or its request.

    Args:
        settings: The folders, prices, keys and policy.
        now_s: Seconds since the Unix epoch.
        answers_of: Returns the answers of an earlier run.
    """
    policy = settings.policy
    return PlanContext(
        roots=Roots(*settings.roots),
        prices=settings.prices,
        now=datetime.fromtimestamp(now_s, UTC),
        default_model=settings.default_model,
        missing_key=lambda model: missing_key(model, settings.environ),
        endpoint_of=lambda model: endpoint_of(model, settings.environ),
        limits=limits_of(settings),
        bind_limits=BindLimits() if policy.max_rows is None else BindLimits(max_rows=policy.max_rows),
        registry=policy.compute,
        answers_of=answers_of,
        history=TrackRecord(settings.state_dir / "control.db", clock=lambda: now_s),
        possibly_paid=policy.possibly_paid,
        ttl=timedelta(hours=policy.plan_ttl_hours),
    )
