"""Library tests run on asyncio, with settings and trace records of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stratum_core import clear_traces, configure

MODEL = "openai/gpt-4.1-mini"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Start from the same settings in every test, whatever keys the machine has."""
    clear_traces()
    with configure(
        client=None,
        review_sink=None,
        tracer=None,
        default_model=MODEL,
        test_mode=False,
        sample_n=5,
        journal=None,
    ):
        yield
