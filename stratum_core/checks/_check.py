"""Check a document: everything that is wrong with it in one pass, and the program when nothing is.

The second stage of the pipeline. Nothing here reads files, calls models or spends money. What passes is typed
throughout: every name exists, every call fits its signature, every expression has a type and bounded work. What
cannot be known before run time is left to run time: ranges and patterns of values, the length of lists, `json`.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.checks._compile import Compiler
from stratum_core.checks._context import Context, Limits
from stratum_core.checks._findings import Findings
from stratum_core.checks._flows import check_flows
from stratum_core.checks._functions import check_functions
from stratum_core.checks._limits import check_limits
from stratum_core.checks._names import check_names
from stratum_core.checks._signatures import Types, read_signatures
from stratum_core.ir import Diagnostic, Document, ir_hash, load
from stratum_core.memory import collections_paused
from stratum_core.specs import Program

__all__ = ["Checked", "check"]

_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found."""

    program: Program | None
    """None when there is any error."""
    diagnostics: tuple[Diagnostic, ...]
    """In document order, at most fifty and a note that says how many more."""

    @property
    def ok(self) -> bool:
        """Whether the document can be planned: warnings and notes do not refuse it."""
        return self.program is not None


@collections_paused()
def check(text: str | bytes, *, limits: Limits = _NO_LIMITS) -> Checked:
    """Load and check a document; never raises for what the text holds."""
    loaded = load(text)
    findings = Findings(loaded.positions, loaded.diagnostics)
    program = None
    if loaded.document is not None:
        program = _check_document(loaded.document, findings, limits)
    return Checked(program=None if findings.errors else program, diagnostics=findings.in_order())


def _check_document(document: Document, findings: Findings, limits: Limits) -> Program | None:
    """Run every family of rules."""
    if not document.functions and not document.flows and not findings.errors:
        findings.add(
            "E306",
            (),
            "the document defines no flow and no function",
            suggestion="add flows: { main: { input: ..., output: ..., steps: [...], return: ... } }",
        )
    check_names(document, findings)
    types = Types(document, findings)
    contracts = types.records()
    signatures = read_signatures(document, types)
    context = Context(
        document=document,
        findings=findings,
        types=types,
        signatures=signatures,
        compiler=Compiler(findings),
        limits=limits,
    )
    functions = check_functions(context)
    flows, calls = check_flows(context)
    check_limits(context, flows, calls)
    if findings.errors:
        return None
    return Program(
        name=document.name,
        contracts=contracts,
        functions=functions,
        flows=flows,
        ir_hash=ir_hash(document, spellings=context.compiler.spellings),
    )
