"""Code in and out: a plan or document as a Python module, and a person's module as a document.

The use cases behind `stratum codegen`, `stratum emit` and the server's `codegen` tool. A module is written only after
it was read back from its text, without running it, and every contract, function and prompt template has the hash it has
in the document. A file that is there is never replaced unless the person asked for that.
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stratum_core.checks import check
from stratum_core.codegen import PlannedInputs, UnreadableError, generate, main_flow, read_module
from stratum_core.contracts import JsonValue, contract_hash
from stratum_core.engine._bindings import planned_inputs
from stratum_core.engine._documents import read_spec
from stratum_core.engine._outline import outline
from stratum_core.engine._planning import limits_of
from stratum_core.engine._settings import Settings
from stratum_core.errors import DiagnosticsError, InputError, PlanError, StratumCompileError
from stratum_core.ir import Document, dump, ir_hash, load
from stratum_core.journal import ControlStore
from stratum_core.llm import template_hash
from stratum_core.plan import Roots
from stratum_core.runtime import create_file, replace_file
from stratum_core.specs import InferSpec, Program

__all__ = ["CodeDesk", "CodeView", "EmitView"]

_PLAN_PREFIX = "plan_"
_MAX_BYTES = 8 * 1024 * 1024
_SHOWN_DIFF_LINES = 200
_IMPORT_TIMEOUT_S = 60
_DOCUMENTS = (".yaml", ".yml")
_A_DOCUMENT = "a document"
"""What a module says it was made from where no file has a name."""
_NONE = PlannedInputs()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """A generated module and what was verified about it."""

    path: str
    """Where it was written; empty when it was only made."""
    text: str
    flow: str
    """The flow its `main` runs; empty when the document has none."""
    ir_hash: str
    contracts: int
    """Contracts whose hashes are equal: all of them."""
    functions: int
    """Functions whose function and template hashes are equal: all of them."""
    same_document: bool
    """Whether the module, read back, is the very same document, its flows included."""
    written: bool
    """False when the file has this text already, or none was wanted."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the view as a flat JSON record, without the text."""
        return {
            "path": self.path,
            "written": self.written,
            "flow": self.flow,
            "ir_hash": self.ir_hash[:12],
            "contracts_equal": self.contracts,
            "functions_equal": self.functions,
            "same_document": self.same_document,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitView:
    """A module as a document, and what had to be left out."""

    text: str
    """YAML; empty when nothing of the module could be said."""
    contracts: int
    functions: int
    flows: int
    unsaid: tuple[Mapping[str, JsonValue], ...]
    """`name`, `line` and `why` of each part that is not in the text."""
    path: str
    written: bool

    def to_json(self) -> dict[str, JsonValue]:
        """Return the view as a JSON record."""
        return {
            "path": self.path,
            "written": self.written,
            "contracts": self.contracts,
            "functions": self.functions,
            "flows": self.flows,
            "unsaid": [dict(one) for one in self.unsaid],
            "text": self.text,
        }


class CodeDesk:
    """The use cases about Python over one state directory."""

    def __init__(self, control: ControlStore, settings: Settings) -> None:
        """Keep what they need; nothing is opened."""
        self._control = control
        self._settings = settings

    def outline(self, plan_id: str) -> str:
        """Return a plan as a developer reads it: step graph, contracts, conditions, budgets, compiled prompts.

        Its data is not in it, and its files are not read.

        Raises:
            PlanError: There is no such plan, or this version reads its document differently.
        """
        record = self._control.plan(plan_id).record
        program = check(str(record["text"]), limits=limits_of(self._settings)).program
        if program is None or program.ir_hash != record["ir_hash"]:
            raise PlanError("this version reads the plan's document differently", remedy="plan again")
        return outline(record, program)

    def codegen(
        self, source: str, *, path: str = "", flow: str | None = None, force: bool = False
    ) -> CodeView:
        """Write a plan or a document as a Python module.

        Args:
            source: A plan's id, a document's text, or the path of one in an allowed folder.
            path: The module's file, in an allowed folder; empty: make the text and write nothing.
            flow: The flow that `main` runs. Default: the plan's, else the last one that no other calls.
            force: Replace a file that is there.

        Raises:
            InputError: The path leads outside the allowed folders, is no `.py` file, or holds another text.
            DiagnosticsError: The document is wrong.
            StratumCompileError: A part of the document has no form in Python.
            PlanError: There is no such plan.
        """
        target = self._target(path) if path else None
        text, made_from, plan = self._source(source)
        document, program = self._valid(text)
        chosen = flow or (None if plan is None else str(plan["flow"]))
        if chosen is not None and chosen not in program.flows:
            raise InputError(f"there is no flow `{chosen}`", remedy=f"flows: {', '.join(program.flows)}")
        roots = Roots(*self._settings.roots)
        folder = next(iter(roots.paths), Path()) if target is None else target.parent
        inputs = _inputs_of(plan, folder, roots) if plan is not None and chosen == plan["flow"] else _NONE
        module = generate(document, program, made_from=made_from, flow=chosen, planned=inputs)
        same = _verified(module, program)
        written = target is not None and _written(target, module, force=force)
        return CodeView(
            path="" if target is None else str(target),
            text=module,
            flow=chosen or (main_flow(program) if program.flows else ""),
            ir_hash=program.ir_hash,
            contracts=len(program.contracts),
            functions=len(program.functions),
            same_document=same,
            written=written,
        )

    def module_of(self, text: str, flow: str, bindings: Sequence[Mapping[str, JsonValue]], path: Path) -> str:
        """Return a planned job as a Python module, verified as a written one is; the same text for the same job.

        Args:
            text: The document.
            flow: The flow that `main` runs.
            bindings: What its inputs are bound to, as the plan's record keeps it.
            path: Where the module will stand.

        Raises:
            DiagnosticsError: The document is wrong.
            StratumCompileError: A part of it has no form in Python.
        """
        document, program = self._valid(text)
        inputs = planned_inputs(bindings, path.parent, Roots(*self._settings.roots))
        module = generate(document, program, made_from=_A_DOCUMENT, flow=flow, planned=inputs)
        _verified(module, program)
        return module

    def emit(self, module: str, *, path: str = "", force: bool = False) -> EmitView:
        """Write the contracts, functions and straight flows of a Python file as a document.

        The file is imported in a process of its own, which runs it: this is a person's command, not the server's.

        Args:
            module: The file, in an allowed folder.
            path: The document's file; empty: make the text and write nothing.
            force: Replace a file that is there.

        Raises:
            InputError: A path leads outside the allowed folders, the module cannot be imported, or the document's
                file holds another text.
        """
        source = Roots(*self._settings.roots).locate(module)
        if source.suffix != ".py" or not source.is_file():
            raise InputError(
                f"{source.name} is no Python file", remedy="give a module's file, such as app.py"
            )
        target = self._target(path, _DOCUMENTS) if path else None
        record = _emitted(source)
        text = str(record["text"])
        unsaid = cast("Sequence[Mapping[str, JsonValue]]", record["unsaid"])
        written = target is not None and bool(text) and _written(target, text, force=force)
        return EmitView(
            text=text,
            contracts=cast("int", record["contracts"]),
            functions=cast("int", record["functions"]),
            flows=cast("int", record["flows"]),
            unsaid=tuple(unsaid),
            path="" if target is None else str(target),
            written=written,
        )

    def _valid(self, text: str) -> tuple[Document, Program]:
        """Return a document and what it means.

        Raises:
            DiagnosticsError: It is wrong.
        """
        checked, document = check(text, limits=limits_of(self._settings)), load(text).document
        if checked.program is None or document is None:
            raise DiagnosticsError(
                "only a valid document can be written as Python",
                remedy="mend it first (`stratum validate --fix`)",
                detail={"diagnostics": [found.to_json() for found in checked.diagnostics]},
            )
        return document, checked.program

    def _target(self, path: str, endings: tuple[str, ...] = (".py",)) -> Path:
        """Return where a file may be written."""
        target = Roots(*self._settings.roots).locate_output(path)
        if not target.name.endswith(endings):
            raise InputError(
                f"{target.name} does not end in {' or '.join(endings)}", remedy="give a path that does"
            )
        return target

    def _source(self, source: str) -> tuple[str, str, Mapping[str, JsonValue] | None]:
        """Return a document's text, what it is called, and the record of the plan it is of."""
        if source.startswith(_PLAN_PREFIX) and "\n" not in source:
            record = self._control.plan(source).record
            return str(record["text"]), f"plan {source}", record
        found = read_spec(source, Roots(*self._settings.roots))
        is_text = "\n" in source or source.lstrip().startswith("{")
        text = found if isinstance(found, str) else found.decode("utf-8", "replace")
        return text, _A_DOCUMENT if is_text else Path(source).name, None


def _inputs_of(plan: Mapping[str, JsonValue], folder: Path, roots: Roots) -> PlannedInputs:
    """Return where a module in a folder finds the inputs of a stored plan."""
    return planned_inputs(cast("Sequence[Mapping[str, JsonValue]]", plan["bindings"]), folder, roots)


def _emitted(source: Path) -> Mapping[str, JsonValue]:
    """Return what the process that imports a module says.

    Raises:
        InputError: The module cannot be imported, or takes too long.
    """
    command = [sys.executable, "-m", "stratum_core.authoring._emitter", str(source)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the file is an argument
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_IMPORT_TIMEOUT_S
        )
        record: Mapping[str, JsonValue] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as fault:
        raise InputError(
            f"{source.name} took longer than {_IMPORT_TIMEOUT_S} s to import",
            remedy='put what it runs under `if __name__ == "__main__":`',
        ) from fault
    except json.JSONDecodeError as fault:
        raise InputError(
            f"{source.name} ended its own process while it was imported",
            remedy='put what it runs under `if __name__ == "__main__":`',
        ) from fault
    if "failed" in record:
        raise InputError(
            f"{source.name} cannot be imported: {record['failed']}",
            remedy="mend it; `python FILE` shows where",
        )
    return record


def _verified(module: str, program: Program) -> bool:
    """Return whether a module is the very same document when it is read back.

    Raises:
        StratumCompileError: A contract, a function or a prompt would differ.
    """
    try:
        back = read_module(module)
    except UnreadableError as fault:
        raise StratumCompileError(
            f"the module cannot be read back (line {fault.line}): {fault}; nothing was written",
            remedy="report the document that leads to this",
        ) from fault
    found = check(dump(back)).program
    wanted, made = _hashes(program), {} if found is None else _hashes(found)
    different = sorted(name for name in wanted if wanted[name] != made.get(name))
    if different:
        raise StratumCompileError(
            f"the module would differ from the document in {', '.join(different)}; nothing was written",
            remedy="report the document that leads to this",
        )
    return ir_hash(back) == program.ir_hash


def _hashes(program: Program) -> dict[str, str]:
    """Return the hash of every contract, function and prompt template."""
    hashes = {f"contract {name}": contract_hash(record) for name, record in program.contracts.items()}
    for name, spec in program.functions.items():
        hashes[f"function {name}"] = spec.function_hash
        if isinstance(spec, InferSpec):
            hashes[f"template {name}"] = template_hash(spec)
    return hashes


def _written(target: Path, text: str, *, force: bool) -> bool:
    """Write a file, unless it has this text already.

    Raises:
        InputError: Another text is there and was not to be replaced, or it cannot be written.
    """
    try:
        if not force:
            create_file(target, text)
            return True
        if target.exists() and target.read_bytes() == text.encode():
            return False
        replace_file(target, text)
    except FileExistsError:
        return _unchanged(target, text)
    except OSError as fault:
        raise InputError(
            f"{target} cannot be written: {fault.strerror}", remedy="see to its rights"
        ) from fault
    return True


def _unchanged(target: Path, text: str) -> bool:
    """Return False for a file that has this text already.

    Raises:
        InputError: It has another; `detail["diff"]` shows what would change.
    """
    before = target.read_bytes()[:_MAX_BYTES].decode("utf-8", "replace")
    if before == text:
        return False
    lines = difflib.unified_diff(
        before.splitlines(), text.splitlines(), f"{target.name} (there)", f"{target.name} (new)", lineterm=""
    )
    shown = list(lines)
    raise InputError(
        f"{target.name} is there and would change; nothing was written",
        remedy="look at the difference; --force replaces the file, or give another path",
        detail={"diff": "\n".join(shown[:_SHOWN_DIFF_LINES]), "diff_lines": len(shown)},
    )
