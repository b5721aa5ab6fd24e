"""What every rule is given: the document, its types, and where findings go."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stratum_core.checks._compile import Compiler
from stratum_core.checks._findings import Findings
from stratum_core.checks._signatures import Signatures, Types
from stratum_core.ir import Document

__all__ = ["Context", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator of this machine allows; the default has no rule but "no Python function"."""

    models_allowed: tuple[str, ...] | None = None
    """Models a document may name; None allows every one."""
    max_usd: Decimal | None = None
    """The most a budget may name, in US dollars; None sets no cap."""
    compute_registry: frozenset[str] = frozenset()
    """Names of the Python functions that documents may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One check of one document."""

    document: Document
    findings: Findings
    types: Types
    signatures: Signatures
    compiler: Compiler
    limits: Limits

    def own_name(self, name: str) -> str:
        """Return the name of a built-in record, or nothing where the document has a contract of that name.

        Contracts fit by name, so the two must not be mistaken for each other.
        """
        return "" if name in self.document.contracts else name
