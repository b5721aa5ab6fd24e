"""Figures: how the calls of each function went, counted from a run's events.

Events are taken one by one in their order. A call is forgotten as soon as its answer was accepted, so that a run of
any length is counted in little memory. Only how an attempt ended is looked at; no text that was sent or came back is
kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.drift._places import Place, Places
from stratum_core.journal import ACCEPTED, REJECTED, TAKEN, JournalEvent
from stratum_core.specs import ComputeSpec, InferSpec, Program

__all__ = ["Counting", "Figures"]

_ITERATION = re.compile(r"/it(\d+)")
_RIGHT = "accepted"
_KEPT_REQUESTS = 500


def _counter() -> Mapping[str, int]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the calls of one function went in one run."""

    calls: int = 0
    """Calls for which a model was asked."""
    reused: int = 0
    """Calls whose answer was taken from another run."""
    requests: int = 0
    """Requests that were sent and have ended, retries included."""
    answered: int = 0
    """Questions to which an answer came; each vote and each iteration is one."""
    right_at_first: int = 0
    """Of these, how many had their first answer accepted. A request that brought no answer is none."""
    retries: Mapping[str, int] = field(default_factory=_counter)
    """Requests beyond the first by class, and iterations beyond the first as `refine`."""
    unanswered: Mapping[str, int] = field(default_factory=_counter)
    """Calls without an accepted answer, by what the last request ended in."""
    under_way: int = 0
    """Calls with a request in flight, or cut off in flight and not yet counted by a new process."""
    nusd: int = 0
    """Nano-dollars charged; a request of which nobody knows the cost counts at its worst case."""
    tokens: int = 0
    """Charged in the same way."""
    input_tokens: int = 0
    """As the provider counted."""
    output_tokens: int = 0
    answered_by: Mapping[str, int] = field(default_factory=_counter)
    """Answers by the model that gave them, as the provider names it."""
    held_to_schema: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """By the model asked: whether the provider held it to the schema in every answer."""
    simulated: bool = False
    """Whether any answer came from the offline model: its dollars are not real."""
    sent: Mapping[str, str] = field(default_factory=dict[str, str])
    """The hash of the request by that of its question: of first requests, the first 500."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the figures as a flat JSON record."""
        return {
            "calls": self.calls,
            "reused": self.reused,
            "requests": self.requests,
            "answered": self.answered,
            "right_at_first": self.right_at_first,
            "right_at_first_share": self.right_at_first / self.answered if self.answered else None,
            "retries": dict(self.retries),
            "unanswered": dict(self.unanswered),
            "under_way": self.under_way,
            "nusd": self.nusd,
            "nusd_per_call": self.nusd / self.calls if self.calls else None,
            "tokens": self.tokens,
            "tokens_per_call": self.tokens / self.calls if self.calls else None,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "answered_by": dict(self.answered_by),
            "simulated": self.simulated,
        }


@dataclass(slots=True)
class _Question:
    """What was asked at one path: a call without votes and iterations is one question."""

    model: str
    """Who was asked last."""
    end: str = ""
    """How the last request ended."""
    first: str = ""
    """The attempt that brought the first answer."""
    right: bool = False
    """Whether that one was accepted."""


@dataclass(slots=True)
class _Call:
    """A call that has no accepted answer so far."""

    questions: dict[str, _Question] = field(default_factory=dict[str, _Question])
    open: int = 0

    def cause(self, spec: InferSpec) -> str:
        """Return why it has no answer."""
        bad = [question.end for question in self.questions.values() if question.end != _RIGHT]
        if bad:
            return bad[-1]
        return "not_converged" if spec.refine else "no_agreement" if spec.quorum else "not_judged"


