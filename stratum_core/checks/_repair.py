"""Repair: every machine-applicable fix of a document, again and again until nothing changes any more.

Only the characters a fix names are replaced, so comments and layout stay. What is left needs its author.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.checks._check import Checked, check
from stratum_core.checks._context import Limits
from stratum_core.ir import Diagnostic, apply_fixes

__all__ = ["Repaired", "repair"]

_NO_LIMITS = Limits()
_MAX_ROUNDS = 20
"""A fix may uncover another fault; a chain longer than this is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A document after its fixes."""

    text: str
    applied: tuple[Diagnostic, ...]
    """What was mended, in the order it was; places are those before the fix."""
    checked: Checked
    """The check of `text`."""


def repair(text: str, *, limits: Limits = _NO_LIMITS) -> Repaired:
    """Apply every fix a check offers, errors before warnings, until none is left or the text was seen before.

    Args:
        text: The document.
        limits: The operator's rules; a fix may lower a budget to what they allow.
    """
    applied: list[Diagnostic] = []
    checked = check(text, limits=limits)
    seen = {text}
    for _ in range(_MAX_ROUNDS):
        offers = sorted(
            (found for found in checked.diagnostics if found.fix is not None),
            key=lambda found: found.severity != "error",
        )
        changed, made = apply_fixes(text, [found.fix for found in offers if found.fix is not None])
        if changed in seen:
            break
        seen.add(changed)
        applied.extend(found for found in offers if any(found.fix is fix for fix in made))
        text = changed
        checked = check(text, limits=limits)
    return Repaired(text=text, applied=tuple(applied), checked=checked)
