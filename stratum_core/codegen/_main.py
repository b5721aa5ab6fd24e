"""The end of a generated module: a `main` that reads what a flow takes, runs the flow and prints what it returns.

Where the job was planned over files, `main` reads the same files with the same columns and the same checks of every
row; their paths are its parameters. Every other input comes from a JSON file. No data and no path of the machine it was
made on stands in the module.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from stratum_core.codegen._flat import flat
from stratum_core.codegen._layout import statement
from stratum_core.codegen._scope import CORE, PYDANTIC, Scope, name
from stratum_core.codegen._text import WIDTH
from stratum_core.codegen._types import annotation, constant, optional_of, without_limits
from stratum_core.contracts import ListType, OpaqueType, OptionalType, Type
from stratum_core.specs import FlowSpec, Parameter

__all__ = ["FileInput", "PlannedInputs", "main_lines", "tail_lines"]

_INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInput:
    """A file that an input of the flow is read from."""

    path: str
    """Relative to the module, with `/`."""
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field -> column, where the names differ."""
    form: str = ""
    """`csv`, `json`, `jsonl` or `text` where the name of the file does not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInputs:
    """Where the inputs of a planned job come from; without a plan, all of them from a JSON file."""

    files: Mapping[str, FileInput] = field(default_factory=dict[str, FileInput])
    absent: frozenset[str] = frozenset()
    """Inputs that may be left out, and are."""

    def given(self, flow: FlowSpec) -> list[Parameter]:
        """Return the inputs that come from a JSON file."""
        return [one for one in flow.inputs if one.name not in self.files and one.name not in self.absent]


def main_lines(flow: FlowSpec, scope: Scope, planned: PlannedInputs) -> list[str]:
    """Return the function that runs a flow on its inputs."""
    adapter = scope.use(PYDANTIC, "TypeAdapter")
    given = {one.name for one in planned.given(flow)}
    files = _file_parameters(flow, scope, planned)
    keywords = [
        ast.keyword(
            arg=one.name,
            value=_from_json(one, scope, adapter)
            if one.name in given
            else _from_file(one, planned.files[one.name], files[one.name], scope),
        )
        for one in flow.inputs
        if one.name not in planned.absent
    ]
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
    lines = [*_head(scope, planned, files, needs_json=bool(given))]
    return [*lines, statement("result = ", run, indent=4), statement("", shown, indent=4)]


def tail_lines(flow: FlowSpec, scope: Scope, planned: PlannedInputs) -> list[str]:
    """Return what calls `main` when the module is run as a program."""
    lines, main = ['if __name__ == "__main__":'], scope.free("main")
    if not planned.files:
        return [*lines, f"{_INDENT}{main}()"]
    argv = scope.use("sys", "argv").id
    if planned.given(flow):
        lines += [
            f"{_INDENT}if len({argv}) < 2:",
            f'{_INDENT * 2}raise SystemExit(f"usage: {{{argv}[0]}} INPUTS.json [FILE ...]")',
        ]
    return [*lines, f"{_INDENT}{main}(*{argv}[1:])"]


def _file_parameters(flow: FlowSpec, scope: Scope, planned: PlannedInputs) -> dict[str, str]:
    """Return the parameter of `main` for each input that is read from a file."""
    return {one.name: scope.free(f"{one.name}_file") for one in flow.inputs if one.name in planned.files}


def _head(scope: Scope, planned: PlannedInputs, files: Mapping[str, str], *, needs_json: bool) -> list[str]:
    """Return how `main` begins, up to what it runs."""
    main = scope.free("main")
    if not files and not needs_json:
        return [f"def {main}() -> None:", f'{_INDENT}"""Run the flow and print what it returns."""']
    path = scope.use("pathlib", "Path").id
    if not files:
        argv = scope.use("sys", "argv").id
        return [
            f"def {main}() -> None:",
            f'{_INDENT}"""Run the flow on the inputs in a JSON file."""',
            f"{_INDENT}if len({argv}) < 2:",
            f'{_INDENT * 2}raise SystemExit(f"usage: {{{argv}[0]}} INPUTS.json")',
            *_loaded(scope, f"{argv}[1]"),
        ]
    folder = f"{path}(__file__).parent"
    parts = [
        f"{files[found]}: str | {path} = {folder} / {flat(constant(planned.files[found].path))}"
        for found in files
    ]
    if not needs_json:
        text = "Run the flow on its files: those of the plan, unless others are given."
        return [_signature(main, parts), f'{_INDENT}"""{text}"""']
    text = "Run the flow on the inputs in a JSON file and on its files."
    values = scope.free("values")
    head = _signature(main, [f"{values}: str | {path}", *parts])
    return [head, f'{_INDENT}"""{text}"""', *_loaded(scope, values)]


def _signature(main: str, parameters: list[str]) -> str:
    """Return `def main(...) -> None:`, over several lines where one is too short."""
    line = f"def {main}({', '.join(parameters)}) -> None:"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"def {main}(", *(f"{_INDENT}{one}," for one in parameters), ") -> None:"])


def _loaded(scope: Scope, source: str) -> list[str]:
    """Return the statement that reads a JSON file."""
    path, loads = scope.use("pathlib", "Path").id, scope.use("json", "loads").id
    return [
        f"{_INDENT}given: dict[str, {scope.use(PYDANTIC, 'JsonValue').id}] = {loads}(",
        f'{_INDENT * 2}{path}({source}).read_text(encoding="utf-8"),',
        f"{_INDENT})",
    ]


def _from_json(one: Parameter, scope: Scope, adapter: ast.Name) -> ast.expr:
    """Return one input of the flow, taken from the JSON file."""
    given = name("given")
    value: ast.expr = ast.Subscript(value=given, slice=constant(one.name), ctx=ast.Load())
    if optional_of(one.type):
        get = ast.Attribute(value=given, attr="get", ctx=ast.Load())
        value = ast.Call(func=get, args=[constant(one.name)], keywords=[])
    read = ast.Attribute(
        value=_of_adapter(adapter, annotation(without_limits(one.type), scope)),
        attr="validate_python",
        ctx=ast.Load(),
    )
    return ast.Call(func=read, args=[value], keywords=[])


def _from_file(one: Parameter, file: FileInput, parameter: str, scope: Scope) -> ast.expr:
    """Return one input of the flow, read from its file."""
    options: list[ast.keyword] = []
    if file.columns:
        keys: list[ast.expr | None] = [constant(found) for found in file.columns]
        columns = ast.Dict(keys=keys, values=[constant(column) for column in file.columns.values()])
        options.append(ast.keyword(arg="columns", value=columns))
    if file.form:
        options.append(ast.keyword(arg="format", value=constant(file.form)))
    kind = annotation(_in_file(one.type), scope)
    return ast.Call(func=scope.use(CORE, "read_data"), args=[name(parameter), kind], keywords=options)


def _in_file(kind: Type) -> Type:
    """Return the type of what a file holds: that of the input, with the limits of each item but none of the whole."""
    while isinstance(kind, (OptionalType, OpaqueType)):
        kind = kind.inner
    return ListType(item=kind.item) if isinstance(kind, ListType) else without_limits(kind)


def _of_adapter(adapter: ast.Name, kind: ast.expr) -> ast.expr:
    return ast.Call(func=adapter, args=[kind], keywords=[])
