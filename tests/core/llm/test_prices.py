"""Prices: exact, dated, overridable, and never guessed."""

from __future__ import annotations

import json
import runpy
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.errors import ConfigurationError
from stratum_core.llm import OFFLINE_MODEL, Price, PriceTable, Rates, TokenUsage, default_model, required_key

TABLE = PriceTable.load()
SNAPSHOT = Path(__file__).parents[3] / "stratum_core" / "llm" / "prices.json"


def price(model: str, table: PriceTable = TABLE) -> Price:
    found = table.price(model)
    assert found is not None
    return found


def override(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_published_price_is_exact_in_nano_dollars() -> None:
    # $1.00 and $5.00 per million tokens; a cached read costs a tenth, a write a quarter more.
    haiku = price("anthropic/claude-haiku-4-5")
    assert haiku.cost_nusd(TokenUsage(input_tokens=1_000_000, output_tokens=0)) == 1_000_000_000
    assert haiku.cost_nusd(TokenUsage(input_tokens=0, output_tokens=1)) == 5_000
    usage = TokenUsage(input_tokens=100, output_tokens=10, cache_read_tokens=60, cache_write_tokens=20)
    assert haiku.cost_nusd(usage) == 20 * 1_000 + 60 * 100 + 20 * 1_250 + 10 * 5_000


def test_a_rate_below_one_nano_dollar_is_rounded_up_once_for_the_whole_amount(tmp_path: Path) -> None:
    path = override(tmp_path, '{"models": {"mine/tiny": {"input": 0.0004, "output": 0.0004}}}')
    tiny = price("mine/tiny", PriceTable.load(path))
    # 0.4 nano-dollars a token.
    assert tiny.cost_nusd(TokenUsage(input_tokens=1, output_tokens=1)) == 1
    assert tiny.cost_nusd(TokenUsage(input_tokens=1_000, output_tokens=0)) == 400
    assert tiny.cost_nusd(TokenUsage(input_tokens=1_001, output_tokens=0)) == 401


def test_the_worst_case_charges_every_prompt_token_at_the_dearest_kind() -> None:
    haiku = price("anthropic/claude-haiku-4-5")
    assert haiku.worst_nusd(1_000, 100) == 1_000 * 1_250 + 100 * 5_000


def test_a_long_prompt_costs_the_long_rates_from_the_first_token_on() -> None:
    pro = price("gemini/gemini-2.5-pro")
    at = TokenUsage(input_tokens=200_000, output_tokens=0)
    above = TokenUsage(input_tokens=200_001, output_tokens=0)
    assert pro.cost_nusd(at) == 200_000 * 1_250
    assert pro.cost_nusd(above) == 200_001 * 2_500


def test_the_worst_case_of_a_long_prompt_covers_an_actual_prompt_on_either_side_of_the_threshold() -> None:
    dear = Rates(input_pusd=9_000, output_pusd=9_000, cache_read_pusd=9_000, cache_write_pusd=9_000)
    cheap = Rates(input_pusd=1_000, output_pusd=1_000, cache_read_pusd=1_000, cache_write_pusd=1_000)
    odd = Price(model="x/y", rates=dear, long_above_tokens=10, long_rates=cheap)
    assert odd.worst_nusd(20, 0) >= odd.cost_nusd(TokenUsage(input_tokens=10, output_tokens=0))


@given(
    model=st.sampled_from(TABLE.known_models()),
    bound=st.tuples(st.integers(1, 600_000), st.integers(0, 100_000)),
    shares=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_no_usage_within_the_bound_costs_more_than_the_worst_case(
    model: str, bound: tuple[int, int], shares: tuple[float, float, float, float]
) -> None:
    prompt, answer = int(bound[0] * shares[0]), int(bound[1] * shares[1])
    read = int(prompt * shares[2])
    write = int((prompt - read) * shares[3])
    usage = TokenUsage(
        input_tokens=prompt, output_tokens=answer, cache_read_tokens=read, cache_write_tokens=write
    )
    assert price(model).cost_nusd(usage) <= price(model).worst_nusd(*bound)


def test_an_unknown_model_has_no_price_rather_than_a_free_one() -> None:
    assert TABLE.price("openai/gpt-unheard-of") is None
    assert all(entry.rates.input_pusd > 0 and entry.rates.output_pusd > 0 for entry in TABLE.prices.values())


def test_bare_ids_that_litellm_accepts_mean_the_full_ones() -> None:
    assert price("gpt-4.1-mini") == price("openai/gpt-4.1-mini")
    assert price("claude-haiku-4-5").model == "anthropic/claude-haiku-4-5"


def test_the_offline_model_is_charged_at_a_named_models_prices_and_marked_simulated() -> None:
    offline = price(OFFLINE_MODEL)
    named = price(TABLE.offline_priced_as)
    assert (offline.rates, offline.simulated, offline.priced_as) == (named.rates, True, named.model)
    assert not named.simulated


def test_known_models_are_full_ids_in_order_with_the_offline_model_last() -> None:
    models = TABLE.known_models()
    assert models[-1] == OFFLINE_MODEL
    assert list(models[:-1]) == sorted(set(models[:-1]))
    assert all("/" in model for model in models[:-1])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("anthropic/claude-haiku-4.5", "anthropic/claude-haiku-4-5"),
        ("gpt4.1-mini", "openai/gpt-4.1-mini"),
        ("openai/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("OpenAI/GPT-4.1-mini", "openai/gpt-4.1-mini"),
    ],
)
def test_a_mistyped_model_is_recognised(typed: str, meant: str) -> None:
    assert meant in TABLE.similar_models(typed)


def test_nothing_is_suggested_for_a_model_like_no_other() -> None:
    assert TABLE.similar_models("zzzzzzzz") == ()


def test_the_operators_file_replaces_and_adds_models_and_changes_the_version(tmp_path: Path) -> None:
    text = '{"models": {"openai/gpt-4.1-mini": {"input": 9, "output": 9}, "ollama/llama": {"input": 0, "output": 0}}}'
    table = PriceTable.load(override(tmp_path, text))
    assert price("openai/gpt-4.1-mini", table).worst_nusd(1, 0) == 9_000
    assert price("gpt-4.1-mini", table).worst_nusd(1, 0) == 9_000
    assert price("ollama/llama", table).worst_nusd(1_000, 1_000) == 0
    assert price("gemini/gemini-2.5-pro", table) == price("gemini/gemini-2.5-pro")
    assert table.version != TABLE.version
    assert str(tmp_path) in table.source


def test_the_operator_may_price_the_offline_model_as_another(tmp_path: Path) -> None:
    table = PriceTable.load(override(tmp_path, '{"offline": "openai/gpt-4.1"}'))
    assert price(OFFLINE_MODEL, table).priced_as == "openai/gpt-4.1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a record, not list"),
        ('{"models": []}', "'models' must be a record"),
        ('{"models": {"a/b": 3}}', "'a/b' must be a record"),
        ('{"models": {"a/b": {"output": 1}}}', "'input' is None"),
        ('{"models": {"a/b": {"input": -1, "output": 1}}}', "'input' is Decimal|'input' is -1"),
        ('{"models": {"a/b": {"input": true, "output": 1}}}', "'input' is True"),
        ('{"models": {"a/b": {"input": "1", "output": 1}}}', "'input' is '1'"),
        ('{"models": {"a/b": {"input": 1, "output": 1, "max_input_tokens": 0.5}}}', "'max_input_tokens' is"),
        ('{"models": {"a/b": {"input": 1, "output": 1, "above": 3}}}', "'a/b'.above must be a record"),
        ('{"offline": "a/b"}', "priced as 'a/b', which has no price"),
    ],
)
def test_a_faulty_price_file_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = override(tmp_path, text)
    with pytest.raises(ConfigurationError, match=said) as caught:
        PriceTable.load(path)
    assert str(path) in caught.value.message


