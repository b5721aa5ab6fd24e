"""A server over a small project, and the fixtures to talk to it in both protocol eras."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.jobs import Job, make_job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A project with a document and five rows."""
    return make_job(tmp_path)


@pytest.fixture(params=["2026-07-28", "2025-11-25"])
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol versions a client may speak."""
    return str(request.param)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
