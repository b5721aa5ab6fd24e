"""Drift between two runs: their plans and journals read, and handed to the comparison.

Nothing is changed and no model is asked. A plan that is not what its run was approved with is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from stratum_core.checks import Limits, check
from stratum_core.contracts import JsonValue
from stratum_core.drift import Counting, Drift, Side, compare, define, facts, notes, sentence, verdict
from stratum_core.engine._removed import is_removed
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import RunView
from stratum_core.errors import InputError, PlanError, RunError
from stratum_core.journal import ControlStore, RunReader, RunRecord
from stratum_core.plan import require_as_approved
from stratum_core.specs import Program

__all__ = ["DriftDesk", "DriftView", "FunctionView"]

_PAGE = 5_000
_NO_MATTER = frozenset({"model", "out", "mode", "background"})
"""Options that change nothing a function is asked, or that its own model tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionView:
    """One function in words."""

    sentence: str
    """How it changed, and how its calls moved."""
    facts: tuple[tuple[str, str, str], ...]
    """Each part and figure that differs: its name, what it was, what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """What changed between two runs."""

    changed: bool
    """Whether a function, or the document, is another."""
    message: str
    """One sentence."""
    notes: tuple[str, ...]
    """The runs, their data and options, and what to be careful with."""
    functions: tuple[FunctionView, ...]
    """Those that ask a model, and those that changed."""
    record: Mapping[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the comparison as a JSON record, every function in it."""
        return {"message": self.message, "notes": list(self.notes), **self.record}


class DriftDesk:
    """Compares the runs of one state directory."""

    def __init__(
        self, control: ControlStore, settings: Settings, *, view_of: Callable[[str], RunView]
    ) -> None:
        """Look into a control file and the runs beside it; the arguments are the engine's own."""
        self._control = control
        self._settings = settings
        self._view_of = view_of

    def compare(self, first: str, second: str) -> DriftView:
        """Return what changed from one run to another, and how answers, retries and cost moved.

        Args:
            first: The run that counts as the earlier one.
            second: The run it is compared with; both may still be at work.

        Raises:
            InputError: They are one and the same run.
            RunError: There is no such run, or it has no journal yet, or not any more.
            PlanError: The plan of one was changed, or this version reads its document differently.
            JournalVersionError: The journal of one was written by a newer version.
            JournalError: A journal is damaged.
        """
        if first == second:
            raise InputError(
                f"{first} cannot be compared with itself", remedy="name two runs; `stratum runs` lists them"
            )
        drift = compare(self._side(first), self._side(second))
        told = (each for each in drift.functions if each.asks or each.changed or not each.in_both)
        return DriftView(
            changed=drift.changed,
            message=verdict(drift),
            notes=notes(drift),
            functions=tuple(
                FunctionView(
                    sentence=sentence(each, drift.first, drift.second),
                    facts=facts(each, drift.first, drift.second),
                )
                for each in told
            ),
            record=_recorded(drift),
        )

    def _side(self, run_id: str) -> Side:
        """Read one run, its document and its journal."""
        view = self._view_of(run_id)
        run = self._planned(run_id)
        if is_removed(run):
            raise RunError(
                f"the record of run {run_id} was removed by `stratum gc`: there is nothing to compare",
                remedy=f"what is left of it: {self._settings.command('show', run_id)}",
            )
        record = self._control.plan(run.plan_id).record
        program = _program(run, record)
        flow, models = str(record["flow"]), cast("Mapping[str, str]", record["models"])
        counting = Counting(program, flow, models)
        with RunReader.open(self._settings.state_dir, run_id) as reader:
            _count(reader, counting)
        figures = counting.figures()
        registry = cast("Mapping[str, Mapping[str, JsonValue]]", record["registry"])
        options = cast("Mapping[str, JsonValue]", record["options"])
        bindings = cast("list[Mapping[str, JsonValue]]", record["bindings"])
        return Side(
            run_id=run_id,
            plan_id=run.plan_id,
            state=view.state,
            live=view.live,
            created_at_ms=run.created_at_ms,
            name=program.name,
            ir_hash=program.ir_hash,
            flow=flow,
            data={str(bound["name"]): str(bound["sha256"]) for bound in bindings},
            options={name: value for name, value in options.items() if name not in _NO_MATTER},
            endpoints=cast("Mapping[str, str]", record["endpoints"]),
            price_version=str(record["price_version"]),
            nusd=view.charged_nusd,
            simulated=view.simulated,
            census=view.census,
            elsewhere=counting.elsewhere,
            definitions=define(
                program,
                flow,
                models=models,
                code={name: str(file["sha256"]) for name, file in registry.items()},
                held={name: each.held_to_schema for name, each in figures.items()},
            ),
            figures=figures,
        )

    def _planned(self, run_id: str) -> RunRecord:
        """Return the row of a run that can be shown: one of a plan has one.

        Raises:
            RunError: It is of a flow in Python.
        """
        try:
            return self._control.run(run_id)
        except RunError as unplanned:
            raise RunError(
                f"run {run_id} is of a flow in Python: its record does not hold what its functions were",
                remedy="compare runs of plans; `stratum runs` lists them with their plans",
            ) from unplanned


def _recorded(drift: Drift) -> dict[str, JsonValue]:
    """Return the comparison as JSON, with its sentences."""
    record = drift.to_json()
    record["functions"] = [
        {**each.to_json(), "summary": sentence(each, drift.first, drift.second)} for each in drift.functions
    ]
    return record


def _program(run: RunRecord, record: Mapping[str, JsonValue]) -> Program:
    """Return the document of a run's plan.

    Raises:
        PlanError: It is not the plan that was approved, or another version made or reads it.
    """
    try:
        require_as_approved(
            record,
            plan_hash=run.plan_hash,
            cap_nusd=run.planned_cap_nusd,
            price_version=str(record.get("price_version")),  # prices of now are not looked at
        )
    except PlanError as fault:
        raise PlanError(f"run {run.run_id} is not compared: {fault.message}", remedy=fault.remedy) from fault
    limits = cast("Mapping[str, JsonValue]", record["limits"])
    names = frozenset(cast("list[str]", limits["compute_registry"]))
    program = check(str(record["text"]), limits=Limits(compute_registry=names)).program
    if program is None or program.ir_hash != record["ir_hash"]:
        raise PlanError(
            f"this version reads the document of run {run.run_id} differently from the one that ran it",
            remedy="compare the runs with the version that made them",
        )
    return program


def _count(reader: RunReader, counting: Counting) -> None:
    """Count every event there is now, some at a time."""
    last = 0
    while page := reader.events(last, limit=_PAGE):
        for event in page:
            counting.take(event)
        last = page[-1].seq