def test_a_missing_price_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        PriceTable.load(tmp_path / "none.json")


def test_the_snapshot_names_its_source_and_date_and_stays_small() -> None:
    assert TABLE.version.startswith(f"{TABLE.date}-")
    assert TABLE.source.startswith("litellm ")
    assert SNAPSHOT.stat().st_size <= 200_000
    assert len(TABLE.known_models()) > 150


def test_the_snapshot_is_what_its_script_writes_from_the_pinned_list() -> None:
    script = runpy.run_path(str(SNAPSHOT.parents[2] / "tools" / "update_prices.py"))
    assert SNAPSHOT.read_text(encoding="utf-8") == script["render"](date.fromisoformat(TABLE.date))


def test_the_snapshot_writes_rates_as_published_dollars_per_million_tokens() -> None:
    models = json.loads(SNAPSHOT.read_text(encoding="utf-8"), parse_float=Decimal)["models"]
    assert models["anthropic/claude-haiku-4-5"]["output"] == 5


@pytest.mark.parametrize(
    "key",
    [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "MISTRAL_API_KEY",
        "XAI_API_KEY",
        "GROQ_API_KEY",
        "CEREBRAS_API_KEY",
        "DEEPSEEK_API_KEY",
        "TOGETHERAI_API_KEY",
        "MOONSHOT_API_KEY",
    ],
)
def test_the_default_model_of_every_provider_is_priced_and_needs_just_that_key(key: str) -> None:
    model = default_model({key: "x"})
    assert model is not None
    assert price(model).model == model
    assert required_key(model) == key


def test_the_least_a_provider_keeps_is_that_of_the_model(tmp_path: Path) -> None:
    assert price("anthropic/claude-haiku-4-5").cache_min_tokens == 4_096
    assert price("anthropic/claude-sonnet-4-5").cache_min_tokens == 1_024
    assert price("openai/gpt-4.1-mini").cache_min_tokens == 1_024
    path = override(tmp_path, '{"models": {"mine/m": {"input": 1, "output": 1, "cache_min_tokens": 256}}}')
    assert price("mine/m", PriceTable.load(path)).cache_min_tokens == 256