@dataclass(slots=True)
class _Sums:
    """What is counted of one function."""

    spec: InferSpec
    tells: bool
    """Whether its accepted answers are written down."""
    calls: dict[str, _Call] = field(default_factory=dict[str, _Call])
    """By path; those that are not over."""
    over: int = 0
    reused: int = 0
    requests: int = 0
    answered: int = 0
    right: int = 0
    retries: Counter[str] = field(default_factory=Counter[str])
    nusd: int = 0
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    answered_by: Counter[str] = field(default_factory=Counter[str])
    held: dict[str, bool] = field(default_factory=dict[str, bool])
    simulated: bool = False
    sent: dict[str, str] = field(default_factory=dict[str, str])

    def fold(self, call: _Call) -> None:
        """Add what is known of a call's questions."""
        known = [question for question in call.questions.values() if question.first]
        self.answered += len(known)
        self.right += sum(question.right for question in known)
        told = (_ITERATION.search(path) for path in call.questions)
        self.retries["refine"] += max((int(found[1]) - 1 for found in told if found), default=0)


class Counting:
    """Counts the events of one run by function."""

    def __init__(self, program: Program, flow: str, models: Mapping[str, str]) -> None:
        """Begin with nothing.

        Args:
            program: The document that was run.
            flow: The flow that was run.
            models: The model asked first, by function.
        """
        self._program = program
        self._places = Places(program, flow)
        self._models = models
        self._sums: dict[str, _Sums] = {}
        self._pending: dict[str, tuple[Place, JournalEvent]] = {}
        """Requests in flight: the call, and the event of the intent."""
        self.elsewhere = 0
        """Requests at places where the document has no function."""

    def take(self, event: JournalEvent) -> None:
        """Count the next event."""
        call_id = str(event.data.get("call_id", ""))
        match event.kind:
            case "intent":
                self._begun(event, call_id)
            case "void":
                self._taken_back(call_id)
            case "answered" | "failed" | "possibly_paid":
                self._settled(event, call_id)
            case kind if kind == REJECTED:
                self._rejected(event, call_id)
            case kind if kind == ACCEPTED:
                self._accepted(event)
            case kind if kind == TAKEN:
                place = self._places.of(event.path)
                if place is not None and (sums := self._of(place.function)) is not None:
                    sums.reused += 1
            case _:
                pass

    def figures(self) -> dict[str, Figures]:
        """Return what was counted so far, by function."""
        return {name: _figures(sums) for name, sums in self._sums.items()}

    def _of(self, function: str) -> _Sums | None:
        spec = self._program.functions[function]
        if function not in self._sums and isinstance(spec, InferSpec):
            self._sums[function] = _Sums(spec, tells=_tells(self._program, spec))
        return self._sums.get(function)

    def _begun(self, event: JournalEvent, call_id: str) -> None:
        place = self._places.of(event.path)
        sums = None if place is None else self._of(place.function)
        if place is None or sums is None:
            self.elsewhere += 1
            return
        self._pending[call_id] = place, event
        sums.calls.setdefault(place.call, _Call()).open += 1

    def _taken_back(self, call_id: str) -> None:
        found = self._pending.pop(call_id, None)
        if found is None:
            return
        place = found[0]
        calls = self._sums[place.function].calls
        call = calls[place.call]
        call.open -= 1
        if not call.open and not call.questions:
            del calls[place.call]

    def _settled(self, event: JournalEvent, call_id: str) -> None:
        found = self._pending.pop(call_id, None)
        if found is None:
            return
        place, intent = found
        sums, path, model = self._sums[place.function], intent.path, str(intent.data["model"])
        call = sums.calls.setdefault(place.call, _Call(open=1))
        call.open -= 1
        question = call.questions.get(path)
        if question is None:
            question = call.questions[path] = _Question(self._models.get(place.function, model))
            if model != question.model:
                sums.retries["fallback"] += 1
            elif len(sums.sent) < _KEPT_REQUESTS:
                sums.sent.setdefault(str(intent.data["input_hash"]), str(intent.data["request_hash"]))
        else:
            sums.retries[_class_of(question, model)] += 1
        outcome = cast("Mapping[str, JsonValue]", event.data["outcome"])
        question.model, question.end = model, _end(event.kind, outcome)
        nusd, tokens, _ = cast("list[int]", event.data["usage"])
        sums.requests += 1
        sums.nusd += nusd
        sums.tokens += tokens
        if event.kind == "answered":
            if not question.first:
                question.first, question.right = call_id, question.end == _RIGHT
            _add_reply(sums, model, outcome)

    def _rejected(self, event: JournalEvent, call_id: str) -> None:
        place = self._places.of(event.path)
        sums = None if place is None else self._sums.get(place.function)
        call = None if place is None or sums is None else sums.calls.get(place.call)
        question = None if call is None else call.questions.get(event.path)
        if question is None:
            return
        question.end = "rejected"
        if question.first == call_id:
            question.right = False

    def _accepted(self, event: JournalEvent) -> None:
        place = self._places.of(event.path)
        sums = None if place is None else self._sums.get(place.function)
        call = None if place is None or sums is None else sums.calls.pop(place.call, None)
        if sums is not None and call is not None:
            sums.over += 1
            sums.fold(call)


