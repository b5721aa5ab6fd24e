"""Names of a document that Python, or a pydantic model, needs for something else."""

from __future__ import annotations

import keyword

from pydantic import BaseModel

from stratum_core.codegen._names import BUILTINS
from stratum_core.specs import Program

__all__ = ["name_faults"]

_TYPE_NAMES = frozenset({"str", "int", "float", "bool", "bytes", "list", "dict"})


def name_faults(program: Program) -> list[str]:
    """Return why fields, inputs and contracts cannot have their names in Python; they are part of the hashes."""
    faults: list[str] = []
    for record in program.contracts.values():
        if record.name in BUILTINS or keyword.issoftkeyword(record.name):
            faults.append(f"contract `{record.name}` has the name of a part of Python; rename it")
        for found in record.field_names:
            if hasattr(BaseModel, found) or found.startswith("_"):
                faults.append(
                    f"field `{found}` of `{record.name}` means something else in a model; rename it"
                )
            elif found in _TYPE_NAMES:
                faults.append(f"field `{found}` of `{record.name}` hides the type of that name; rename it")
    return faults
