"""Names: which ones can be used, and what someone probably meant by one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from stratum_core.checks._findings import Findings
from stratum_core.ir import Document, InferFunction, Invalid, Path

__all__ = ["check_names", "did_you_mean", "listed", "nearest", "report_unknown"]

_TYPE_WORDS = frozenset(
    {"string", "int", "float", "bool", "null", "date", "datetime", "bytes", "json", "any"}
    | {"list", "map", "optional", "opaque", "probabilistic", "enum"},
)
_MOST_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None when nothing is close."""
    candidates = list(known)
    close = difflib.get_close_matches(name, candidates, 1, 0.6)
    if close:
        return close[0]
    bare = {candidate.lower().replace("_", ""): candidate for candidate in candidates}
    return bare.get(name.lower().replace("_", "").replace("-", ""))


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence lists them, at most twelve."""
    every = list(names)
    if not every:
        return "none"
    more = f" and {len(every) - _MOST_LISTED} more" if len(every) > _MOST_LISTED else ""
    return ", ".join(every[:_MOST_LISTED]) + more


def did_you_mean(guess: str | None, kind: str, known: Iterable[str]) -> str:
    """Return the suggestion for an unknown name: the guess if there is one, and what exists."""
    start = f"did you mean `{guess}`? " if guess else ""
    return f"{start}{kind}: {listed(known)}"


def report_unknown(
    findings: Findings,
    path: Path,
    *,
    kind: str,
    name: str,
    known: Iterable[str],
    code: str = "E305",
) -> None:
    """Report a reference to a thing that does not exist, with the fix when one name is close."""
    candidates = list(known)
    guess = nearest(name, candidates)
    findings.add(
        code,
        path,
        f"there is no {kind} `{name}`",
        suggestion=did_you_mean(guess, f"{kind}s", candidates),
        fix=findings.replacement(path, guess),
    )


def check_names(document: Document, findings: Findings) -> None:
    """Report names that mean something else where they would be read."""
    for name in document.contracts:
        if name in _TYPE_WORDS:
            _report_taken(findings, ("contracts", name), name, "contract", "the name of a built-in type")
    for name, function in document.functions.items():
        if not isinstance(function, InferFunction) or isinstance(function.input, Invalid):
            continue
        taken = ("result", "check") if function.refine else ("result",)
        for parameter in taken:
            if parameter in function.input:
                path = ("functions", name, "input", parameter)
                _report_taken(
                    findings, path, parameter, "input", f"how conditions call the {_MEANING[parameter]}"
                )


_MEANING = {"result": "answer", "check": "value of the check"}


def _report_taken(findings: Findings, path: Path, name: str, kind: str, reason: str) -> None:
    """Report one name that is taken."""
    findings.add(
        "E302",
        path,
        f"`{name}` cannot be the name of {'an' if kind == 'input' else 'a'} {kind}: it is {reason}",
        suggestion="choose another name",
        key=True,
    )
