"""What planning is given: the operator's limits and the settings, as `stratum_core.plan` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from stratum_core.checks import Limits
from stratum_core.contracts import JsonValue
from stratum_core.engine._settings import Settings
from stratum_core.journal import TrackRecord
from stratum_core.llm import endpoint_of, missing_for
from stratum_core.money import NUSD_PER_USD
from stratum_core.plan import BindLimits, ModuleMaker, PlanContext, ReusedRun, Roots

__all__ = ["limits_of", "plan_context", "proxy_warning"]

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def limits_of(settings: Settings) -> Limits:
    """Return what the operator's policy says about documents."""
    policy = settings.policy
    return Limits(
        models_allowed=policy.models_allowed,
        compute_registry=frozenset(policy.compute),
        max_usd=None if policy.max_nusd is None else Decimal(policy.max_nusd) / NUSD_PER_USD,
    )


def plan_context(
    settings: Settings,
    *,
    now_s: float,
    answers_of: Callable[[str], ReusedRun],
    module_of: ModuleMaker,
) -> PlanContext:
    """Return everything a plan depends on that is not in its document or its request.

    Args:
        settings: The folders, prices, keys and policy.
        now_s: Seconds since the Unix epoch.
        answers_of: Returns the answers of an earlier run.
        module_of: Returns a document's Python module for one of its flows and what that is bound to.
    """
    policy = settings.policy
    return PlanContext(
        roots=Roots(*settings.roots),
        prices=settings.prices,
        now=datetime.fromtimestamp(now_s, UTC),
        default_model=settings.default_model,
        missing_for=lambda model: missing_for(model, settings.environ),
        endpoint_of=lambda model: endpoint_of(model, settings.environ),
        limits=limits_of(settings),
        bind_limits=BindLimits() if policy.max_rows is None else BindLimits(max_rows=policy.max_rows),
        registry=policy.compute,
        answers_of=answers_of,
        module_of=module_of,
        history=TrackRecord(settings.state_dir / "control.db", clock=lambda: now_s),
        possibly_paid=policy.possibly_paid,
        ttl=timedelta(hours=policy.plan_ttl_hours),
    )


def proxy_warning(record: Mapping[str, JsonValue], environ: Mapping[str, str]) -> str:
    """Return that a plan's requests may pass a proxy, which its hash does not cover; empty where no variable says so.

    Neither the proxy's user name nor its password is told.
    """
    if record["simulated"]:
        return ""
    names = (name for each in _PROXIES for name in (each, each.lower()))
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return ""
    host = urlsplit(environ[name]).hostname or "that it names"
    return (
        f"requests may go through the proxy {host}: the variable {name} says so, and the plan does not pin it"
    )
