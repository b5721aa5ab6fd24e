"""The names of a generated module: what it defines, imports, and has to call otherwise.

Contracts keep their names, which are part of their hashes. Where an import would take a name of the document, it
gets another one itself.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from stratum_core.codegen._names import BUILTINS, local_name
from stratum_core.specs import Program

__all__ = ["CORE", "PYDANTIC", "Scope", "name"]

CORE = "stratum_core"
PYDANTIC = "pydantic"
_IN_CLASSES = frozenset({"Annotated", "Field", "JsonValue", "Literal", "date", "datetime", "opaque"})
"""Imports that annotations of fields read, where a field of that name would hide them."""
_DECORATORS = frozenset({"Budget", "compute", "contract", "flow", "infer", "refine", "run"})
"""Imports that no body reads."""
_STANDARD = frozenset({"dataclasses", "datetime", "typing", "json", "sys", "pathlib"})


def name(text: str) -> ast.Name:
    """Return a name as a syntax tree."""
    return ast.Name(id=text, ctx=ast.Load())


class Scope:
    """The names of one module; gathers the imports its parts ask for."""

    def __init__(self, program: Program) -> None:
        contracts = frozenset(program.contracts)
        self.functions: Mapping[str, str] = {
            found: local_name(found, contracts) for found in program.functions
        }
        taken = contracts | frozenset(self.functions.values())
        self.flows: Mapping[str, str] = {found: local_name(found, taken) for found in program.flows}
        self.defined: set[str] = {*taken, *self.flows.values()}
        self._fields = frozenset(one for record in program.contracts.values() for one in record.field_names)
        self._inputs = frozenset(one.name for flow in program.flows.values() for one in flow.inputs)
        self._inputs |= frozenset(one.name for part in program.functions.values() for one in part.inputs)
        self._imports: dict[str, dict[str, str]] = {}

    def use(self, module: str, imported: str) -> ast.Name:
        """Return the name under which something from a module is known, and import it."""
        known = self._imports.setdefault(module, {})
        if imported not in known:
            hidden = self._fields if imported in _IN_CLASSES else frozenset[str]()
            hidden |= self._inputs if imported not in _DECORATORS else frozenset[str]()
            known[imported] = self.free(f"{imported}_" if imported in hidden else imported)
        return name(known[imported])

    def free(self, wanted: str) -> str:
        """Return a name that nothing of the document has."""
        while wanted in self.defined:
            wanted += "_"
        return wanted

    def define(self, wanted: str) -> str:
        """Take a name for a class of the module's own."""
        while wanted in self.defined or wanted in BUILTINS:
            wanted += "_"
        self.defined.add(wanted)
        return wanted

    @property
    def imported(self) -> frozenset[str]:
        """The names that imports have taken."""
        return frozenset(known for names in self._imports.values() for known in names.values())

    def lines(self) -> list[str]:
        """Return the import statements: the standard library, other packages, this one."""
        groups: list[list[str]] = [[], [], []]
        for module, names in sorted(self._imports.items()):
            place = 0 if module in _STANDARD else 1 if module == PYDANTIC else 2
            groups[place].extend(_statement(module, names))
        filled = [group for group in groups if group]
        return [line for number, group in enumerate(filled) for line in ([""] if number else []) + group]


def _statement(module: str, names: Mapping[str, str]) -> list[str]:
    """Return one import statement, names in the order that sorters give them."""
    known = sorted(names.items(), key=lambda pair: _sort_key(pair[0]))
    parts = [wanted if wanted == given else f"{wanted} as {given}" for wanted, given in known]
    line = f"from {module} import {', '.join(parts)}"
    if len(line) <= 88:  # noqa: PLR2004 - the width of a generated line
        return [line]
    return [f"from {module} import (", *(f"    {part}," for part in parts), ")"]


def _sort_key(wanted: str) -> tuple[int, str]:
    """Constants first, then classes, then the rest; within them by letter."""
    kind = 0 if wanted.isupper() else 1 if wanted[0].isupper() else 2
    return kind, wanted
