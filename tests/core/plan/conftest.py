"""A context without effects: a fixed clock, shipped prices, a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stratum_core.llm import PriceTable
from stratum_core.plan import PlanContext, Roots

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
MODEL = "anthropic/claude-haiku-4-5"


@pytest.fixture(scope="session")
def prices() -> PriceTable:
    return PriceTable.load()


@pytest.fixture
def context(tmp_path: Path, prices: PriceTable) -> PlanContext:
    return PlanContext(roots=Roots(tmp_path), prices=prices, now=NOW, default_model=MODEL)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def writer(name: str, data: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return writer
