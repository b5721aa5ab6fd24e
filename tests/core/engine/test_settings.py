"""Where an engine's settings come from: the environment, the operator's policy, the platform's places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stratum_core.engine import Settings
from stratum_core.errors import ConfigurationError


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything of the person who runs the tests."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_without_any_setting_the_working_folder_and_the_platforms_places_count(
    tmp_path: Path, home: Path
) -> None:
    settings = Settings.from_environment({}, cwd=tmp_path)
    assert (settings.roots, settings.default_model, settings.policy.source) == ((tmp_path,), None, None)
    assert settings.state_dir.is_relative_to(home)


def test_every_place_can_be_named(tmp_path: Path) -> None:
    policy = _write(tmp_path / "policy.yaml", "max_usd: 2\nroots: [more]\n")
    prices = _write(
        tmp_path / "prices.json",
        '{"date": "2026-01-01", "source": "ours", "models": {"acme/one": {"input": 1, "output": 2}}}',
    )
    settings = Settings.from_environment(
        {
            "STRATUM_STATE_DIR": str(tmp_path / "state"),
            "STRATUM_ROOTS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]),
            "STRATUM_POLICY": str(policy),
            "STRATUM_PRICES": str(prices),
            "STRATUM_MODEL": "acme/one",
        },
        cwd=tmp_path,
    )
    assert settings.state_dir == tmp_path / "state"
    assert settings.roots == (tmp_path / "a", tmp_path / "b", tmp_path / "more")
    assert settings.policy.source == policy
    assert "acme/one" in settings.prices.known_models()
    assert settings.default_model == "acme/one"


@pytest.mark.parametrize(
    ("environ", "policy", "chosen"),
    [
        (
            {"STRATUM_MODEL": "offline", "OPENAI_API_KEY": "k"},
            "default_model: openai/gpt-4.1-mini",
            "offline",
        ),
        ({"OPENAI_API_KEY": "k"}, "default_model: anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ({}, "", None),
    ],
)
def test_the_environment_chooses_the_model_before_the_policy_and_the_policy_before_the_keys(
    environ: dict[str, str], policy: str, chosen: str | None, tmp_path: Path
) -> None:
    path = _write(tmp_path / "policy.yaml", policy)
    settings = Settings.from_environment({**environ, "STRATUM_POLICY": str(path)}, cwd=tmp_path)
    assert settings.default_model == chosen


def test_without_either_a_key_chooses_a_model_of_its_provider(tmp_path: Path) -> None:
    settings = Settings.from_environment({"OPENAI_API_KEY": "k"}, cwd=tmp_path)
    assert (settings.default_model or "").startswith("openai/")


def test_relative_paths_are_made_absolute_once_also_for_runners_which_work_elsewhere(tmp_path: Path) -> None:
    _write(tmp_path / "policy.yaml", "max_usd: 2\n")
    _write(tmp_path / "prices.json", '{"models": {"acme/one": {"input": 1, "output": 2}}}')
    settings = Settings.from_environment(
        {
            "STRATUM_STATE_DIR": "state",
            "STRATUM_ROOTS": os.pathsep.join(["a", "", str(tmp_path / "b")]),
            "STRATUM_POLICY": "policy.yaml",
            "STRATUM_PRICES": "prices.json",
        },
        cwd=tmp_path,
    )
    assert settings.state_dir == tmp_path / "state"
    assert settings.roots == (tmp_path / "a", tmp_path / "b")
    assert (settings.policy.source, "acme/one" in settings.prices.known_models()) == (
        tmp_path / "policy.yaml",
        True,
    )
    assert settings.environ == {
        "STRATUM_STATE_DIR": str(tmp_path / "state"),
        "STRATUM_ROOTS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]),
        "STRATUM_POLICY": str(tmp_path / "policy.yaml"),
        "STRATUM_PRICES": str(tmp_path / "prices.json"),
    }


@pytest.mark.parametrize("name", ["STRATUM_POLICY", "STRATUM_PRICES"])
def test_a_file_that_is_named_has_to_be_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.file"):
        Settings.from_environment({name: str(tmp_path / "gone.file")}, cwd=tmp_path)
