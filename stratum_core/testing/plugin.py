"""A pytest plugin, found by pytest wherever Stratum is installed: fixtures for tests of programs that call models.

- `stratum_script`: `client = stratum_script([...])` configures a `ScriptedClient` for the test, which fails for what
  was left over.
- `stratum_cassette`: a `Cassette` beside the test, `cassettes/MODULE.TEST.json`, configured for the test. It plays
  back; `pytest --stratum-record` asks the real providers and records.
- `stratum_clock`: a `FrozenClock`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from stratum_core.authoring import configure
from stratum_core.llm import LitellmClient
from stratum_core.testing._cassette import Cassette
from stratum_core.testing._clock import FrozenClock
from stratum_core.testing._script import Answer, ScriptedClient, Step

__all__ = ["pytest_addoption", "stratum_cassette", "stratum_clock", "stratum_script"]

Script: TypeAlias = "Callable[[Sequence[Step | Answer]], ScriptedClient]"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that records."""
    parser.getgroup("stratum").addoption(
        "--stratum-record",
        action="store_true",
        help="ask the real providers and record what they answer in the cassettes; costs money",
    )


@pytest.fixture
def stratum_script() -> Generator[Script]:
    """A function that configures a scripted client for the rest of the test and returns it."""
    made: list[ScriptedClient] = []

    def script(steps: Sequence[Step | Answer]) -> ScriptedClient:
        client = ScriptedClient(steps)
        configure(client=client)
        made.append(client)
        return client

    with configure(client=ScriptedClient([])):
        yield script
    for client in made:
        client.assert_done()


@pytest.fixture
def stratum_cassette(request: pytest.FixtureRequest) -> Generator[Cassette]:
    """The test's own cassette, configured as the client."""
    test = Path(request.path)
    name = re.sub(r"[^\w.-]+", "_", f"{test.stem}.{request.node.name}")
    path = test.parent / "cassettes" / f"{name}.json"
    recording = bool(request.config.getoption("--stratum-record"))
    tape = Cassette(path, mode="record", client=LitellmClient(os.environ)) if recording else Cassette(path)
    with configure(client=tape):
        yield tape
    tape.close()


@pytest.fixture
def stratum_clock() -> FrozenClock:
    """A clock that stands still until it is moved."""
    return FrozenClock()
