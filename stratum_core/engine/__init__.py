"""The engine: validate, plan, estimate, approve, execute, resume, cancel, inspect; what every surface calls."""

from stratum_core.approval import terminal_refusal
from stratum_core.engine._engine import Engine
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import (
    ApprovalState,
    ApprovalView,
    EstimateView,
    PlanView,
    RunView,
    Validation,
)

__all__ = [
    "ApprovalState",
    "ApprovalView",
    "Engine",
    "EstimateView",
    "PlanView",
    "RunView",
    "Settings",
    "Validation",
    "terminal_refusal",
]
