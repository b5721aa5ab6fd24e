"""A request for a plan, held against its document: the flow, its models, its data and its output, or all that is wrong.

A fault in one part does not hide those of the others. Where the flow itself is in doubt, the others are looked at for
the one that was probably meant, or for what all that could be meant have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError
from stratum_core.plan._bind import BoundInput, bind_inputs
from stratum_core.plan._context import PlanContext
from stratum_core.plan._faults import Faults
from stratum_core.plan._models import check_models, choose_models
from stratum_core.plan._options import PlanOptions
from stratum_core.plan._reach import choose_flow, flow_meant, outermost_flows, reach_of
from stratum_core.registry import pin_registered
from stratum_core.specs import Program, RegisteredFunction

__all__ = ["Request", "read_request"]

_OUT_SUFFIXES = (".csv", ".json", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a plan is made of beside its document."""

    flow: str
    models: Mapping[str, str]
    """Function -> model, for every reachable infer function."""
    registry: Mapping[str, RegisteredFunction]
    inputs: tuple[BoundInput, ...]
    out: Path | None


def read_request(
    program: Program,
    flow: str | None,
    inputs: Mapping[str, JsonValue],
    options: PlanOptions,
    context: PlanContext,
) -> Request:
    """Return the request as the document needs it, with its files read.

    Raises:
        ConfigurationError: No model is configured.
        InputError: Data does not fit.
        PlanError: The flow, a model, registered code or the output cannot be. Whichever of these is met first carries
            all others.
    """
    parts = _Parts(program=program, inputs=inputs, options=options, context=context)
    faults = Faults()
    name = faults.of(partial(choose_flow, program, flow))
    if name is None:
        _look_on(parts, flow, faults)
        raise faults.error()
    bound = faults.of(partial(parts.bound, name))
    read = [part.file.path for part in bound or () if part.file]
    out = None if options.out is None else faults.of(partial(_output, options.out, context, read))
    registry = faults.of(partial(parts.registry, name))
    models = faults.of(
        partial(parts.models, name)
    )  # last, as its remedy ends with the model that is always there
    if bound is None or registry is None or models is None or faults:
        raise faults.error()
    return Request(flow=name, models=models, registry=registry, inputs=bound, out=out)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of a request that depend on its flow."""

    program: Program
    inputs: Mapping[str, JsonValue]
    options: PlanOptions
    context: PlanContext

    def bound(self, flow: str) -> tuple[BoundInput, ...]:
        """Return the data of a flow."""
        return bind_inputs(
            self.program.flows[flow].inputs,
            self.inputs,
            roots=self.context.roots,
            limits=self.context.bind_limits,
            rows=self.options.rows,
        )

    def registry(self, flow: str) -> dict[str, RegisteredFunction]:
        """Return the operator's functions a flow reaches, with their digests."""
        names = reach_of(self.program, flow).registered(self.program)
        return pin_registered(names, self.context.registry)

    def models(self, flow: str) -> dict[str, str]:
        """Return the model of each function a flow reaches, checked."""
        specs = reach_of(self.program, flow).infer(self.program)
        models = choose_models(specs, self.options.model, self.context.default_model)
        check_models(models, self.context)
        return models


def _look_on(parts: _Parts, flow: str | None, faults: Faults) -> None:
    """Find what is wrong whichever flow is meant."""
    meant = flow_meant(parts.program, flow)
    if meant is not None:
        faults.of(partial(parts.bound, meant))
    candidates = outermost_flows(parts.program) if meant is None else [meant]
    found = [Faults() for _ in candidates]
    for name, each in zip(candidates, found, strict=True):
        each.of(partial(parts.models, name))
    if found and all(found):
        faults.add(found[0])


def _output(text: str, context: PlanContext, read: Sequence[str]) -> Path:
    """Return where the result goes.

    Raises:
        PlanError: It would replace a file the plan reads, or its ending names no format.
    """
    out = context.roots.locate_output(text)
    if str(out) in read:
        raise PlanError(f"out: {text!r} is a file this plan reads", remedy="choose another path")
    if out.suffix.lower() not in _OUT_SUFFIXES:
        raise PlanError(
            f"out: {text!r} does not end in a format that can be written",
            remedy=f"end it in one of {', '.join(_OUT_SUFFIXES)}",
        )
    return out
