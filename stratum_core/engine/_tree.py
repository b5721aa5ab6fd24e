"""A run as a tree: its steps, their items, the calls in them, and the attempts of each call, from the journal alone.

The journal keeps attempts by the path of their call. A path is taken apart at `/` and `[`, so the tree has a level for
each step, item, branch, iteration and vote. What has no attempt and no decision of its own (a computed step) is not in
it. Money and time of a node are those of everything below it. A call whose answer equal calls share is kept under its
question, and stands under the first that asked it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from stratum_core.contracts import JsonValue
from stratum_core.engine._views import RunView
from stratum_core.errors import RunError
from stratum_core.journal import ASKED, REJECTED, TAKEN, JournalEvent, RecordedAttempt, RunReader
from stratum_core.money import to_usd

__all__ = ["NO_ORDER", "Order", "run_tree"]

_PART = re.compile(r"\[\d+\]|[^/\[]+")
_ITERATION = re.compile(r"it\d+")
_PAGE = 5_000
_UNKNOWN = "nobody knows whether it was billed, so it is counted as if it was"


class Order(Protocol):
    """In which order the parts of a path are told."""

    def rank(self, name: str) -> int:
        """Return the place of a part among its like."""
        ...

    def inside(self, name: str) -> Order:
        """Return the order inside a part."""
        ...


@dataclass(frozen=True, slots=True)
class _AsItHappened:
    """Leaves everything where it came."""

    def rank(self, name: str) -> int:
        """Return the same place for all."""
        del name
        return 0

    def inside(self, name: str) -> Order:
        """Return this."""
        del name
        return self


NO_ORDER: Order = _AsItHappened()
"""For what has no document: parts stand as they came."""


@dataclass(slots=True, kw_only=True)
class _Node:
    """One part of a path."""

    name: str
    path: str
    attempts: list[dict[str, JsonValue]] = field(default_factory=list[dict[str, JsonValue]])
    notes: list[JsonValue] = field(default_factory=list[JsonValue])
    """What was decided or taken over here, in words."""
    children: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    error: str = ""

    def child(self, name: str) -> _Node:
        """Return a part of this one."""
        if name not in self.children:
            joint = "" if name.startswith("[") or not self.path else "/"
            self.children[name] = _Node(name=name, path=f"{self.path}{joint}{name}")
        return self.children[name]


@dataclass(slots=True, kw_only=True)
class _Marks:
    """What events say of attempts, by call id: when they began and ended, and why they were not accepted."""

    began_ms: dict[str, int] = field(default_factory=dict[str, int])
    ended_ms: dict[str, int] = field(default_factory=dict[str, int])
    rejected: dict[str, str] = field(default_factory=dict[str, str])
    asked_at: dict[str, str] = field(default_factory=dict[str, str])
    """Where a question that calls share was asked first, by the path it is kept under."""


def run_tree(
    state_dir: Path, view: RunView, order: Order = NO_ORDER, *, failed_only: bool = False
) -> dict[str, JsonValue]:
    """Return a run's record as nested nodes.

    Each node has `name`, `path`, `state` (`ok`, `failed` or `open`), `nusd`, `usd` (exact, as text), `duration_ms`,
    `retries`, `error`, `notes`, `attempts` and `children`. The root has `run_state` too, and the receipt's retries.

    Args:
        state_dir: Where runs are kept.
        view: The run as it stands; its census names the first failures and counts the retries.
        order: Of the parts of each path.
        failed_only: Leave out what went well.
    """
    root = _Node(name=view.run_id, path="")
    try:
        reader = RunReader.open(state_dir, view.run_id)
    except RunError:  # it was never started
        return _told_root(root, view, order, failed_only=failed_only)
    marks = _Marks()
    with reader:
        for event in _events(reader):
            _mark(root, marks, event)
        for attempt in reader.attempts():
            if attempt.state != "void":
                path = marks.asked_at.get(attempt.path, attempt.path)
                _at(root, path).attempts.append(_attempt(attempt, marks))
    failures = view.census.get("failures")
    for failure in failures if isinstance(failures, list) else []:
        if isinstance(failure, Mapping):
            told = f"{failure.get('code')}: {failure.get('message')}"
            _at(root, str(failure.get("path"))).error = told
    return _told_root(root, view, order, failed_only=failed_only)


def _events(reader: RunReader) -> Iterable[JournalEvent]:
    """Yield every event, some at a time."""
    last = 0
    while page := reader.events(last, limit=_PAGE):
        yield from page
        last = page[-1].seq


def _mark(root: _Node, marks: _Marks, event: JournalEvent) -> None:
    """Take note of an event."""
    call_id = str(event.data.get("call_id", ""))
    match event.kind:
        case "intent":
            marks.began_ms[call_id] = event.at_ms
        case "answered" | "failed" | "possibly_paid":
            marks.ended_ms[call_id] = event.at_ms
        case kind if kind == REJECTED:
            marks.rejected[call_id] = str(event.data.get("reason", ""))
        case kind if kind == ASKED:
            marks.asked_at[event.path] = str(event.data.get("at", ""))
        case kind if kind == TAKEN:
            _at(root, marks.asked_at.get(event.path, event.path)).notes.append(
                "the answer was on record and not bought again"
            )
        case "decided":
            _at(root, event.path).notes.append(_decision(event.data))
        case _:
            pass


def _decision(data: Mapping[str, JsonValue]) -> str:
    """Return a decision on record in words."""
    if "review_id" not in data:
        return f"decided: {'; '.join(f'{name} {_said(value)}' for name, value in data.items())}"
    if data.get("lapsed"):
        return "nobody answered the question in time"
    who = data.get("reviewer") or ("nobody in time" if data.get("channel") == "timeout" else "a person")
    return f"answered by {who}: {_said(data.get('value'))}"


def _said(value: JsonValue) -> str:
    """Return a value as a person reads it: text as it is, texts side by side, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False)


