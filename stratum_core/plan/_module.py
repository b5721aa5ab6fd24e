"""The option `mode: persistent`: the Python module that stays of a job when its run is done.

The module is made while the plan is, so that a document that has no form in Python is refused before anything is paid,
and its text stands in the plan: what a person says yes to is what is written, byte for byte. The runner writes it; a
file that is there by then is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError, StratumCompileError
from stratum_core.plan._bind import BoundInput, binding_record
from stratum_core.plan._context import PlanContext

__all__ = ["PlannedModule", "plan_module", "read_module_record", "stands_there"]

_IMPORTED = frozenset({"annotated_types", "pydantic", "pydantic_core", "stratum_core", "typing_extensions"})
"""What a generated module imports beside the standard library: a file of that name beside it would be taken instead."""
_LOADED = frozenset({"conftest", "setup", "sitecustomize", "usercustomize"})
"""Files that Python and its tools load by their names, without being asked to."""
_TAKEN = sys.stdlib_module_names | _IMPORTED | _LOADED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModule:
    """A module that is to be written when the run is done."""

    path: Path
    """In one of the plan's folders, links resolved."""
    text: str

    def to_record(self) -> dict[str, JsonValue]:
        """Return the module as the plan's record keeps it."""
        return {"path": str(self.path), "text": self.text}


def plan_module(
    text: str, flow: str, inputs: Sequence[BoundInput], *, out: Path | None, context: PlanContext
) -> PlannedModule:
    """Make the module of a plan: named after its flow, beside its result, else in the first allowed folder.

    Args:
        text: The document, which is valid.
        flow: What the module's `main` runs.
        inputs: What the flow is planned with; the module reads the same files.
        out: Where the result goes.
        context: For the allowed folders, and what makes a module of a document.

    Raises:
        PlanError: A part of the document has no form in Python.
        InputError: There is no folder to write to, or no file can be where it would be.
    """
    name = f"{flow}_flow.py" if flow in _TAKEN else f"{flow}.py"
    path = context.roots.locate_output(name if out is None else str(out.with_name(name)))
    try:
        bindings = [binding_record(bound) for bound in inputs]
        return PlannedModule(path=path, text=context.module_of(text, flow, bindings, path))
    except StratumCompileError as fault:
        raise PlanError(
            f"mode: persistent keeps the job as Python, but {fault.message}",
            remedy="plan it with the mode transient, which writes no Python, or change these parts",
            detail=fault.detail,
        ) from None


def read_module_record(record: JsonValue) -> PlannedModule | None:
    """Return the module of a plan's record, None when it has none."""
    if record is None:
        return None
    fields = cast("Mapping[str, str]", record)
    return PlannedModule(path=Path(fields["path"]), text=fields["text"])


def stands_there(path: Path, text: str) -> bool:
    """Return whether a file has a text already; what is there and is no regular file has not."""
    wanted = text.encode()
    try:
        return path.is_file() and path.stat().st_size == len(wanted) and path.read_bytes() == wanted
    except OSError:
        return False
