"""The cycle collector during bursts of new objects."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Generator

import pytest

from stratum_core.checks import check
from stratum_core.memory import collections_paused


@pytest.fixture(autouse=True)
def collector() -> Generator[None]:
    """Put the collector back as it was."""
    was_on = gc.isenabled()
    gc.enable()
    yield
    if not was_on:
        gc.disable()


def test_no_collection_begins_inside_and_they_go_on_behind() -> None:
    with collections_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with collections_paused(), collections_paused():
        pass
    assert not gc.isenabled()


def test_an_error_puts_the_collector_back() -> None:
    def fail() -> None:
        with collections_paused():
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert gc.isenabled()


def test_a_check_collects_nothing_while_it_runs() -> None:
    seen: list[str] = []
    steps = "".join(f"      - {{ id: step_{number}, compute: {number} + 1 }}\n" for number in range(300))
    text = f'stratum: "1"\nflows:\n  main:\n    output: int\n    steps:\n{steps}    return: step_1\n'

    def note(phase: str, _: dict[str, int]) -> None:
        if any(frame.name == "_check_document" for frame in traceback.extract_stack()):
            seen.append(phase)

    gc.callbacks.append(note)
    try:
        checked = check(text)
    finally:
        gc.callbacks.remove(note)
    assert checked.ok, checked.diagnostics
    assert seen == []
    assert gc.isenabled()
