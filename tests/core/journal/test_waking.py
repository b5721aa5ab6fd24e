"""Tasks that waited for one commit go on a few at a time."""

from __future__ import annotations

import asyncio

import anyio
from anyio.lowlevel import checkpoint

from stratum_core.errors import JournalError
from stratum_core.journal._writer import Entry, resolve


async def test_tasks_that_waited_for_one_commit_go_on_a_few_at_a_time_and_in_turn() -> None:
    loop = asyncio.get_running_loop()
    refused = JournalError("refused")
    answers = [(Entry(lambda _: None, loop.create_future()), refused if n == 19 else None) for n in range(20)]
    resolve([(entry, error) for entry, error in answers])
    woken: list[int] = []
    with anyio.fail_after(5):
        while not woken or woken[-1] < len(answers):
            woken.append(sum(entry.done for entry, _ in answers))
            assert all(entry.done for entry, _ in answers[: woken[-1]])
            await checkpoint()
    assert woken[0] < len(answers)
    assert all(entry.waiter is not None and entry.waiter.done() for entry, _ in answers)
    assert answers[-1][0].error is refused
