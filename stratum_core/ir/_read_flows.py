"""Reads flows and their steps."""

from __future__ import annotations

from typing import Literal

from stratum_core.ir._document import INVALID, VERBS, Flow, Invalid, Step, VerbName
from stratum_core.ir._positions import Path
from stratum_core.ir._read_functions import read_returns
from stratum_core.ir._read_types import read_budget, read_parameters, read_type
from stratum_core.ir._read_verbs import (
    read_await_human,
    read_concurrency,
    read_debate,
    read_parallel,
    read_race,
)
from stratum_core.ir._reader import Keys, Reader, shown
from stratum_core.ir._require import WHOLE_PERCENT, share_percent
from stratum_core.ir._words import listed
from stratum_core.ir._yaml import Raw

__all__ = ["read_flow"]

_MAX_REQUIRED = 1_000_000
_FLOW = Keys(
    what="a flow", required=("output", "steps", "return"), optional=("description", "input", "budget")
)
_STEP = Keys(
    what="a step",
    required=("id",),
    optional=(
        "description",
        "when",
        "validate",
        "for_each",
        "concurrency",
        "require",
        "on_error",
        "after",
        "inputs",
        *VERBS,
    ),
)


def read_flow(reader: Reader, raw: Raw, path: Path) -> Flow | Invalid:
    """Return a flow."""
    data = reader.record(raw, path, _FLOW)
    if data is None:
        return INVALID
    return Flow(
        description=reader.text(data, path, "description"),
        input=read_parameters(reader, data, path),
        output=read_type(reader, data.get("output", INVALID), (*path, "output")),
        budget=read_budget(reader, data, path),
        steps=_read_steps(reader, data, path),
        return_=read_returns(reader, data, path, "return"),
    )


def _read_steps(reader: Reader, data: dict[str, Raw], path: Path) -> tuple[Step | Invalid, ...]:
    """Return the steps, at the places where the document has them."""
    raw = data.get("steps", INVALID)
    here = (*path, "steps")
    if isinstance(raw, list):
        if not raw:
            reader.report("E123", here, "the flow has no steps", "give it at least one", key=True)
        return tuple(_read_step(reader, step, (*here, index)) for index, step in enumerate(raw))
    if raw is not INVALID:
        hint = "write each step as a list item:  - id: name" if isinstance(raw, dict) else ""
        reader.wrong(raw, here, "a list of steps", hint)
    return ()


def _read_step(reader: Reader, raw: Raw, path: Path) -> Step | Invalid:
    """Return a step."""
    data = reader.record(raw, path, _STEP)
    if data is None:
        return INVALID
    repeats = "for_each" in data
    verb = _verb(reader, data, path)
    _refuse_misplaced(reader, data, path, verb)
    return Step(
        id=reader.step_id(data, path),
        description=reader.text(data, path, "description"),
        when=reader.expression(data, path, "when"),
        for_each=reader.expression(data, path, "for_each"),
        validate_=reader.expression(data, path, "validate"),
        concurrency=read_concurrency(reader, data, path),
        require=_read_require(reader, data, path) if repeats else "all",
        on_error=_read_on_error(reader, data, path, repeats=repeats),
        after=reader.texts(data, path, "after"),
        verb=verb,
        function=reader.text_or_none(data, path, "function"),
        flow=reader.text_or_none(data, path, "flow"),
        inputs=reader.arguments(data, path, "inputs"),
        compute=reader.expression(data, path, "compute"),
        parallel=read_parallel(reader, data, path) if "parallel" in data else None,
        race=read_race(reader, data, path) if "race" in data else None,
        debate=read_debate(reader, data, path) if "debate" in data else None,
        await_human=read_await_human(reader, data, path) if "await_human" in data else None,
    )


def _verb(reader: Reader, data: dict[str, Raw], path: Path) -> VerbName | Invalid:
    """Return the one verb of a step."""
    present: list[VerbName] = [verb for verb in VERBS if verb in data]
    if len(present) == 1:
        verb = present[0]
        return verb if data[verb] is not None else INVALID
    if present:
        second = present[1]
        reader.report(
            "E119",
            (*path, second),
            f"a step needs exactly one of {listed(VERBS)}; this one has {listed(present)}",
            "make each its own step",
            key=True,
        )
    else:
        reader.report("E119", path, f"a step needs exactly one of {listed(VERBS)}; this one has none")
    return INVALID


def _refuse_misplaced(reader: Reader, data: dict[str, Raw], path: Path, verb: VerbName | Invalid) -> None:
    """Report modifiers that mean nothing on this step."""
    misplaced: list[tuple[str, str]] = []
    if "for_each" not in data:
        misplaced += [(key, "a step with for_each") for key in ("concurrency", "require") if key in data]
        if "validate" in data and verb not in ("parallel", INVALID):
            misplaced.append(("validate", "a step with for_each or parallel"))
    if "inputs" in data and verb not in ("function", "flow", INVALID):
        misplaced.append(("inputs", "a step with function or flow"))
    for key, owner in misplaced:
        hint = ""
        if verb == "parallel" and key != "inputs":
            hint = f"put `{key}` inside parallel"
        elif key == "inputs" and verb == "compute":
            hint = "an expression reads `input` and earlier steps by name; remove `inputs`"
        reader.report("E120", (*path, key), f"`{key}` belongs to {owner}", hint, key=True)


def _read_require(reader: Reader, data: dict[str, Raw], path: Path) -> int | str:
    """Return how many items must succeed, shares in one spelling."""
    raw = data.get("require", "all")
    if raw == "all":
        return "all"
    here = (*path, "require")
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        count = reader.integer(data, path, "require", 0, _MAX_REQUIRED)
        return "all" if count is None else count
    percent = share_percent(raw) if isinstance(raw, str) else None
    if percent is not None:
        return _share(percent)
    if raw is not INVALID:
        hint = 'write `all`, a count such as 3, or a share such as "95%"'
        fix = reader.positions.replace(here, "1") if raw == "any" else None
        if raw == "any":
            hint = "one success is enough: 1"
        reader.report(
            "E116",
            here,
            f"`require` of a for_each must be all, a count or a share, not {shown(raw)}",
            hint,
            fix=fix,
        )
    return "all"


def _share(percent: float) -> int | str:
    """Return a share in its one spelling; everything is `all` and nothing is 0."""
    if percent == WHOLE_PERCENT:
        return "all"
    return f"{percent:g}%" if percent else 0


def _read_on_error(
    reader: Reader, data: dict[str, Raw], path: Path, *, repeats: bool
) -> Literal["fail", "drop", "none", "keep"]:
    """Return what a failure leaves."""
    if repeats:
        if data.get("on_error") == "fail":
            reader.report(
                "E116",
                (*path, "on_error"),
                "`on_error: fail` belongs to a single step; this one has for_each",
                "leave it out: `require: all`, the default, fails the step when an item fails",
            )
            return "drop"
        return reader.word(data, path, "on_error", ("drop", "none", "keep"), "drop")
    if data.get("on_error") in ("drop", "keep"):
        reader.report(
            "E120",
            (*path, "on_error"),
            f"`on_error: {data['on_error']}` belongs to a step with for_each",
            "a single step has `fail` (default) or `none` (null in its place)",
        )
        return "none"
    return reader.word(data, path, "on_error", ("fail", "none"), "fail")
