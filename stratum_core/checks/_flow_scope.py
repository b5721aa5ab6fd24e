"""What the expressions of one flow see while its steps are read from top to bottom.

One dict grows by one name for each step, so that a flow of a thousand steps is read in linear time.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager

from stratum_core.checks._compile import BOOL, Compiler
from stratum_core.checks._free_ids import FreeIds
from stratum_core.checks._opaque import Taint
from stratum_core.checks._signatures import Signature
from stratum_core.contracts import IntType, Type
from stratum_core.ir import Expr, Path
from stratum_core.ir.expressions import CompiledExpression, Facts

__all__ = ["TAKEN", "FlowScope"]

TAKEN = frozenset({"input", "item", "index"})
"""Ids no step may have."""

_INDEX = IntType(min=0)


class FlowScope:
    """The names of a flow so far, and what its steps have read."""

    __slots__ = (
        "_compiler",
        "_complete",
        "_not_null",
        "_read",
        "calls",
        "free_ids",
        "later",
        "names",
        "step_reads",
        "steps",
        "taint",
    )

    def __init__(
        self, compiler: Compiler, given: Type, later: Collection[str], free_ids: FreeIds, *, complete: bool
    ) -> None:
        self._compiler = compiler
        self._complete = complete
        self.names: dict[str, Type] = {"input": given}
        """Types by name."""
        self.later = later
        """Ids of all steps: a name among them that is not in `names` yet is a later step."""
        self.free_ids = free_ids
        """Ids for steps whose own is taken."""
        self.steps: dict[str, str] = {}
        """Ids of the steps so far, with where each stands."""
        self.calls: list[tuple[Signature, Path]] = []
        """What the flow calls and where, in document order, repeats included."""
        self.taint = Taint(self.names)
        self._not_null: Facts = frozenset()
        self._read: set[tuple[str, ...]] = set()
        self.step_reads: set[str] = set()
        """Names the step at hand reads; whoever starts a step empties it."""

    def compile(self, path: Path, form: Expr, *, want: Type | None = None) -> CompiledExpression | None:
        """Return the checked expression, or None when it has a diagnostic."""
        expression = self._compiler.compile(
            path,
            form,
            self.names,
            want=want,
            not_null=self._not_null,
            later=self.later,
            names_complete=self._complete,
        )
        if expression is not None:
            self._read |= expression.reads
            self.step_reads |= expression.names
        return expression

    def condition(self, path: Path, form: Expr) -> CompiledExpression | None:
        """Return the checked expression, which has to be a bool."""
        return self.compile(path, form, want=BOOL)

    def over_results(self, path: Path, form: Expr, results: Type) -> CompiledExpression | None:
        """Return a checked condition over `results` alone."""
        return self._compiler.condition(path, form, {"results": results})

    @contextmanager
    def assuming(self, condition: CompiledExpression) -> Generator[None]:
        """Judge expressions as if `condition` were true."""
        self._not_null = condition.proves()
        yield
        self._not_null = frozenset()

    @contextmanager
    def each_item(self, item: Type, *, tainted: bool = False) -> Generator[None]:
        """Have `item` and `index` in scope."""
        self.names["item"] = item
        self.names["index"] = _INDEX
        if tainted:
            self.taint.add("item")
        yield
        del self.names["item"], self.names["index"]
        self.taint.discard("item")

    def define(self, step: str, shown: str, value: Type, *, tainted: bool) -> None:
        """Put a step's value in scope; `shown` is where the step stands, as messages say it."""
        self.steps[step] = shown
        self.names[step] = value
        if tainted:
            self.taint.add(step)

    def was_read(self, *path: str) -> bool:
        """Return whether an expression so far reads this attribute path, or a whole value that holds it."""
        return any(path[: len(read)] == read for read in self._read)
