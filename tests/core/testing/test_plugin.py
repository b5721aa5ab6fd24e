"""The pytest plugin, as a user's own tests meet it: in a pytest of its own, with tests that pass and that fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HEAD = """\
import pytest
from stratum_core import infer, run
from stratum_core.testing import Cassette, FunctionClient

@infer(intent="Judge the tone", model="offline", retries=0)
async def judge(text: str) -> str: ...
"""


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Writes a test file and runs pytest on it."""

    def run(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_mine.py").write_text(HEAD + body, "utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            *arguments,
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)

    return run


def test_a_script_is_configured_for_the_test_and_must_be_used_up(
    suite: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = suite(
        """
def test_asks(stratum_script):
    client = stratum_script([{"value": "calm"}])
    assert run(judge("fine")) == "calm"
    assert "Judge the tone" in client.requests[0].messages[0].blocks[0]

def test_leaves_a_step(stratum_script):
    stratum_script([{"value": "calm"}])

def test_asks_without_a_script(stratum_script):
    with pytest.raises(AssertionError, match="no step is left"):
        run(judge("fine"))

def test_has_a_clock(stratum_clock):
    stratum_clock.advance(5)
    assert stratum_clock.monotonic_s() == 5
"""
    )
    assert "4 passed, 1 error" in done.stdout, done.stdout
    assert "unused step in order" in done.stdout


def test_a_cassette_lies_beside_its_test_and_is_refused_where_it_is_missing(
    suite: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    body = """
def test_asks(stratum_cassette):
    assert run(judge("fine")) == "calm"
"""
    missing = suite(body)
    assert "there is no cassette" in missing.stdout, missing.stdout
    recorder = """
from stratum_core import configure

def test_records(request):
    path = request.path.parent / "cassettes" / "test_mine.test_asks.json"
    with Cassette(path, mode="record", client=FunctionClient(lambda _: {"value": "calm"})) as tape:
        with configure(client=tape):
            run(judge("fine"))
"""
    assert "1 passed" in suite(recorder).stdout
    assert (tmp_path / "cassettes" / "test_mine.test_asks.json").exists()
    played = suite(body)
    assert "1 passed" in played.stdout, played.stdout


def test_the_option_that_records_says_that_it_costs_money(
    suite: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert "costs money" in " ".join(suite("", "--help").stdout.split())