def _figures(sums: _Sums) -> Figures:
    """Return the sums with the calls that are not over, or ended without an answer."""
    counted = _Sums(
        sums.spec, sums.tells, answered=sums.answered, right=sums.right, retries=Counter(sums.retries)
    )
    unanswered: Counter[str] = Counter()
    under_way = 0
    for call in sums.calls.values():
        counted.fold(call)
        if call.open:
            under_way += 1
        elif sums.tells or all(question.end != _RIGHT for question in call.questions.values()):
            unanswered[call.cause(sums.spec)] += 1
    return Figures(
        calls=sums.over + len(sums.calls),
        reused=sums.reused,
        requests=sums.requests,
        answered=counted.answered,
        right_at_first=counted.right,
        retries={name: count for name, count in sorted(counted.retries.items()) if count},
        unanswered=dict(sorted(unanswered.items())),
        under_way=under_way,
        nusd=sums.nusd,
        tokens=sums.tokens,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        answered_by=dict(sorted(sums.answered_by.items())),
        held_to_schema=dict(sorted(sums.held.items())),
        simulated=sums.simulated,
        sent=dict(sums.sent),
    )


def _tells(program: Program, spec: InferSpec) -> bool:
    """Return whether a run writes down that an answer was accepted: not where registered code decides it."""
    check = spec.refine.check if spec.refine else None
    found = None if check is None else program.functions.get(check)
    return not (isinstance(found, ComputeSpec) and found.python is not None)


def _class_of(question: _Question, model: str) -> str:
    """Return why a question was asked again, by how the request before ended."""
    if model != question.model:
        return "fallback"
    if question.end == "rejected":
        return "contract"
    return "transport" if question.end == "transport_error" else "resumed"


def _end(kind: str, outcome: Mapping[str, JsonValue]) -> str:
    """Return how a request ended; an answer counts as accepted until it is said not to be."""
    if outcome.get("kind") == "error":
        return str(outcome["code"])
    if kind != "answered":
        return "given_up" if outcome.get("kind") == "cut_off" else "lost"
    return {"length": "cut_off", "refusal": "refused"}.get(str(outcome.get("finish")), _RIGHT)


def _add_reply(sums: _Sums, model: str, outcome: Mapping[str, JsonValue]) -> None:
    """Add who answered, under which hold, and what the provider counted."""
    counted = outcome.get("usage")
    if isinstance(counted, Mapping):
        sums.input_tokens += cast("int", counted["input_tokens"])
        sums.output_tokens += cast("int", counted["output_tokens"])
    sums.answered_by[str(outcome["model"])] += 1
    sums.held[model] = sums.held.get(model, True) and outcome.get("enforcement") == "strict"
    sums.simulated = sums.simulated or outcome.get("simulated") is True
