"""Every exception Stratum raises on purpose, in one tree.

    StratumError
    ├── StratumCompileError            a definition or document is wrong
    │   └── DiagnosticsError           ... with positioned diagnostics
    ├── InputError                     data bound to a plan does not fit
    ├── PlanError                      a plan is unknown, expired, changed, or cannot be run
    ├── ApprovalError                  an approval is missing, refused, expired or consumed
    │   └── NeedsApproval              ... a person has to answer first
    ├── ConfigurationError             keys, policy or settings are missing or wrong
    ├── RunError                       a run is unknown or in the wrong state
    ├── JournalError                   the journal cannot be read or written
    │   ├── JournalVersionError        ... it was written by a newer Stratum
    │   ├── JournalBusy                ... another live process owns the run
    │   └── DeterminismError           ... a replayed step has another input
    ├── ModelError                     a model client could not get an answer
    │   ├── TransportError             429, 5xx, timeouts: retried by the infer loop
    │   ├── QuotaError                 the account's quota is used up: not retried
    │   ├── AuthError                  a key is missing or refused: not retried
    │   ├── BadRequestError            the provider rejects the request: not retried
    │   └── ModelRefusal               the model declined to answer: not retried
    ├── ExpressionError                a run-time fault inside an expression
    │   └── FuelExhausted              ... it needed more work than allowed
    ├── ContractViolation              a value does not satisfy its type
    ├── PreconditionFailed             a `given` is false: nothing was called
    ├── PostconditionFailed            an `ensure` stayed false after every attempt
    ├── ParseFailure                   no attempt gave a value of the output type
    ├── ConsensusFailure               too few votes agree
    ├── ConvergenceFailure             no iteration satisfied `until`
    ├── ComputeFailed                  registered code failed, took too long, or gave no JSON
    ├── StepFailed                     too few items succeeded, or a `validate` is false
    │   └── ParallelValidationFailed   ... the `validate` of a `parallel`
    ├── StabilityAssertionError        the samples of an unstable function do not agree enough
    ├── HITLTimeoutError               no person answered a question in time
    ├── BudgetExceeded                 a reservation does not fit the cap
    └── RunStopped                     the whole run has to stop: cap, provider limit, cancel, drain
        └── RunWaiting                 ... here, until a person has answered; the rest goes on

Each class carries a stable `code`, a message that says what, where and the actual value, and a `remedy`.
All of them pickle, because they cross process boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "ApprovalError",
    "AuthError",
    "BadRequestError",
    "BudgetExceeded",
    "ComputeFailed",
    "ConfigurationError",
    "ConsensusFailure",
    "ContractViolation",
    "ConvergenceFailure",
    "DeterminismError",
    "DiagnosticsError",
    "ExpressionError",
    "FuelExhausted",
    "HITLTimeoutError",
    "InputError",
    "JournalBusy",
    "JournalError",
    "JournalVersionError",
    "ModelError",
    "ModelRefusal",
    "NeedsApproval",
    "ParallelValidationFailed",
    "ParseFailure",
    "PlanError",
    "PostconditionFailed",
    "PreconditionFailed",
    "QuotaError",
    "RunError",
    "RunStopped",
    "RunWaiting",
    "StabilityAssertionError",
    "StepFailed",
    "StratumCompileError",
    "StratumError",
    "TransportError",
]


class StratumError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        message: What happened, where, and the actual value.
        remedy: What the reader can do next; empty when there is nothing to do.
        detail: JSON-safe facts for machines (ids, positions, counts).
    """

    code: ClassVar[str] = "stratum_error"

    def __init__(self, message: str, *, remedy: str = "", detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail: dict[str, Any] = dict(detail or {})

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.remedy, self.detail)


def _rebuild(cls: type[StratumError], message: str, remedy: str, detail: dict[str, Any]) -> StratumError:
    """Build an error again on the far side of a pickle."""
    return cls(message, remedy=remedy, detail=detail)


class StratumCompileError(StratumError):
    """A definition or a document is wrong; nothing ran."""

    code = "compile_error"


class DiagnosticsError(StratumCompileError):
    """A document has error diagnostics; they are in `detail["diagnostics"]` as JSON records."""

    code = "invalid_document"


class InputError(StratumError):
    """A file, column or row bound to a flow input does not fit its type."""

    code = "invalid_input"


