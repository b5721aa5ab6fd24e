"""Keys: which one a model needs, which is missing, which model to use without being told."""

from __future__ import annotations

import pytest

from stratum_core.errors import ConfigurationError
from stratum_core.llm import (
    CLAUDE_CLI_PREFIX,
    Missing,
    default_model,
    endpoint_of,
    endpoint_variables,
    find_key,
    missing_for,
    provider_of,
    required_key,
    ways_to_a_model,
)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("anthropic/claude-haiku-4-5", "anthropic"),
        ("groq/openai/gpt-oss-20b", "groq"),
        ("claude-haiku-4-5", "anthropic"),
        ("gpt-4.1", "openai"),
        ("o3-mini", "openai"),
        ("offline", ""),
        ("llama3", ""),
    ],
)
def test_the_provider_is_the_first_part_of_an_id_or_known_from_a_bare_name(model: str, provider: str) -> None:
    assert provider_of(model) == provider


def test_a_key_that_is_set_is_found_and_not_missing() -> None:
    assert find_key("openai/gpt-4.1", {"OPENAI_API_KEY": "k"}) == "k"
    assert missing_for("openai/gpt-4.1", {"OPENAI_API_KEY": "k"}) is None


def test_an_empty_key_is_missing_by_its_usual_name() -> None:
    assert missing_for("gemini/gemini-2.5-pro", {"GEMINI_API_KEY": ""}) == Missing(
        kind="key", name="GEMINI_API_KEY"
    )


def test_a_providers_other_key_name_counts() -> None:
    assert missing_for("gemini/gemini-2.5-pro", {"GOOGLE_API_KEY": "k"}) is None


def test_offline_and_unknown_providers_need_no_key_that_is_known() -> None:
    assert required_key("offline") is None
    assert find_key("offline", {"OPENAI_API_KEY": "k"}) is None
    assert missing_for("ollama/llama3", {}) is None


def test_a_login_without_its_program_lacks_a_program_and_no_variable() -> None:
    missing = missing_for(f"{CLAUDE_CLI_PREFIX}claude-haiku-4-5", {"PATH": "/nowhere"})
    assert missing is not None
    assert missing == Missing(kind="program", name="claude")
    assert missing.told == "the `claude` program, which is not on PATH"
    assert missing.detail == {"program": "claude"}
    assert "set PATH" not in missing.remedy + missing.cure
    for way in ("install Claude Code and log in", "ANTHROPIC_API_KEY", "`offline`"):
        assert way in missing.remedy


def test_a_key_that_is_missing_is_told_by_its_variable_with_the_ways_to_a_model() -> None:
    missing = Missing(kind="key", name="OPENAI_API_KEY")
    assert (missing.told, missing.detail) == (
        "a key, but OPENAI_API_KEY is not set",
        {"variable": "OPENAI_API_KEY"},
    )
    assert missing.remedy == ways_to_a_model("OPENAI_API_KEY")


def test_without_any_key_there_is_no_default_model() -> None:
    assert default_model({"PATH": "/bin", "OPENAI_API_KEY": ""}) is None


def test_the_first_provider_in_order_of_preference_gives_the_default_model() -> None:
    assert default_model({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}) == "anthropic/claude-haiku-4-5"
    assert default_model({"OPENROUTER_API_KEY": "k"}) is None


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/gpt-4.1", "OPENAI_API_BASE"),
        ("gpt-4.1", "OPENAI_BASE_URL"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_BASE_URL"),
        ("gemini/gemini-2.5-flash-lite", "GEMINI_API_BASE"),
        ("together_ai/openai/gpt-oss-120b", "TOGETHERAI_API_BASE"),
        ("acme/one", "ACME_API_BASE"),
    ],
)
def test_an_address_that_stands_in_for_a_provider_is_found(model: str, name: str) -> None:
    environ = {name: "http://127.0.0.1:9911/v1", "PATH": "/bin", "OTHER_KEY": "k"}
    assert endpoint_of(model, environ) == "http://127.0.0.1:9911/v1"
    assert endpoint_of("mistral/mistral-small-latest", environ) is None
    assert endpoint_of(model, {name: ""}) is None
    assert endpoint_of("offline", environ) is None
    assert endpoint_variables(environ) == (name,)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9911", "ftp://host", "http://me:secret@host/v1", "http://h/?key=secret"]
)
def test_an_address_that_cannot_be_shown_to_a_person_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_BASE is not a plain http address") as caught:
        endpoint_of("openai/gpt-4.1", {"OPENAI_API_BASE": url})
    assert "secret" not in str(caught.value)
