"""Reads the corpus of bad documents and applies fixes, as a tool would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from stratum_core.checks import Limits, check
from stratum_core.ir import Diagnostic, Fix

__all__ = ["BAD", "BadDocument", "apply", "bad_documents", "codes", "shown"]

BAD = Path(__file__).parents[2] / "corpus" / "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadDocument:
    """A document and what must be said about it."""

    name: str
    text: str
    expected: list[dict[str, Any]]
    limits: Limits

    @property
    def code(self) -> str:
        """The code the document stands for."""
        return self.name.partition("_")[0]

    def check(self) -> tuple[Diagnostic, ...]:
        return check(self.text, limits=self.limits).diagnostics


def bad_documents() -> Iterator[BadDocument]:
    """Every bad document of the corpus."""
    for path in sorted(BAD.glob("*.stratum.yaml")):
        name = path.name.removesuffix(".stratum.yaml")
        expected = BAD / f"{name}.json"
        beside: dict[str, Any] = json.loads(expected.read_text(encoding="utf-8")) if expected.exists() else {}
        yield BadDocument(
            name=name,
            text=path.read_text(encoding="utf-8") + _appended(beside),
            expected=beside.get("diagnostics", []),
            limits=_limits(beside.get("limits", {})),
        )


def _appended(beside: dict[str, Any]) -> str:
    """What makes a document too large is not stored, but said."""
    more = beside.get("append")
    return more["text"] * more["times"] if more else ""


def _limits(given: dict[str, Any]) -> Limits:
    models = given.get("models_allowed")
    cap = given.get("max_usd")
    return Limits(
        models_allowed=None if models is None else tuple(models),
        max_usd=None if cap is None else Decimal(cap),
        compute_registry=frozenset(given.get("compute_registry", ())),
    )


def shown(found: Diagnostic) -> dict[str, Any]:
    """What is pinned of a diagnostic."""
    return {
        "code": found.code,
        "path": found.path,
        "line": found.line,
        "column": found.column,
        "message": found.message,
    }


def apply(text: str, fix: Fix) -> str:
    """Return the text with one fix applied."""
    lines = text.splitlines(keepends=True)
    line = lines[fix.line - 1]
    lines[fix.line - 1] = line[: fix.column - 1] + fix.text + line[fix.end_column - 1 :]
    return "".join(lines)


def codes(text: str, *, limits: Limits | None = None) -> list[str]:
    """The codes found in a document, in order; the shared functions need not all be used."""
    found = check(text, limits=limits or Limits()).diagnostics
    return [one.code for one in found if one.code != "W506"]
