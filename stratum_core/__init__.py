"""Stratum: typed functions whose bodies are model calls, run under a budget and held to their contracts.

    from stratum_core import Budget, contract, flow, infer, run

Everything a program needs is listed here. Importing it loads no model library and opens nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stratum_core.late import late as _late

if TYPE_CHECKING:
    from stratum_core.authoring import (
        Budget,
        ComputeFunction,
        ConsoleReviewSink,
        DebateOutcome,
        FlowFunction,
        InferFunction,
        Outcome,
        ReviewSink,
        StratumHint,
        await_human,
        compute,
        configure,
        contract,
        debate,
        debate_outcome,
        each,
        flow,
        infer,
        opaque,
        or_none,
        parallel,
        race,
        read_data,
        refine,
        run,
    )
    from stratum_core.errors import (
        AuthError,
        BadRequestError,
        BudgetExceeded,
        ConfigurationError,
        ConsensusFailure,
        ContractViolation,
        ConvergenceFailure,
        DeterminismError,
        ExpressionError,
        FuelExhausted,
        HITLTimeoutError,
        InputError,
        JournalBusy,
        JournalError,
        ModelError,
        ModelRefusal,
        ParallelValidationFailed,
        ParseFailure,
        PostconditionFailed,
        PreconditionFailed,
        QuotaError,
        RunError,
        StabilityAssertionError,
        StepFailed,
        StratumCompileError,
        StratumError,
        TransportError,
    )
    from stratum_core.results import (
        Failure,
        HumanDecision,
        HumanReviewContext,
        PendingReview,
        Probabilistic,
        Success,
    )
    from stratum_core.trace import (
        CallsUsage,
        TraceRecord,
        all_records,
        clear_traces,
        usage_of,
    )
else:
    # `stratum` and its server start without the library.
    __getattr__ = _late(
        __name__,
        {
            "authoring": "Budget ComputeFunction ConsoleReviewSink DebateOutcome FlowFunction InferFunction "
            "Outcome ReviewSink StratumHint await_human compute configure contract debate "
            "debate_outcome each flow infer opaque or_none parallel race read_data refine run",
            "errors": "AuthError BadRequestError BudgetExceeded ConfigurationError ConsensusFailure "
            "ContractViolation ConvergenceFailure DeterminismError ExpressionError FuelExhausted "
            "HITLTimeoutError InputError JournalBusy JournalError ModelError ModelRefusal "
            "ParallelValidationFailed ParseFailure PostconditionFailed PreconditionFailed "
            "QuotaError RunError StabilityAssertionError StepFailed StratumCompileError "
            "StratumError TransportError",
            "results": "Failure HumanDecision HumanReviewContext PendingReview Probabilistic Success",
            "trace": "CallsUsage TraceRecord all_records clear_traces usage_of",
        },
    )

__all__ = [
    "AuthError",
    "BadRequestError",
    "Budget",
    "BudgetExceeded",
    "CallsUsage",
    "ComputeFunction",
    "ConfigurationError",
    "ConsensusFailure",
    "ConsoleReviewSink",
    "ContractViolation",
    "ConvergenceFailure",
    "DebateOutcome",
    "DeterminismError",
    "ExpressionError",
    "Failure",
    "FlowFunction",
    "FuelExhausted",
    "HITLTimeoutError",
    "HumanDecision",
    "HumanReviewContext",
    "InferFunction",
    "InputError",
    "JournalBusy",
    "JournalError",
    "ModelError",
    "ModelRefusal",
    "Outcome",
    "ParallelValidationFailed",
    "ParseFailure",
    "PendingReview",
    "PostconditionFailed",
    "PreconditionFailed",
    "Probabilistic",
    "QuotaError",
    "ReviewSink",
    "RunError",
    "StabilityAssertionError",
    "StepFailed",
    "StratumCompileError",
    "StratumError",
    "StratumHint",
    "Success",
    "TraceRecord",
    "TransportError",
    "all_records",
    "await_human",
    "clear_traces",
    "compute",
    "configure",
    "contract",
    "debate",
    "debate_outcome",
    "each",
    "flow",
    "infer",
    "opaque",
    "or_none",
    "parallel",
    "race",
    "read_data",
    "refine",
    "run",
    "usage_of",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
