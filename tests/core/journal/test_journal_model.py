"""Any history of a run, crashes included, is charged as a plain sum says and verifies to its head."""

from __future__ import annotations

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Usage
from stratum_core.journal import AttemptState, MemoryJournal
from tests.support.journals import make_intent

PATHS = ("a", "b", "c")
_steps = st.one_of(
    st.tuples(st.just("intent"), st.sampled_from(PATHS), st.integers(0, 5000)),
    st.tuples(st.sampled_from(["answered", "failed"]), st.sampled_from(PATHS), st.integers(0, 5000)),
    st.tuples(st.sampled_from(["void", "crash"]), st.sampled_from(PATHS), st.just(0)),
)


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(_steps, max_size=40))
def test_every_attempt_is_charged_once_whatever_happens(steps: list[tuple[str, str, int]]) -> None:
    anyio.run(_live, steps)


async def _live(steps: list[tuple[str, str, int]]) -> None:
    journal = MemoryJournal("run-1")
    states: dict[tuple[str, int], tuple[AttemptState, Usage]] = {}

    def latest(path: str) -> int:
        return max((attempt for of, attempt in states if of == path), default=-1)

    for kind, path, nusd in [*steps, ("crash", "a", 0)]:
        attempt = latest(path)
        state = states.get((path, attempt), ("void", Usage()))[0]
        if kind == "intent" and state != "open":
            intent = make_intent(path, attempt + 1, nusd=nusd)
            await journal.intent(intent)
            states[path, attempt + 1] = ("open", intent.reserved)
        elif kind == "void" and state == "open":
            await journal.void(f"{path}#{attempt}")
            states[path, attempt] = ("void", Usage())
        elif kind == "answered" and state == "open":
            usage = Usage(nusd=nusd, calls=1)
            await journal.settle(f"{path}#{attempt}", state="answered", usage=usage, outcome={"n": nusd})
            states[path, attempt] = ("answered", usage)
        elif kind == "failed" and state == "open":
            await journal.settle(f"{path}#{attempt}", state="failed", usage=Usage(calls=1), outcome={})
            states[path, attempt] = ("failed", Usage(calls=1))
        elif kind == "crash":
            journal = MemoryJournal(after=journal)
            states = {
                key: ("possibly_paid" if state == "open" else state, usage)
                for key, (state, usage) in states.items()
            }
        _compare(journal, states, reopened=kind == "crash")


def _compare(
    journal: MemoryJournal, states: dict[tuple[str, int], tuple[AttemptState, Usage]], *, reopened: bool
) -> None:
    open_usage = sum((usage for state, usage in states.values() if state == "open"), Usage())
    charged = sum((usage for state, usage in states.values() if state != "open"), Usage())
    snapshot = journal.reader().snapshot()
    assert (journal.recorded_usage(), snapshot.usage, snapshot.reserved) == (charged, charged, open_usage)
    assert journal.reader().verify().ok
    if reopened:
        for path in PATHS:
            assert [(found.attempt, found.state, found.usage) for found in journal.attempts(path)] == sorted(
                (attempt, state, usage) for (of, attempt), (state, usage) in states.items() if of == path
            )
