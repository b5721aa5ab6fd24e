"""A run on disk and one in memory: both journals keep the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.journals import Clock, DiskRun, MemoryRun, Run


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["disk", "memory"])
def run(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Run:
    return DiskRun(tmp_path, clock) if request.param == "disk" else MemoryRun(clock)
