"""Records that have no contract: what a `parallel` step gives and what an expression puts together on the way.

A record literal becomes the contract it fits, where the document has one; any other gets a small frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.codegen._layout import statement
from stratum_core.codegen._scope import Scope
from stratum_core.codegen._types import annotation
from stratum_core.contracts import RecordType, assignable
from stratum_core.specs import Program

__all__ = ["MadeRecord", "Records", "record_class"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRecord:
    """The class that stands for a record."""

    name: str
    kind: RecordType


class Records:
    """The classes of one module's records, made when something first needs them."""

    def __init__(self, program: Program, scope: Scope) -> None:
        self._contracts = program.contracts
        self._scope = scope
        self.made: dict[RecordType, str] = {}
        """The dataclasses, in the order in which they were needed."""
        self.hint = "Record"
        """What the next class is called after: the step at hand."""

    def of(self, kind: RecordType, want: RecordType | None) -> MadeRecord:
        """Return the class of a record literal.

        Args:
            kind: The type of the literal.
            want: The record its place wants, if it wants one.
        """
        if want is not None and want.name in self._contracts:
            return MadeRecord(name=want.name, kind=want)
        if kind not in self.made:
            for found in self._contracts.values():
                if set(found.field_names) == set(kind.field_names) and assignable(kind, found):
                    return MadeRecord(name=found.name, kind=found)
        return self.own(kind)

    def own(self, kind: RecordType) -> MadeRecord:
        """Return the dataclass of a record."""
        if kind not in self.made:
            wanted = "".join(part.capitalize() for part in self.hint.split("_")) or "Record"
            self.made[kind] = self._scope.define(wanted)
        return MadeRecord(name=self.made[kind], kind=kind)


def record_class(kind: RecordType, called: str, scope: Scope) -> list[str]:
    """Return the lines of a record's dataclass."""
    decorator = scope.use("dataclasses", "dataclass").id
    lines = [f"@{decorator}(frozen=True, slots=True)", f"class {called}:"]
    lines += [statement(f"{field.name}: ", annotation(field.type, scope), indent=4) for field in kind.fields]
    return lines
