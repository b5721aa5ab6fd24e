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

Each class carries a stable `code`, a message that says what, where and the actual value, and a `remedy`. What a
program would read of an error is an attribute of its class; it is taken from `detail`, which is what JSON replies hold.
All of them pickle, because they cross process boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

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
    """A document has error diagnostics."""

    code = "invalid_document"

    @property
    def diagnostics(self) -> tuple[Mapping[str, Any], ...]:
        """The diagnostics as JSON records."""
        return tuple(self.detail.get("diagnostics", ()))


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
    """A model client could not get an answer."""

    code = "model_error"

    @property
    def paid(self) -> Literal["yes", "no", "unknown"]:
        """Whether the provider has charged for the request: `"no"` only where it cannot have."""
        paid: Literal["yes", "no", "unknown"] = self.detail.get("paid", "unknown")
        return paid

    @property
    def status(self) -> int | None:
        """The HTTP status; None: there was no answer, or it had none."""
        status: int | None = self.detail.get("status")
        return status


class TransportError(ModelError):
    """A rate limit, server fault or timeout; the infer loop tries again with back-off."""

    code = "transport_error"

    @property
    def retry_after_s(self) -> float | None:
        """How long the provider asks to wait, in seconds; None: it did not say."""
        seconds: float | None = self.detail.get("retry_after_s")
        return seconds


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
    """A value does not satisfy its type."""

    code = "contract_violation"

    @property
    def violations(self) -> tuple[Mapping[str, str], ...]:
        """Each fault as `path`, `message` and `actual` value; empty where the value as a whole was refused."""
        return tuple(self.detail.get("violations", ()))


class PreconditionFailed(StratumError):
    """A `given` condition is false; no call was made."""

    code = "precondition_failed"


class PostconditionFailed(StratumError):
    """An `ensure` condition was still false after the last attempt."""

    code = "postcondition_failed"

    @property
    def violations(self) -> tuple[str, ...]:
        """What was wrong with the last answer, as the model would have been told."""
        return tuple(self.detail.get("violations", ()))

    @property
    def retry_history(self) -> tuple[tuple[str, ...], ...]:
        """What was wrong with each answer, the last one included; empty for a compute function."""
        return tuple(map(tuple, self.detail.get("history", ())))


class ParseFailure(StratumError):
    """No attempt gave a value that satisfies the output type."""

    code = "parse_failure"

    @property
    def violations(self) -> tuple[str, ...]:
        """What was wrong with the last answer; empty where it was cut off."""
        return tuple(self.detail.get("violations", ()))

    @property
    def retry_history(self) -> tuple[tuple[str, ...], ...]:
        """What was wrong with each answer, the last one included; empty where it was cut off."""
        return tuple(map(tuple, self.detail.get("history", ())))

    @property
    def max_tokens(self) -> int | None:
        """The limit at which the answer was cut off; None: it was not."""
        limit: int | None = self.detail.get("max_tokens")
        return limit


class ConsensusFailure(StratumError):
    """Too few votes agree."""

    code = "consensus_failure"

    @property
    def outputs(self) -> tuple[Any, ...]:
        """Each vote's answer as JSON; None for a vote that has none."""
        return tuple(self.detail.get("outputs", ()))

    @property
    def agreeing(self) -> int:
        """How many votes agree at most."""
        count: int = self.detail.get("agreeing", 0)
        return count

    @property
    def needed(self) -> int:
        """How many have to."""
        count: int = self.detail.get("needed", 0)
        return count


class ConvergenceFailure(StratumError):
    """The last iteration still did not satisfy `until`."""

    code = "convergence_failure"

    @property
    def history(self) -> tuple[Mapping[str, Any], ...]:
        """Each iteration as `result`, its answer as JSON, and `feedback`, what was said of it."""
        return tuple(self.detail.get("history", ()))


class ComputeFailed(StratumError):
    """Registered code failed: it exited with an error, took too long, or its output is not one JSON value."""

    code = "compute_failed"

    @property
    def said(self) -> str:
        """The end of what it wrote to stderr."""
        text: str = self.detail.get("said", "")
        return text


class StepFailed(StratumError):
    """A step's own rule failed: too few items succeeded, or its `validate` is false."""

    code = "step_failed"


class ParallelValidationFailed(StepFailed):
    """The `validate` of a `parallel` is false for what its calls gave."""

    code = "parallel_validation_failed"


class StabilityAssertionError(StratumError):
    """Too few samples of an unstable function agree, or too few were made."""

    code = "stability_assertion"

    @property
    def samples(self) -> int:
        """How many samples the call made."""
        count: int = self.detail.get("samples", 0)
        return count

    @property
    def share(self) -> float | None:
        """The share of the samples that agree, 0 to 1; None: more samples were wanted than were made."""
        share: float | None = self.detail.get("share")
        return share

    @property
    def threshold(self) -> float | None:
        """The share that was wanted; None as for `share`."""
        share: float | None = self.detail.get("threshold")
        return share


class HITLTimeoutError(StratumError):
    """Nobody answered a question in time, and it names no answer for that."""

    code = "hitl_timeout"

    @property
    def review_id(self) -> str:
        """The question's id, as the sink was given it."""
        review_id: str = self.detail.get("review_id", "")
        return review_id


class RunStopped(StratumError):
    """The whole run stops here; `detail["state"]` is the state it ends in. No `on_error` catches it."""

    code = "run_stopped"


class RunWaiting(RunStopped):
    """What raises this waits for a person; everything that does not read its value goes on, then the run ends.

    It is neither done nor failed: a runner that starts after the answer walks here again.
    """

    code = "run_waiting"


class BudgetExceeded(StratumError):
    """A reservation does not fit a cap, or the time of one ran out."""

    code = "budget_exceeded"

    @property
    def scope(self) -> str:
        """What the cap stands on: a flow, a function's call, a day or project of the operator's; may be empty."""
        scope: str = self.detail.get("scope", "")
        return scope

    @property
    def axis(self) -> Literal["nusd", "ms", "tokens", "calls"] | None:
        """The unit of the amounts, with money in nano-dollars; None: no cap can be promised any more."""
        axis: Literal["nusd", "ms", "tokens", "calls"] | None = self.detail.get("axis")
        return axis

    @property
    def cap(self) -> int | None:
        """The cap in the unit of `axis`; None as for `axis`."""
        amount: int | None = self.detail.get("cap")
        return amount

    @property
    def needed(self) -> int | None:
        """What the next request may need at most; None where the time ran out."""
        amount: int | None = self.detail.get("needed")
        return amount

    @property
    def left(self) -> int | None:
        """What was left of the cap; None where the time ran out."""
        amount: int | None = self.detail.get("left")
        return amount
