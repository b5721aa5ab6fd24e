"""The options of a plan: what a person may decide about one run without changing the document."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias, cast

from stratum_core.budget import Budget
from stratum_core.contracts import (
    BoolType,
    EnumType,
    Field,
    FloatType,
    IntType,
    JsonValue,
    OptionalType,
    RecordType,
    StringType,
    Violation,
    validator,
)
from stratum_core.errors import PlanError
from stratum_core.money import Nusd, to_nusd
from stratum_core.specs import FlowSpec

__all__ = ["OPTION_NAMES", "PlanMode", "PlanOptions"]

PlanMode: TypeAlias = Literal["transient", "persistent"]
"""What stays of the job after its run: only the result, or also a Python module that does the same."""

_MAX_PATH_CHARS = 1_024
_MAX_ROWS = 10_000_000
_MAX_TOKENS = 10**12
_MAX_CALLS = 10**9
_RUN_ID = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

_SHAPE = RecordType(
    name="options",
    fields=(
        Field(name="model", type=OptionalType(StringType(min_length=1, max_length=200))),
        Field(name="mode", type=OptionalType(EnumType(("transient", "persistent")))),
        Field(name="rows", type=OptionalType(IntType(min=1, max=_MAX_ROWS))),
        Field(name="out", type=OptionalType(StringType(min_length=1, max_length=_MAX_PATH_CHARS))),
        Field(name="cap_usd", type=OptionalType(FloatType(min=0, max=1_000_000))),
        Field(name="cap_tokens", type=OptionalType(IntType(min=1, max=_MAX_TOKENS))),
        Field(name="cap_calls", type=OptionalType(IntType(min=1, max=_MAX_CALLS))),
        Field(name="background", type=OptionalType(BoolType())),
        Field(name="seed", type=OptionalType(IntType())),
        Field(name="reuse", type=OptionalType(StringType(pattern=_RUN_ID))),
    ),
)

OPTION_NAMES: tuple[str, ...] = _SHAPE.field_names
"""What a plan's options are called, in the order they are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What one run may differ in; every field has a default that asks for nothing."""

    model: str | None = None
    """For functions that name no model; `offline` stands in for every model. None: the operator's default."""
    mode: PlanMode = "transient"
    """`persistent`: when the run is done, the job is written as Python, named after its flow and beside its result."""
    rows: int | None = None
    """Only the first so many rows of each bound file (of each list given inline, when there is no file)."""
    out: str | None = None
    """The file the result goes to: csv, json or jsonl by its ending. None: the result is only returned."""
    cap_usd: Decimal | None = None
    """The most the run may cost. None: the plan proposes one, never above the flow's own budget."""
    cap_tokens: int | None = None
    """The most tokens the run may use, input and output together. None: the flow's own budget, if it has one."""
    cap_calls: int | None = None
    """The most requests the run may send, retries counted. None: the flow's own budget, if it has one."""
    background: bool = True
    """Whether the run goes on when the client that started it goes away."""
    seed: int | None = None
    """For the offline model, so that a demonstration can be repeated."""
    reuse: str | None = None
    """A run of the same state directory whose answers are taken wherever the same question is asked again."""

    @property
    def cap_nusd(self) -> Nusd | None:
        """The cap in nano-dollars."""
        return None if self.cap_usd is None else to_nusd(self.cap_usd)

    def counted_caps(self, flow: FlowSpec) -> Budget:
        """Return the caps of a run on tokens and requests: the smaller of the flow's own and what was asked for."""
        own = flow.budget or Budget()
        return Budget(tokens=_smaller(self.cap_tokens, own.tokens), calls=_smaller(self.cap_calls, own.calls))

    @classmethod
    def from_json(cls, value: JsonValue) -> PlanOptions:
        """Read options as a client sends them; null means the default.

        Raises:
            PlanError: With every fault in `detail["violations"]`, unknown names included.
        """
        empty: dict[str, JsonValue] = {}
        checked, faults = validator(_SHAPE).inspect(empty if value is None else value)
        if faults or not isinstance(checked, Mapping):
            listed = "; ".join(_told(fault) for fault in faults)
            raise PlanError(
                f"the plan's options are wrong: {listed}",
                remedy=f"the options are {', '.join(_SHAPE.field_names)}",
                detail={"violations": [fault.to_json() for fault in faults]},
            )
        chosen = cast("Mapping[str, str | int | float | bool | None]", checked)
        cap = chosen["cap_usd"]
        return cls(
            model=cast("str | None", chosen["model"]),
            mode=cast("PlanMode", chosen["mode"] or "transient"),
            rows=cast("int | None", chosen["rows"]),
            out=cast("str | None", chosen["out"]),
            cap_usd=None if cap is None else Decimal(str(cap)),
            cap_tokens=cast("int | None", chosen["cap_tokens"]),
            cap_calls=cast("int | None", chosen["cap_calls"]),
            background=chosen["background"] is not False,
            seed=cast("int | None", chosen["seed"]),
            reuse=cast("str | None", chosen["reuse"]),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the options as `from_json` reads them, defaults written out."""
        return {
            "model": self.model,
            "mode": self.mode,
            "rows": self.rows,
            "out": self.out,
            "cap_usd": None if self.cap_usd is None else float(self.cap_usd),
            "cap_tokens": self.cap_tokens,
            "cap_calls": self.cap_calls,
            "background": self.background,
            "seed": self.seed,
            "reuse": self.reuse,
        }


def _told(fault: Violation) -> str:
    """Return one fault of the options in words: which, what it must be and what it is."""
    _, _, wanted = fault.message.partition("expected ")
    if fault.path == "$":
        return f"they must be {wanted}; this is {fault.actual}"
    if not wanted:
        close = difflib.get_close_matches(fault.path, OPTION_NAMES, n=1)
        return f"there is no option `{fault.path}`" + (f" (did you mean `{close[0]}`?)" if close else "")
    return f"`{fault.path}` must {'have' if 'character' in wanted else 'be'} {wanted}; it is {fault.actual}"


def _smaller(one: int | None, other: int | None) -> int | None:
    """Return the smaller of two caps; None is no cap."""
    return min((cap for cap in (one, other) if cap is not None), default=None)
