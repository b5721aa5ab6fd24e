"""Ids that may become file names: checked before any path is built from them."""

from __future__ import annotations

import re

from stratum_core.errors import ApprovalError, PlanError, RunError, StratumError

__all__ = ["check_approval_id", "check_plan_id", "check_review_id", "check_run_id"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def check_run_id(text: str) -> str:
    """Return a run id as it is.

    Raises:
        RunError: It has other characters than letters, digits, `_` and `-`, or more than 64 of them.
    """
    return _checked(text, "a run", RunError)


def check_plan_id(text: str) -> str:
    """Return a plan id as it is.

    Raises:
        PlanError: It has other characters than letters, digits, `_` and `-`, or more than 64 of them.
    """
    return _checked(text, "a plan", PlanError)


def check_approval_id(text: str) -> str:
    """Return an approval id as it is.

    Raises:
        ApprovalError: It has other characters than letters, digits, `_` and `-`, or more than 64 of them.
    """
    return _checked(text, "an approval", ApprovalError)


def check_review_id(text: str) -> str:
    """Return the id of a question to a person as it is.

    Raises:
        RunError: It has other characters than letters, digits, `_` and `-`, or more than 64 of them.
    """
    return _checked(text, "a question", RunError)


def _checked(text: str, what: str, error: type[StratumError]) -> str:
    if _ID.fullmatch(text):
        return text
    raise error(
        f"{text[:80]!r} is not {what} id: an id has up to 64 letters, digits, '_' and '-'",
        remedy="copy the id from the reply that named it",
    )
