"""Code generation: a checked document as one Python module that does the same.

Pure: a document and its program in, text out. The text holds every contract, function and flow, and a `main` that runs
one flow; nothing a document's author wrote can leave its literal or comment. What has no form in Python is refused,
all of it at once, never left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from stratum_core.codegen._contracts import contract_class, in_order
from stratum_core.codegen._flows import FlowWriter
from stratum_core.codegen._functions import FunctionWriter
from stratum_core.codegen._layout import statement
from stratum_core.codegen._records import Records, record_class
from stratum_core.codegen._refusals import name_faults
from stratum_core.codegen._scope import CORE, PYDANTIC, Scope, name
from stratum_core.codegen._text import comment, docstring
from stratum_core.codegen._types import annotation, constant, optional_of, without_limits
from stratum_core.contracts import Type, contract_hash
from stratum_core.errors import StratumCompileError
from stratum_core.ir import Document
from stratum_core.specs import FlowSpec, Program, called

__all__ = ["generate", "main_flow"]

_INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The definitions of a module, each as its lines."""

    contracts: list[list[str]]
    functions: list[list[str]]
    flows: list[list[str]]


def generate(document: Document, program: Program, *, made_from: str, flow: str | None = None) -> str:
    """Return the text of a module that does what a document says.

    Args:
        document: The document, without diagnostics.
        program: What it was checked to.
        made_from: Named in the header: a file's name or a plan's id.
        flow: The flow that `main` runs; None: the last one that no other flow calls.

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
    main = [] if not program.flows else _main(program.flows[flow or main_flow(program)], scope)
    own = [record_class(kind, called_name, scope) for kind, called_name in records.made.items()]
    blocks = [*made.contracts, *own, *made.functions, *made.flows, main]
    body = "\n\n\n".join("\n".join(block) for block in blocks if block)
    header = _header(document, program, made_from)
    tail = [f'if __name__ == "__main__":\n{_INDENT}{scope.free("main")}()'] if main else []
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


def _main(flow: FlowSpec, scope: Scope) -> list[str]:
    """Return the function that runs a flow on the inputs of a JSON file."""
    adapter = scope.use(PYDANTIC, "TypeAdapter")
    keywords = [_argument(one.name, one.type, scope, adapter) for one in flow.inputs]
    call = ast.Call(func=name(scope.flows[flow.name]), args=[], keywords=keywords)
    run = ast.Call(func=scope.use(CORE, "run"), args=[call], keywords=[])
    kind = _of_adapter(adapter, annotation(without_limits(flow.output), scope))
    dumped = ast.Call(
        func=ast.Attribute(value=kind, attr="dump_json", ctx=ast.Load()),
        args=[name("result")],
        keywords=[ast.keyword(arg="indent", value=constant(2))],
    )
    text = ast.Call(func=ast.Attribute(value=dumped, attr="decode", ctx=ast.Load()), args=[], keywords=[])
    shown = ast.Call(func=name("print"), args=[text], keywords=[])
    lines = [f"def {scope.free('main')}() -> None:"]
    if flow.inputs:
        path, json_value = scope.use("pathlib", "Path").id, scope.use(PYDANTIC, "JsonValue").id
        argv, loads = scope.use("sys", "argv").id, scope.use("json", "loads").id
        lines += [
            f'{_INDENT}"""Run the flow on the inputs in a JSON file."""',
            f"{_INDENT}if len({argv}) < 2:",
            f'{_INDENT * 2}raise SystemExit(f"usage: {{{argv}[0]}} INPUTS.json")',
            f"{_INDENT}given: dict[str, {json_value}] = {loads}(",
            f'{_INDENT * 2}{path}({argv}[1]).read_text(encoding="utf-8"),',
            f"{_INDENT})",
        ]
    else:
        lines.append(f'{_INDENT}"""Run the flow and print what it returns."""')
    return [*lines, statement("result = ", run, indent=4), statement("", shown, indent=4)]


def _argument(found: str, kind: Type, scope: Scope, adapter: ast.Name) -> ast.keyword:
    """Return one input of the flow, read from the file."""
    given = name("given")
    value: ast.expr = ast.Subscript(value=given, slice=constant(found), ctx=ast.Load())
    if optional_of(kind):
        get = ast.Attribute(value=given, attr="get", ctx=ast.Load())
        value = ast.Call(func=get, args=[constant(found)], keywords=[])
    read = ast.Attribute(
        value=_of_adapter(adapter, annotation(without_limits(kind), scope)),
        attr="validate_python",
        ctx=ast.Load(),
    )
    return ast.keyword(arg=found, value=ast.Call(func=read, args=[value], keywords=[]))


def _of_adapter(adapter: ast.Name, kind: ast.expr) -> ast.expr:
    return ast.Call(func=adapter, args=[kind], keywords=[])
