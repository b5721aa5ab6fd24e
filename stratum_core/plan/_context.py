"""What planning is given from outside: folders, prices, keys, the operator's limits and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from stratum_core.budget import PossiblyPaid
from stratum_core.checks import Limits
from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError
from stratum_core.llm import Missing, PriceTable
from stratum_core.plan._bind import BindLimits
from stratum_core.plan._files import Roots
from stratum_core.plan._history import NO_HISTORY, Experience
from stratum_core.plan._reuse import ReusedRun
from stratum_core.specs import RegisteredFunction

__all__ = ["ModuleMaker", "PlanContext", "no_endpoint", "nothing_missing"]

_NO_LIMITS = Limits()
_BIND_LIMITS = BindLimits()
_DAY = timedelta(hours=24)


def nothing_missing(_: str) -> Missing | None:
    """Treat every model as usable."""
    return None


def no_run(run_id: str) -> ReusedRun:
    """Know no run.

    Raises:
        PlanError: Always.
    """
    raise PlanError(f"reuse: there is no run {run_id} here", remedy="plan where the run was made")


def no_endpoint(_: str) -> str | None:
    """Send every request to the provider itself."""
    return None


ModuleMaker: TypeAlias = Callable[[str, str, Sequence[Mapping[str, JsonValue]], Path], str]
"""Takes a valid document, the flow that `main` runs, what each input is bound to as a plan's record keeps it, and
where the module will stand."""


def no_module(_: str, flow: str, _bindings: Sequence[Mapping[str, JsonValue]], _path: Path) -> str:
    """Make no module.

    Raises:
        PlanError: Always.
    """
    raise PlanError(f"mode: {flow} cannot be kept as Python here", remedy="plan it with the mode transient")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """Everything `build_plan` reads that is not in the document or the request."""

    roots: Roots
    """Folders whose files a plan may read, and where `out` may be written."""
    prices: PriceTable
    now: datetime
    """When the plan is made; an aware time."""
    default_model: str | None = None
    """For functions that name no model, when the request names none either."""
    missing_for: Callable[[str], Missing | None] = nothing_missing
    """Returns what a model still needs before it can be called, or None."""
    endpoint_of: Callable[[str], str | None] = no_endpoint
    """Returns the address that stands in for a model's provider, or None."""
    limits: Limits = _NO_LIMITS
    """The operator's rules: models, the largest cap, registered functions."""
    bind_limits: BindLimits = _BIND_LIMITS
    registry: Mapping[str, RegisteredFunction] = field(default_factory=dict[str, RegisteredFunction])
    """The operator's Python functions by name; those a plan reaches become part of its hash."""
    answers_of: Callable[[str], ReusedRun] = no_run
    """Returns the answers of a run of this state directory, for the option `reuse`."""
    module_of: ModuleMaker = no_module
    """Returns a valid document's Python module whose `main` runs the flow named on its files; for the option `mode`.

    It raises `StratumCompileError` when a part of the document has no form in Python.
    """
    history: Experience = NO_HISTORY
    """What earlier runs showed; only the likely range depends on it."""
    possibly_paid: PossiblyPaid = "retry"
    """The operator's rule for calls that may have been paid for without an answer; part of the plan's hash."""
    ttl: timedelta = _DAY
    """How long a plan can be approved and started."""
