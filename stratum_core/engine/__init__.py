"""The engine: validate, plan, estimate, approve, execute, resume, cancel, inspect; what every surface calls."""

from stratum_core.approval import terminal_refusal
from stratum_core.commands import command_line
from stratum_core.counts import counted
from stratum_core.engine._answers import AnswerDesk
from stratum_core.engine._audit import AuditCheck, AuditDesk
from stratum_core.engine._codegen import CodeDesk, CodeView, EmitView
from stratum_core.engine._drift import DriftDesk, DriftView, FunctionView
from stratum_core.engine._engine import Engine
from stratum_core.engine._log import LogEntry
from stratum_core.engine._money import MoneyDesk, SpendView
from stratum_core.engine._plans import PlanLine, PlanState
from stratum_core.engine._reviews import ReviewDesk, ReviewState, ReviewView, Shown
from stratum_core.engine._settings import Settings
from stratum_core.engine._storage import KeptRun, OldRun, StorageDesk, StorageView
from stratum_core.engine._views import (
    ApprovalState,
    ApprovalView,
    EstimateView,
    PlanView,
    Rewrite,
    RunView,
    Validation,
)
from stratum_core.journal import Spent
from stratum_core.plan import OPTION_NAMES

__all__ = [
    "OPTION_NAMES",
    "AnswerDesk",
    "ApprovalState",
    "ApprovalView",
    "AuditCheck",
    "AuditDesk",
    "CodeDesk",
    "CodeView",
    "DriftDesk",
    "DriftView",
    "EmitView",
    "Engine",
    "EstimateView",
    "FunctionView",
    "KeptRun",
    "LogEntry",
    "MoneyDesk",
    "OldRun",
    "PlanLine",
    "PlanState",
    "PlanView",
    "ReviewDesk",
    "ReviewState",
    "ReviewView",
    "Rewrite",
    "RunView",
    "Settings",
    "Shown",
    "SpendView",
    "Spent",
    "StorageDesk",
    "StorageView",
    "Validation",
    "command_line",
    "counted",
    "terminal_refusal",
]
