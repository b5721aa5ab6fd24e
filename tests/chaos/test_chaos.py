"""A short form of the chaos suite, and the proof that it can fail."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos._chaos import checks, run, table
from tests.chaos._judge import CHECKS, Finding, calm_run, judge
from tests.chaos._provider import Provider, provider
from tests.chaos._scenarios import SCENARIOS
from tests.chaos._warm import warmed
from tests.chaos._world import World, environ_of

pytestmark = pytest.mark.slow


@pytest.mark.timeout(240)
def test_runs_disturbed_in_every_way_end_as_undisturbed_and_nothing_is_paid_twice() -> None:
    told: list[str] = []
    rows = run(rounds=1, seed=int(time.time()), items=6, told=told.append)

    assert not any(row.violations for row in rows), "\n".join(told)
    assert [row.scenario for row in rows] == list(SCENARIOS)
    assert sum(row.requests for row in rows) > 0
    assert checks(rows) == dict.fromkeys(CHECKS, 0)
    assert table(rows).count("\n") == len(SCENARIOS)


@pytest.fixture(scope="module")
def bills() -> Generator[Provider]:
    with provider() as serving:
        yield serving


@pytest.fixture(scope="module")
def warm(bills: Provider, tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    with warmed(tmp_path_factory.mktemp("warm"), environ_of(bills)) as socket:
        yield socket


@pytest.mark.timeout(240)
def test_the_judge_finds_each_kind_of_broken_promise(bills: Provider, warm: Path, tmp_path: Path) -> None:
    bills.forget()
    world = World(
        home=tmp_path,
        provider=bills,
        moments=random.Random(1),  # noqa: S311 - when to strike
        warm=warm,
        items=3,
    )
    calm = calm_run(world)
    bills.forget()
    run_id = world.begin()
    view = world.ended(run_id)
    finding = Finding()
    judge(world, view, calm, finding)
    assert finding.violations == []

    bills.arrivals.extend(bills.arrivals * 400)
    with closing(sqlite3.connect(world.state_dir / "runs" / f"{run_id}.db")) as connection, connection:
        connection.execute("UPDATE events SET at_ms = at_ms + 1 WHERE seq = 3")
        connection.execute("UPDATE run SET head = x'00'")
        connection.execute(
            "INSERT INTO calls SELECT seq + 1000, call_id || 'x', path, attempt + 9, epoch, input_hash, request_hash,"
            " model, state, reserved_nusd, reserved_tokens, reserved_calls, nusd, tokens, calls, settled_seq FROM calls"
        )
        connection.execute("UPDATE calls SET state = 'open' WHERE seq > 1000 AND path LIKE 'replies%'")
    Path(view.result_path).write_text("{}", "utf-8")

    finding = Finding()
    judge(world, view, calm, finding)
    world.close()
    assert {check for check, _ in finding.violations} == set(CHECKS) - {"other surprises"}
