"""Asynchronous tests run on asyncio: litellm knows no other loop."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
