"""A key from the keyring reaches the provider through the runner's environment and is written nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio.to_thread
import keyring
import pytest

from stratum_core.authoring import infer
from stratum_core.authoring._clients import model_of
from stratum_core.authoring._configure import Settings as LibrarySettings
from stratum_core.engine import Engine, Settings
from stratum_core.errors import ConfigurationError
from stratum_core.llm import SystemKeys
from tests.core.engine._bench import Bench
from tests.support.keyrings import MemoryKeyring
from tests.support.providers import ProviderServer, openai

KEY = "sk-" + "kept" * 8


@infer(intent="Say whether it is friendly.")
async def judge(text: str) -> bool: ...


@pytest.fixture
def keys_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring that holds a key of OpenAI, and the folder that says so; no key is in the environment."""
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    SystemKeys(index=tmp_path / "keys" / "providers.json").set("openai", KEY)
    yield tmp_path / "keys"
    keyring.set_keyring(before)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_stored_key_reaches_the_provider_and_is_written_nowhere(
    bench: Bench, keys_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with ProviderServer(openai.completion('{"label": "neutral", "confidence": 0.9}')) as provider:
        monkeypatch.setenv("OPENAI_API_BASE", f"{provider.url}/v1")
        monkeypatch.setenv("STRATUM_STATE_DIR", str(bench.job.state_dir))
        settings = Settings.from_environment(os.environ, cwd=bench.job.folder)
        assert settings.default_model == "openai/gpt-4.1-mini"
        engine = Engine(settings, clock=lambda: bench.clock.now().timestamp())
        bench.engines.append(engine)
        plan = await anyio.to_thread.run_sync(partial(bench.approved, engine, rows=2))
        run = await anyio.to_thread.run_sync(engine.execute, plan.plan_id)
        view = await engine.wait(run.run_id, timeout_s=60)
        assert (view.state, view.done) == ("completed", 2)
        assert {each.headers["authorization"] for each in provider.received} == {f"Bearer {KEY}"}
    files = [
        path for folder in (bench.job.state_dir, keys_dir) for path in folder.rglob("*") if path.is_file()
    ]
    assert len(files) > 4
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    report = json.dumps([view.to_json(), engine.run_report(run.run_id), plan.to_json()], default=str)
    assert KEY not in f"{report}{settings!r}{caplog.text}"


def test_the_library_takes_it_for_its_default_model(keys_dir: Path) -> None:
    assert model_of(LibrarySettings()) == "openai/gpt-4.1-mini"


@pytest.mark.anyio
async def test_the_library_says_the_three_ways_when_nothing_is_configured(
    keys_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(keys_dir / "none"))

    with pytest.raises(ConfigurationError) as caught:
        await judge("Hello.")
    for way in ("set ANTHROPIC_API_KEY", "stratum keys set", "claude-cli/", "`offline`"):
        assert way in caught.value.remedy