class PlanError(StratumError):
    """A plan is unknown, expired, changed since it was made, or cannot be run."""

    code = "plan_error"


class ApprovalError(StratumError):
    """An approval was refused, has expired, or was already used."""

    code = "approval_error"


class NeedsApproval(ApprovalError):
    """No person has agreed to this plan yet; `remedy` holds the command for the person."""

    code = "needs_approval"


class ConfigurationError(StratumError):
    """Keys, policy or settings are missing or wrong."""

    code = "configuration_error"


class RunError(StratumError):
    """A run is unknown or in a state that does not allow the request."""

    code = "run_error"


class JournalError(StratumError):
    """The journal cannot be read or written."""

    code = "journal_error"


class JournalVersionError(JournalError):
    """A journal file was written by a newer Stratum; it was left untouched."""

    code = "journal_version"


class JournalBusy(JournalError):
    """Another live process owns the run."""

    code = "journal_busy"


class DeterminismError(JournalError):
    """A replayed step was recorded with another input; its answer is not used."""

    code = "determinism"


class ModelError(StratumError):
    """A model client could not get an answer.

    `detail["paid"]` is `"no"` when the provider cannot have charged for the request and `"unknown"` otherwise.
    """

    code = "model_error"


class TransportError(ModelError):
    """A rate limit, server fault or timeout; the infer loop tries again with back-off.

    `detail["retry_after_s"]` holds the provider's Retry-After in seconds when it sent one.
    """

    code = "transport_error"


class QuotaError(ModelError):
    """The account's quota or credit is used up; trying again would only cost time."""

    code = "quota_error"


class AuthError(ModelError):
    """A provider key is missing or refused."""

    code = "auth_error"


class BadRequestError(ModelError):
    """The provider rejects the request as it stands (unknown model, bad parameter)."""

    code = "bad_request"


class ModelRefusal(ModelError):
    """The model declined to answer."""

    code = "model_refusal"


class ExpressionError(StratumError):
    """A run-time fault inside an expression; it never counts as a failed `ensure`."""

    code = "expression_error"


class FuelExhausted(ExpressionError):
    """An expression needed more work or memory than it is allowed."""

    code = "fuel_exhausted"


class ContractViolation(StratumError):
    """A value does not satisfy its type; `detail["violations"]` lists path, message and actual value."""

    code = "contract_violation"


class PreconditionFailed(StratumError):
    """A `given` condition is false; no call was made."""

    code = "precondition_failed"


class PostconditionFailed(StratumError):
    """An `ensure` condition was still false after the last attempt; `detail` holds the violations."""

    code = "postcondition_failed"


class ParseFailure(StratumError):
    """No attempt gave a value that satisfies the output type; `detail` holds the violations."""

    code = "parse_failure"


class ConsensusFailure(StratumError):
    """Too few votes agree; `detail["outputs"]` holds each vote's answer, null for one that has none."""

    code = "consensus_failure"


class ConvergenceFailure(StratumError):
    """The last iteration still did not satisfy `until`; `detail["history"]` holds each answer and its feedback."""

    code = "convergence_failure"


class ComputeFailed(StratumError):
    """Registered code failed: it exited with an error, took too long, or its output is not one JSON value."""

    code = "compute_failed"


class StepFailed(StratumError):
    """A step's own rule failed: too few items succeeded, or its `validate` is false."""

    code = "step_failed"


class ParallelValidationFailed(StepFailed):
    """The `validate` of a `parallel` is false for what its calls gave."""

    code = "parallel_validation_failed"


class StabilityAssertionError(StratumError):
    """Too few samples of an unstable function agree; `detail` holds `samples`, their number, and the `share`."""

    code = "stability_assertion"


class HITLTimeoutError(StratumError):
    """Nobody answered a question in time, and it names no answer for that; `detail` holds `review_id`."""

    code = "hitl_timeout"


class RunStopped(StratumError):
    """The whole run stops here; `detail["state"]` is the state it ends in. No `on_error` catches it."""

    code = "run_stopped"


class RunWaiting(RunStopped):
    """What raises this waits for a person; everything that does not read its value goes on, then the run ends.

    It is neither done nor failed: a runner that starts after the answer walks here again.
    """

    code = "run_waiting"


class BudgetExceeded(StratumError):
    """A reservation does not fit the cap named in `detail` (scope, axis, cap, needed, left)."""

    code = "budget_exceeded"
