"""Code generation: a checked document as one Python module that does the same.

Pure: a document and its program in, text out. The text holds every contract, function and flow, and a `main` that runs
one flow; nothing a document's author wrote can leave its literal or comment. What has no form in Python is refused,
all of it at once, never left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stratum_core.codegen._contracts import contract_class, in_order
from stratum_core.codegen._flows import FlowWriter
from stratum_core.codegen._functions import FunctionWriter
from stratum_core.codegen._main import PlannedInputs, main_lines, tail_lines
from stratum_core.codegen._records import Records, record_class
from stratum_core.codegen._refusals import name_faults
from stratum_core.codegen._scope import Scope
from stratum_core.codegen._text import comment, docstring
from stratum_core.contracts import contract_hash
from stratum_core.errors import StratumCompileError
from stratum_core.ir import Document
from stratum_core.specs import Program, called

__all__ = ["generate", "main_flow"]

_NOT_PLANNED = PlannedInputs()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The definitions of a module, each as its lines."""

    contracts: list[list[str]]
    functions: list[list[str]]
    flows: list[list[str]]


def generate(
    document: Document,
    program: Program,
    *,
    made_from: str,
    flow: str | None = None,
    planned: PlannedInputs = _NOT_PLANNED,
) -> str:
    """Return the text of a module that does what a document says.

    Args:
        document: The document, without diagnostics.
        program: What it was checked to.
        made_from: Named in the header: a file's name or a plan's id.
        flow: The flow that `main` runs; None: the last one that no other flow calls.
        planned: Where that flow's inputs come from.

    Raises:
        StratumCompileError: Parts of the document have no form in Python; `detail["reasons"]` lists all of them.
    """
    scope = Scope(program)
    records = Records(program, scope)
    reasons = name_faults(program)
    functions = FunctionWriter(program=program, document=document, scope=scope, records=records)
    flows = FlowWriter(program=program, document=document, scope=scope, records=records)

    def written(write: Callable[[str], list[str]], called_name: str) -> list[str]:
        try:
            return write(called_name)
        except StratumCompileError as fault:
            reasons.append(str(fault))
            return []

    contracts = [contract_class(record, scope) for record in in_order(program.contracts)]
    made = _Parts(
        contracts=contracts,
        functions=[written(functions.lines, found) for found in functions.ordered()],
        flows=[written(flows.lines, found) for found in _callees_first(program)],
    )
    if reasons:
        raise StratumCompileError(
            f"{len(reasons)} part(s) of the document have no form in Python: " + "; ".join(reasons),
            detail={"reasons": reasons},
        )
    runs = program.flows[flow or main_flow(program)] if program.flows else None
    main = [] if runs is None else main_lines(runs, scope, planned)
    own = [record_class(kind, called_name, scope) for kind, called_name in records.made.items()]
    blocks = [*made.contracts, *own, *made.functions, *made.flows, main]
    body = "\n\n\n".join("\n".join(block) for block in blocks if block)
    header = _header(document, program, made_from)
    tail = [] if runs is None else ["\n".join(tail_lines(runs, scope, planned))]
    return "\n".join([*header, "", *scope.lines(), "", "", "\n\n\n".join([body, *tail])]) + "\n"


def main_flow(program: Program) -> str:
    """Return the flow that stands for the whole document: the last one that no other flow calls."""
    inner = {
        target
        for flow in program.flows.values()
        for step in flow.steps
        for kind, target in called(step.verb)
        if kind == "flow" and target != flow.name
    }
    return [found for found in program.flows if found not in inner][-1]


def _callees_first(program: Program) -> list[str]:
    """Return the flows so that each stands below those it calls."""
    ordered: dict[str, None] = {}

    def add(found: str) -> None:
        if found in ordered:
            return
        for step in program.flows[found].steps:
            for kind, target in called(step.verb):
                if kind == "flow":
                    add(target)
        ordered[found] = None

    for found in program.flows:
        add(found)
    return list(ordered)


def _header(document: Document, program: Program, made_from: str) -> list[str]:
    """Return what a reader sees first: what this is, and what it was made from."""
    title = document.description or document.name or "A Stratum program."
    first, *rest = docstring(title, "")
    lines = [first, *rest, ""]
    lines += comment(f"Made by `stratum codegen` from {made_from}.", "")
    lines += [f"# ir {program.ir_hash}"]
    lines += [f"# contract {found} {contract_hash(record)}" for found, record in program.contracts.items()]
    lines += [f"# function {found} {spec.function_hash}" for found, spec in program.functions.items()]
    return lines
