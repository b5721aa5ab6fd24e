"""A proxy that the environment names is told with the plan, without what it is opened with."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratum_core.engine import Engine, Settings
from tests.support.jobs import DOCUMENT


def _warnings(folder: Path, model: str, **environ: str) -> tuple[str, ...]:
    settings = Settings(
        state_dir=folder / "state", roots=(folder,), environ={"OPENAI_API_KEY": "x", **environ}
    )
    inputs = {"notes": [{"id": 1, "text": "x"}]}
    return Engine(settings).plan(DOCUMENT, inputs=inputs, options={"model": model}).warnings


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_plan_warns_that_its_requests_may_go_through_a_proxy(tmp_path: Path, name: str) -> None:
    (warning,) = _warnings(tmp_path, "openai/gpt-4.1-mini", **{name: "http://me:secret@proxy.example:3128"})
    assert warning == (
        f"requests may go through the proxy proxy.example: the variable {name} says so, and the plan does not pin it"
    )


def test_no_proxy_and_no_requests_need_no_warning(tmp_path: Path) -> None:
    assert _warnings(tmp_path, "openai/gpt-4.1-mini") == ()
    assert _warnings(tmp_path, "offline", HTTPS_PROXY="http://proxy.example") == ()


def test_an_address_that_cannot_be_read_is_told_too(tmp_path: Path) -> None:
    (warning,) = _warnings(tmp_path, "openai/gpt-4.1-mini", HTTP_PROXY="odd")
    assert "the proxy that it names" in warning
