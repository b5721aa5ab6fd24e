"""The plan: everything one approval covers, as a value, as a stored record, and opened again by the runner.

`plan_hash` covers the meaning of the document, the flow, the data by digest, the options, the limits, the
models and the price snapshot. A record that was changed, or whose files were, does not open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from stratum_core.budget import PossiblyPaid
from stratum_core.checks import Limits, check
from stratum_core.contracts import JsonValue, content_hash
from stratum_core.errors import InputError, PlanError
from stratum_core.money import Nusd
from stratum_core.plan._bind import BindLimits, BoundInput, bind_inputs, binding_record
from stratum_core.plan._estimate import Estimate
from stratum_core.plan._files import Roots
from stratum_core.plan._models import with_models
from stratum_core.plan._module import PlannedModule, read_module_record
from stratum_core.plan._options import PlanOptions
from stratum_core.registry import registry_record, reopen_registered
from stratum_core.specs import Program, RegisteredFunction

__all__ = ["CapSource", "Plan", "ReopenedPlan", "plan_hash_of", "reopen", "require_as_approved"]

CapSource: TypeAlias = Literal["option", "flow", "proposed"]
"""Who set the cap: the request, the flow's own budget, or the planner where that is lower or there is none."""

_FORMAT = 2
_UNLIMITED = BindLimits(max_rows=1 << 40, max_file_bytes=1 << 40)
"""For files whose digest must be that of one that was within the operator's limits."""
_HASHED = (
    "ir_hash",
    "flow",
    "bindings",
    "options",
    "out",
    "reused",
    "limits",
    "models",
    "endpoints",
    "price_version",
    "registry",
    "roots",
    "cap_nusd",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked document with its data, priced: what a person says yes or no to."""

    id: str
    """`plan_` and 12 hex; new for every plan, so that a "no" is final for the one it answered."""
    plan_hash: str
    """64 hex over everything an approval covers."""
    text: str
    """The document as given."""
    program: Program
    """With the model of every reachable function written in."""
    flow: str
    inputs: tuple[BoundInput, ...]
    options: PlanOptions
    out: Path | None
    """Where the result goes, links resolved."""
    module: PlannedModule | None
    """The job as Python, for the option `mode: persistent`."""
    reused: Mapping[str, JsonValue] | None
    """The run whose answers are taken, with the number and hash of its last event; None when there is none."""
    models: Mapping[str, str]
    """Function -> model, for every reachable infer function."""
    endpoints: Mapping[str, str]
    """Provider -> address, where the environment sends its requests elsewhere than to the provider."""
    price_version: str
    registry: Mapping[str, RegisteredFunction]
    """The operator's Python functions it reaches, with the digests of their files."""
    limits: Mapping[str, JsonValue]
    """The operator's limits it was made under."""
    roots: tuple[str, ...]
    estimate: Estimate
    cap_nusd: Nusd
    cap_source: CapSource
    simulated: bool
    """True when the offline model answers: its dollars are not real."""
    uses_allowance: bool
    """True when every model is behind the person's own login: its dollars are list prices."""
    summary: str
    """Plain words, cost last: at most 20 lines of 90 columns, safe to show in any dialog."""
    question: str
    """The same as a dialog asks it: at most four lines of 76 columns, the price last."""
    warnings: tuple[str, ...]
    diagnostics: tuple[Mapping[str, JsonValue], ...]
    """Warnings and notes about the document."""
    created_at: datetime
    expires_at: datetime

    @property
    def at_most_nusd(self) -> Nusd:
        """The most the run can cost: the cap, or the worst case when that is lower."""
        return Nusd(min(self.cap_nusd, self.estimate.worst.nusd))

    @property
    def values(self) -> dict[str, JsonValue]:
        """The flow's input values by name."""
        return {bound.name: bound.value for bound in self.inputs}

    @property
    def counts(self) -> dict[str, int]:
        """Items of each input that is a list."""
        return {bound.name: bound.count for bound in self.inputs if bound.count is not None}

    @property
    def items(self) -> int:
        """Rows bound to the plan; of files when there are any, else of lists given inline."""
        files = [bound.count or 0 for bound in self.inputs if bound.file is not None]
        return sum(files) or sum(self.counts.values())

    def to_record(self) -> dict[str, JsonValue]:
        """Return the plan as a JSON record; file rows are not copied, `reopen` reads them again."""
        kept: dict[str, JsonValue] = {} if self.module is None else {"module": self.module.to_record()}
        return {
            **kept,
            "format": _FORMAT,
            "id": self.id,
            "plan_hash": self.plan_hash,
            "text": self.text,
            "ir_hash": self.program.ir_hash,
            "flow": self.flow,
            "bindings": [binding_record(bound) for bound in self.inputs],
            "options": self.options.to_json(),
            "out": None if self.out is None else str(self.out),
            "reused": None if self.reused is None else dict(self.reused),
            "limits": dict(self.limits),
            "models": dict(self.models),
            "endpoints": dict(self.endpoints),
            "price_version": self.price_version,
            "registry": {**registry_record(self.registry)},
            "roots": list(self.roots),
            "cap_nusd": self.cap_nusd,
            "cap_source": self.cap_source,
            "at_most_nusd": self.at_most_nusd,
            "figures": self.estimate.to_json(),
            "counts": dict(self.counts),
            "items": self.items,
            "simulated": self.simulated,
            "summary": self.summary,
            "question": self.question,
            "warnings": list(self.warnings),
            "diagnostics": [dict(item) for item in self.diagnostics],
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenedPlan:
    """What a runner needs of a stored plan."""

    id: str
    plan_hash: str
    program: Program
    flow: str
    inputs: Mapping[str, JsonValue]
    """A checked value for each of the flow's parameters."""
    from_files: frozenset[str]
    """The parameters whose value was read from a file."""
    models: Mapping[str, str]
    """Function -> model, for every reachable infer function."""
    registry: Mapping[str, RegisteredFunction]
    """The operator's Python functions it reaches, with the digests of their files."""
    endpoints: Mapping[str, str]
    """Provider -> address, for providers that are reached elsewhere than at their own."""
    default_model: str
    """Of no consequence: every reachable function names its model. Empty when no model is called."""
    options: PlanOptions
    out: Path | None
    module: PlannedModule | None
    """What is written beside the result when the run is done."""
    reused: Mapping[str, JsonValue] | None
    """The pin of the run whose answers are taken; `reopen_reused` reads them."""
    roots: tuple[str, ...]
    """Folders the plan was made for; `out` lies in one of them."""
    possibly_paid: PossiblyPaid
    """The operator's rule for calls that may have been paid for, as the plan was approved with it."""
    cap_nusd: Nusd


def plan_hash_of(record: Mapping[str, JsonValue]) -> str:
    """Return 64 hex over the parts of a record that an approval covers."""
    module = record.get("module")
    return content_hash(
        {**{name: record.get(name) for name in _HASHED}, **({} if module is None else {"module": module})}
    )


def require_as_approved(
    record: Mapping[str, JsonValue], *, plan_hash: str, cap_nusd: int | None, price_version: str
) -> None:
    """Refuse a record that is not the one a yes was given to, or whose prices are not those of now.

    Args:
        record: From `Plan.to_record`.
        plan_hash: What the approval or the run binds.
        cap_nusd: The cap it binds.
        price_version: Of the price table the run would use.

    Raises:
        PlanError: One of them differs; nothing may be spent.
    """
    _require_format(record)
    if plan_hash_of(record) != plan_hash or record["cap_nusd"] != cap_nusd:
        raise PlanError(
            "the stored plan was changed after it was approved; nothing was called",
            remedy="plan again, and look at what has access to the state directory",
        )
    if record["price_version"] != price_version:
        raise PlanError(
            f"prices changed since the plan was made ({record['price_version']} then, {price_version} now), so its cap "
            "would not hold; nothing was called",
            remedy="plan again, or put the prices back as they were",
            detail={"planned": str(record["price_version"]), "found": price_version},
        )


def reopen(
    record: Mapping[str, JsonValue],
    *,
    roots: Roots | None = None,
) -> ReopenedPlan:
    """Open a stored plan: check its document again and read its files again.

    Args:
        record: From `Plan.to_record`.
        roots: Where files may lie now; None: where they were allowed to lie.

    Raises:
        PlanError: The record, a file or registered code was changed, a file is gone, or another version made the plan.
    """
    fields = _Fields(record)
    _require_format(record)
    plan_hash = fields.text("plan_hash")
    if plan_hash_of(record) != plan_hash:
        raise PlanError("the stored plan was changed after it was made", remedy="plan again")
    planned = cast("Mapping[str, JsonValue]", record["limits"])
    names = frozenset(cast("Sequence[str]", planned["compute_registry"]))
    checked = check(fields.text("text"), limits=Limits(compute_registry=names))
    program = checked.program
    if program is None or program.ir_hash != fields.text("ir_hash"):
        raise PlanError("this version reads the plan's document differently", remedy="plan again")
    models = cast("Mapping[str, str]", record["models"])
    options = PlanOptions.from_json(record["options"])
    flow = fields.text("flow")
    where = roots or Roots(*cast("Sequence[str]", record["roots"]))
    bindings = cast("Sequence[Mapping[str, JsonValue]]", record["bindings"])
    program = with_models(program, models)
    out = record["out"]
    return ReopenedPlan(
        id=fields.text("id"),
        plan_hash=plan_hash,
        program=program,
        flow=flow,
        inputs=_reread(program, flow, bindings, where, options.rows),
        from_files=frozenset(str(item["name"]) for item in bindings if item["kind"] == "file"),
        models=dict(models),
        registry=reopen_registered(cast("Mapping[str, Mapping[str, JsonValue]]", record["registry"])),
        endpoints=cast("Mapping[str, str]", record["endpoints"]),
        default_model=next(iter(models.values()), ""),
        options=options,
        out=None if out is None else Path(str(out)),
        module=read_module_record(record.get("module")),
        reused=cast("Mapping[str, JsonValue] | None", record["reused"]),
        roots=tuple(cast("Sequence[str]", record["roots"])),
        possibly_paid=cast("PossiblyPaid", planned.get("possibly_paid", "retry")),
        cap_nusd=Nusd(int(str(record["cap_nusd"]))),
    )


def _require_format(record: Mapping[str, JsonValue]) -> None:
    """Refuse a record of another version: what its hash covers is not known."""
    if record.get("format") != _FORMAT:
        raise PlanError("this plan was stored by another version", remedy="plan again")


class _Fields:
    """Typed reads of a record."""

    def __init__(self, record: Mapping[str, JsonValue]) -> None:
        self.get = record.get

    def text(self, name: str) -> str:
        """Return a text field; anything else means that the record is not a plan."""
        value = self.get(name)
        if not isinstance(value, str):
            raise PlanError(f"the stored plan has no {name}", remedy="plan again")
        return value


def _reread(
    program: Program,
    flow: str,
    bindings: Sequence[Mapping[str, JsonValue]],
    roots: Roots,
    rows: int | None,
) -> dict[str, JsonValue]:
    """Return the input values, files read again and compared with their digests."""
    inputs: dict[str, JsonValue] = {}
    for binding in bindings:
        name = str(binding["name"])
        if binding["kind"] == "inline":
            inputs[name] = binding["value"]
            continue
        path, shown = str(binding["path"]), str(binding["shown"])
        _compare(shown, str(binding["sha256"]), _digest_now(roots, path, shown))
        request: dict[str, JsonValue] = {"file": path, "format": binding["format"]}
        columns = cast("Mapping[str, JsonValue]", binding["columns"])
        if columns:
            request["columns"] = {name or "item": column for name, column in columns.items()}
        inputs[name] = request
    bound = bind_inputs(program.flows[flow].inputs, inputs, roots=roots, limits=_UNLIMITED, rows=rows)
    for binding, again in zip(bindings, bound, strict=True):
        if again.file is not None:
            _compare(str(binding["shown"]), str(binding["sha256"]), again.sha256)
    return {part.name: part.value for part in bound}


def _digest_now(roots: Roots, path: str, shown: str) -> str:
    """Return the digest of a file as it is now."""
    try:
        with roots.open(path, max_bytes=_UNLIMITED.max_file_bytes) as file:
            file.rest()
            return file.sha256
    except InputError as error:
        raise PlanError(
            f"{shown} cannot be read any more: {error.message}",
            remedy="put the file back, or plan again",
            detail={"file": shown},
        ) from None


def _compare(shown: str, planned: str, found: str) -> None:
    """Refuse a file that is not the one the plan was made with."""
    if found != planned:
        raise PlanError(
            f"{shown} was changed after the plan was made: it had the digest {planned[:12]}, now it has {found[:12]};"
            " nothing was called",
            remedy="plan again",
            detail={"file": shown, "planned_sha256": planned, "found_sha256": found},
        )
