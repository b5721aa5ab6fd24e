"""The comparison of two runs: which parts of each function differ, and what differs around them.

Pure: what the two runs were and did comes in as values. Nothing here says whether a difference is good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue, content_hash
from stratum_core.drift._definitions import Definition, PartName
from stratum_core.drift._figures import Figures
from stratum_core.money import to_usd

__all__ = ["Around", "Drift", "FunctionDrift", "Side", "compare"]

Around: TypeAlias = Literal["name", "document", "flow", "data", "options", "endpoints", "prices"]
"""What can differ around the functions of two runs."""

_NO_FIGURES = Figures()
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs."""

    run_id: str
    plan_id: str
    state: str
    live: bool
    """Whether a runner works on it now."""
    created_at_ms: int
    """Milliseconds since the Unix epoch."""
    name: str
    """Of the document; empty when it has none."""
    ir_hash: str
    flow: str
    data: Mapping[str, str]
    """The digest of each input, by its name."""
    options: Mapping[str, JsonValue]
    """Those that can change what a run does."""
    endpoints: Mapping[str, str]
    """The address of each provider that was reached elsewhere than at its own."""
    price_version: str
    nusd: int
    """What was charged in all, in nano-dollars."""
    simulated: bool
    census: Mapping[str, JsonValue]
    """As the run wrote it at its end; empty before that."""
    elsewhere: int = 0
    """Requests at places where the document has no function."""
    definitions: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    figures: Mapping[str, Figures] = field(default_factory=dict[str, Figures])

    @property
    def over(self) -> bool:
        """Whether it came to its end with a result."""
        return not self.live and self.state.startswith("completed")

    def part(self, name: Around) -> JsonValue:
        """Return one of the things around the functions."""
        parts: dict[Around, JsonValue] = {
            "name": self.name,
            "document": self.ir_hash,
            "flow": self.flow,
            "data": dict(self.data),
            "options": dict(self.options),
            "endpoints": dict(self.endpoints),
            "prices": self.price_version,
        }
        return parts[name]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the run as a flat JSON record."""
        told = ("items_done", "items_failed", "failed_by_cause", "retries", "calls_possibly_paid")
        return {
            "run_id": self.run_id,
            "plan_id": self.plan_id,
            "state": self.state,
            "live": self.live,
            "name": self.name,
            "ir_hash": self.ir_hash,
            "flow": self.flow,
            "data": dict(self.data),
            "options": dict(self.options),
            "endpoints": dict(self.endpoints),
            "price_version": self.price_version,
            "nusd": self.nusd,
            "usd": str(to_usd(self.nusd)),
            "simulated": self.simulated,
            **{name: self.census.get(name) for name in told},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDrift:
    """One function in the two runs; None where a run does not have it."""

    function: str
    first: Definition | None
    second: Definition | None
    first_figures: Figures = _NO_FIGURES
    second_figures: Figures = _NO_FIGURES
    changed: tuple[PartName, ...] = ()
    """The parts that differ, in the order of `Definition.parts`."""
    also_named: str = ""
    """For a function of one run only: the function of the other run that has its hash."""

    @property
    def in_both(self) -> bool:
        """Whether both runs have it."""
        return self.first is not None and self.second is not None

    @property
    def asks(self) -> bool:
        """Whether it asks a model."""
        return any(side is not None and side.mode == "infer" for side in (self.first, self.second))

    def values(self, part: PartName) -> tuple[JsonValue, JsonValue]:
        """Return a part as it was and as it is."""
        if part == "answered_by":
            return list(self.first_figures.answered_by), list(self.second_figures.answered_by)
        if part == "requests":
            return _requests(self.first_figures, self.second_figures)
        return (
            None if self.first is None else self.first.parts.get(part),
            None if self.second is None else self.second.parts.get(part),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the comparison as a JSON record."""
        found = "both" if self.in_both else "second" if self.first is None else "first"
        return {
            "function": self.function,
            "in": found,
            "changed": list(self.changed),
            "also_named": self.also_named,
            "first": _told(self.first, self.first_figures),
            "second": _told(self.second, self.second_figures),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What changed between two runs."""

    first: Side
    second: Side
    around: tuple[Around, ...]
    """What differs around the functions."""
    functions: tuple[FunctionDrift, ...]
    """In the order of the first run, then those of the second alone."""

    @property
    def related(self) -> bool:
        """Whether any function is in both."""
        return any(each.in_both for each in self.functions)

    @property
    def changed(self) -> bool:
        """Whether any function, or the document, is another."""
        functions = any(each.changed or not each.in_both for each in self.functions)
        return functions or bool({"document", "flow"} & {*self.around})

    def to_json(self) -> dict[str, JsonValue]:
        """Return the comparison as a JSON record."""
        return {
            "changed": self.changed,
            "around": list(self.around),
            "first": self.first.to_json(),
            "second": self.second.to_json(),
            "functions": [each.to_json() for each in self.functions],
        }


def compare(first: Side, second: Side) -> Drift:
    """Return what changed from one run to the other; a function is the same one by its name."""
    names = dict.fromkeys((*first.definitions, *second.definitions))
    around: tuple[Around, ...] = ("name", "document", "flow", "data", "options", "endpoints", "prices")
    return Drift(
        first=first,
        second=second,
        around=tuple(part for part in around if first.part(part) != second.part(part)),
        functions=tuple(_function(name, first, second) for name in names),
    )


def _function(name: str, first: Side, second: Side) -> FunctionDrift:
    was, now = first.definitions.get(name), second.definitions.get(name)
    figures = first.figures.get(name, _NO_FIGURES), second.figures.get(name, _NO_FIGURES)
    return FunctionDrift(
        function=name,
        first=was,
        second=now,
        first_figures=figures[0],
        second_figures=figures[1],
        changed=_changed(was, now, *figures) if was is not None and now is not None else (),
        also_named=_same_hash(name, first, second) if was is None or now is None else "",
    )


def _changed(was: Definition, now: Definition, then: Figures, since: Figures) -> tuple[PartName, ...]:
    """Return the parts that differ; who answered only where somebody answered in both runs.

    Where no part differs, equal questions were sent as equal requests, unless another version of Stratum made them.
    """
    parts = tuple(dict.fromkeys((*was.parts, *now.parts)))
    changed: list[PartName] = [part for part in parts if was.parts.get(part) != now.parts.get(part)]
    if not changed:
        before, after = _requests(then, since)
        if before != after:
            changed.append("requests")
    if then.answered_by and since.answered_by and {*then.answered_by} != {*since.answered_by}:
        changed.append("answered_by")
    return tuple(changed)


def _requests(first: Figures, second: Figures) -> tuple[str, str]:
    """Return a hash over the requests of the questions that both runs have asked, as each sent them."""
    both = sorted(question for question in first.sent if question in second.sent)
    was, now = (content_hash([figures.sent[question] for question in both]) for figures in (first, second))
    return was[:_SHORT], now[:_SHORT]


def _same_hash(name: str, first: Side, second: Side) -> str:
    """Return the function of the other run alone that has the hash of one that this run alone has; empty: none."""
    own, other = (first, second) if name in first.definitions else (second, first)
    wanted = own.definitions[name].function_hash
    only_there = (each for each in other.definitions.values() if each.function not in own.definitions)
    return next((each.function for each in only_there if each.function_hash == wanted), "")


def _told(definition: Definition | None, figures: Figures) -> JsonValue:
    if definition is None:
        return None
    asked = figures.to_json() if definition.mode == "infer" else None
    return {**definition.to_json(), "figures": asked}