def _at(root: _Node, path: str) -> _Node:
    """Return the node of a path; calls that share an answer stand under their question, in one part."""
    node = root
    for part in [path] if "@" in path else _PART.findall(path):
        node = node.child(part)
    return node


def _attempt(attempt: RecordedAttempt, marks: _Marks) -> dict[str, JsonValue]:
    """Return one attempt."""
    state, reason = _ended(attempt, marks)
    ends = marks.ended_ms.get(attempt.call_id)
    return {
        "number": attempt.attempt,
        "model": attempt.model,
        "state": state,
        "reason": reason,
        "nusd": attempt.usage.nusd,
        "usd": str(to_usd(attempt.usage.nusd)),
        "tokens": attempt.usage.tokens,
        "duration_ms": None if ends is None else max(0, ends - marks.began_ms.get(attempt.call_id, ends)),
    }


def _ended(attempt: RecordedAttempt, marks: _Marks) -> tuple[str, str]:
    """Return how an attempt ended, and why when it did not end well."""
    outcome = attempt.outcome
    if attempt.state == "open":
        return "open", ""
    if outcome.get("kind") == "error":
        reason = f"{outcome['code']}: {outcome['message']}"
        return (
            ("possibly_paid", f"{reason}; {_UNKNOWN}")
            if attempt.state == "possibly_paid"
            else ("failed", reason)
        )
    if attempt.state == "possibly_paid":
        return "possibly_paid", _UNKNOWN
    if outcome.get("finish") == "length":
        return "cut_off", "the answer was cut off at the output limit"
    if outcome.get("finish") == "refusal":
        return "refused", "the model declined to answer"
    why = marks.rejected.get(attempt.call_id)
    return ("answered", "") if why is None else ("rejected", why)


def _told_root(node: _Node, view: RunView, order: Order, *, failed_only: bool) -> dict[str, JsonValue]:
    """Return the whole run, with the state and the retries that its receipt tells."""
    told = {**_told(node, order, failed_only=failed_only), "run_state": view.state}
    counted = view.census.get("retries")
    if isinstance(counted, Mapping):
        told["retries"] = sum(count for count in counted.values() if isinstance(count, int))
    return told


def _told(node: _Node, order: Order, *, failed_only: bool) -> dict[str, JsonValue]:
    """Return a node with everything below it."""
    below = [
        _told(
            child, order if child.name.startswith("[") else order.inside(child.name), failed_only=failed_only
        )
        for child in _in_order(node, order)
    ]
    parts = [*node.attempts, *below]
    last = node.attempts[-1]["state"] if node.attempts else "answered"
    bad = (
        bool(node.error)
        or last not in {"answered", "open"}
        or any(part["state"] == "failed" for part in below)
    )
    under_way = last == "open" or any(part["state"] == "open" for part in below)
    nusd = sum(cast("int", part["nusd"]) for part in parts)
    kept = [part for part in below if part["state"] == "failed"] if failed_only else below
    return {
        "name": node.name,
        "path": node.path,
        "state": "failed" if bad else "open" if under_way else "ok",
        "nusd": nusd,
        "usd": str(to_usd(nusd)),
        "duration_ms": sum(cast("int", part["duration_ms"] or 0) for part in parts),
        "retries": _retries(node) + sum(cast("int", part["retries"]) for part in below),
        "error": node.error,
        "notes": list(node.notes),
        "attempts": list[JsonValue](node.attempts),
        "children": list[JsonValue](kept),
    }


def _retries(node: _Node) -> int:
    """Return how often it was asked again here: after an attempt that ended, or for a better answer.

    An attempt that a crash cut off is none, as in the receipt: nobody decided to ask again.
    """
    again = sum(
        attempt["state"] != "possibly_paid" or attempt["reason"] != _UNKNOWN for attempt in node.attempts[:-1]
    )
    iterations = sum(_ITERATION.fullmatch(name) is not None for name in node.children)
    return again + max(0, iterations - 1)


def _in_order(node: _Node, order: Order) -> list[_Node]:
    """Return the parts of a node: in the order of the document, then as they came; items by their index."""

    def place(child: _Node) -> tuple[int, int]:
        return (1, int(child.name[1:-1])) if child.name.startswith("[") else (0, order.rank(child.name))

    return sorted(node.children.values(), key=place)
