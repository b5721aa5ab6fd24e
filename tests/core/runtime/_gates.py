"""A provider whose answers come in an order the test has chosen, and crashes at every write of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio.lowlevel import checkpoint

from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal, RecordedAttempt
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, as_reply
from tests.core.runtime._crashes import Crash, CrashingJournal
from tests.core.runtime._trial import Trial

__all__ = ["GatedClient", "answered", "assert_every_crash_ends_alike", "events"]


@dataclass
class GatedClient:
    """Answers by `answer`; those named in `turns` one after the other, those named in `never` not at all."""

    answer: Callable[[ModelRequest], Answer]
    name: Callable[[ModelRequest], str]
    """What a request is called in `turns` and `never`."""
    turns: Sequence[str] = ()
    never: frozenset[str] = frozenset()
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    in_flight: int = 0
    most_in_flight: int = 0
    cancelled: list[str] = field(default_factory=list[str])
    _done: dict[str, anyio.Event] = field(default_factory=dict[str, anyio.Event])

    def names(self) -> list[str]:
        """Return what was asked, in order."""
        return [self.name(request) for request in self.requests]

    async def complete(self, request: ModelRequest) -> ModelReply:
        name = self.name(request)
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await checkpoint()
            if name in self.never:
                await anyio.sleep_forever()
            if name in self.turns:
                for earlier in self.turns[: self.turns.index(name)]:
                    await self._event(earlier).wait()
        except BaseException:
            self.cancelled.append(name)
            raise
        finally:
            self.in_flight -= 1
        self._event(name).set()
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ModelReply) else as_reply(request, answer, "stop")

    def _event(self, name: str) -> anyio.Event:
        return self._done.setdefault(name, anyio.Event())


def answered(journal: MemoryJournal) -> Counter[str]:
    """Count the answers on record by the path of their call."""
    return Counter(attempt.path for attempt in journal.reader().attempts() if attempt.state == "answered")


def events(journal: MemoryJournal, kind: str) -> list[tuple[str, Mapping[str, JsonValue]]]:
    """Return path and data of the events of a kind."""
    found = journal.reader().events(limit=10_000)
    return [(event.path, event.data) for event in found if event.kind == kind]


async def _run(
    document: str, inputs: Mapping[str, JsonValue], journal: MemoryJournal, client: GatedClient
) -> RunOutcome:
    return await Trial(document=document, client=client, journal=journal).run(inputs)


def _paid(attempts: Sequence[RecordedAttempt]) -> set[str]:
    return {attempt.call_id for attempt in attempts if attempt.state in {"answered", "failed"}}


async def assert_every_crash_ends_alike(
    document: str, inputs: Mapping[str, JsonValue], client: Callable[[], GatedClient]
) -> int:
    """Crash a run at each of its writes, before and after it, resume it, and compare it with the undisturbed run.

    Returns:
        The number of writes.
    """
    undisturbed = MemoryJournal()
    whole = await _run(document, inputs, undisturbed, client())
    at = 0
    for after_write in (False, True):
        at = 0
        while True:
            journal = CrashingJournal(at=at, after_write=after_write, notes_count=False)
            provider = client()
            with suppress(Crash, BaseExceptionGroup):
                await _run(document, inputs, journal, provider)
            if not journal.dead:
                break
            before = journal.reader().attempts()
            asked = len(provider.requests)
            again = MemoryJournal(after=journal)
            outcome = await _run(document, inputs, again, provider)
            recorded = again.reader().attempts()
            assert (outcome.state, outcome.value, outcome.error) == (whole.state, whole.value, whole.error)
            keys = {request.idempotency_key.split("/", 1)[1] for request in provider.requests[asked:]}
            assert keys.isdisjoint(attempt.call_id for attempt in before)
            assert answered(again) == answered(undisturbed)
            assert outcome.census["nusd"] == sum(attempt.usage.nusd for attempt in recorded)
            assert outcome.census["calls_reused"] == sum(attempt.state == "answered" for attempt in before)
            for name in ("items_done", "failed_by_cause", "lost", "skipped"):
                assert outcome.census[name] == whole.census[name], name
            cut_off = sum(attempt.state == "possibly_paid" for attempt in recorded)
            assert outcome.census["calls_possibly_paid"] == cut_off
            assert again.reader().verify().ok
            assert provider.in_flight == 0
            third = await _run(document, inputs, MemoryJournal(after=again), provider)
            assert (third.state, third.value) == (whole.state, whole.value)
            assert len(again.reader().attempts()) == len(recorded)
            at += 1
    return at
