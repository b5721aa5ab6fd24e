"""The catalogue of every diagnostic code, and the page that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stratum_core.checks._codes import MEANING_CODES
from stratum_core.ir import DOCUMENT_CODES, CodeInfo
from stratum_core.ir.expressions import EXPRESSION_CODES

__all__ = ["CATALOGUE", "errors_page"]

_EXPLAINED = {
    code: CodeInfo(title=title, explanation=explanation, remedy=remedy)
    for code, (title, explanation, remedy) in EXPRESSION_CODES.items()
}

CATALOGUE: Mapping[str, CodeInfo] = MappingProxyType(
    dict(sorted({**DOCUMENT_CODES, **_EXPLAINED, **MEANING_CODES}.items())),
)
"""Every code a check can report, in order."""

_FAMILIES = (
    ("E1", "E1xx: the document", "The text, YAML, keys and plain values."),
    ("E2", "E2xx: expressions", "Conditions and values, typed before any call is made."),
    (
        "E3",
        "E3xx: names, types, signatures and flow rules",
        "What one part of a document says about another.",
    ),
    ("E4", "E4xx: policy", "What the operator allows, and where opaque values may go."),
    ("W5", "W5xx: warnings", "A document with warnings can be planned."),
    ("N6", "N6xx: notes", "Said for information."),
)

_HEAD = """\
# Diagnostics

Every finding about a document has a code, its place (path, line, column), a message with the actual names and values,
a suggestion, and a machine-applicable fix where one is certain. One check reports everything that is wrong, in
document order. Codes are stable; `tests/corpus/bad` holds a document for each.

This page is written by `python -m stratum_core.checks`.
"""


def errors_page() -> str:
    """Return `docs/errors.md`: each code with its title, explanation and remedy."""
    parts = [_HEAD]
    for prefix, title, about in _FAMILIES:
        parts.append(f"\n## {title}\n\n{about}\n")
        parts.extend(
            f"\n### {code}: {info.title}\n\n{info.explanation}\n\n*Remedy*: {info.remedy}\n"
            for code, info in CATALOGUE.items()
            if code.startswith(prefix)
        )
    return "".join(parts)
