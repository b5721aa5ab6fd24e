"""A project, an engine over its state directory, and real runner processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.engine._bench import Bench, end_runners
from tests.support.jobs import make_job


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(make_job(tmp_path))
    yield made
    end_runners(made)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
