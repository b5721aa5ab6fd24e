"""Write the price snapshot `stratum_core/llm/prices.json` anew from the installed litellm package.

litellm ships the community price list as one large JSON file, which this script reads without importing litellm.
It keeps chat models of the providers below whose every charge is per token, so that a worst case can be computed
from token counts alone. Run it from the repository root after raising the litellm pin, and read the diff:

    .venv/bin/python tools/update_prices.py            # dated today
    .venv/bin/python tools/update_prices.py 2026-11-22 # dated as given
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import metadata
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "stratum_core" / "llm" / "prices.json"
LIST_NAME = "litellm/model_prices_and_context_window_backup.json"
PROVIDERS = (
    "anthropic",
    "cerebras",
    "deepseek",
    "gemini",
    "groq",
    "mistral",
    "moonshot",
    "openai",
    "together_ai",
    "xai",
)
OFFLINE_PRICED_AS = "anthropic/claude-haiku-5-5"
NOT_CHAT = re.compile(
    # Billed per search, second, image or session as well, tuned by one account, or not for chat.
    r"audio|search|computer-use|deep-research|tts|lyria|robotics|guard|ft:|together-ai-|omni|voxtral|container|exp-"
)
LONG_INPUT = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "reasoning": "output_cost_per_reasoning_token",
}
MILLION = 1_000_000

Entry = Mapping[str, object]


def rates(entry: Entry, suffix: str = "") -> dict[str, Decimal]:
    """Return the known rates in dollars per million tokens."""
    found: dict[str, Decimal] = {}
    for name, key in FIELDS.items():
        value = entry.get(key + suffix)
        if isinstance(value, (int, Decimal)) and value > 0:
            found[name] = Decimal(value) * MILLION
    return found


def record(entry: Entry) -> dict[str, object]:
    """Return the snapshot's record of one model."""
    kept: dict[str, object] = {**rates(entry)}
    for name in ("max_input_tokens", "max_output_tokens"):
        if isinstance(entry.get(name), int):
            kept[name] = entry[name]
    if isinstance(entry.get("prompt_cache_min_tokens"), int) and "cache_read" in kept:
        kept["cache_min_tokens"] = entry["prompt_cache_min_tokens"]
    shares = [
        round(Decimal(str(entry[f"{key}_batches"])) / Decimal(str(entry[key])) * 100)
        for key in (FIELDS["input"], FIELDS["output"])
        if entry.get(f"{key}_batches")
    ]
    if shares:
        kept["batch_percent"] = max(shares)
    thresholds = sorted(int(match[1]) for key in entry if (match := LONG_INPUT.fullmatch(key)))
    if thresholds:
        lowest = thresholds[0]
        kept["above"] = {"tokens": lowest * 1000, **rates(entry, f"_above_{lowest}k_tokens")}
    return kept


def chosen(prices: Mapping[str, Entry], today: date) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield id and record of every model that is kept."""
    for name, entry in prices.items():
        provider = entry.get("litellm_provider")
        if provider not in PROVIDERS or entry.get("mode") != "chat" or NOT_CHAT.search(name):
            continue
        retired = str(entry.get("deprecation_date") or "9999")
        found = rates(entry)
        # A price of zero in the list means "not known" or "free for now": neither may be planned with.
        if retired > today.isoformat() and "input" in found and "output" in found:
            yield (name if name.startswith(f"{provider}/") else f"{provider}/{name}"), record(entry)


def render(today: date) -> str:
    """Return the snapshot's text, dated as given; models retired by then are left out."""
    package = metadata.distribution("litellm")
    text = Path(str(package.locate_file(LIST_NAME))).read_text(encoding="utf-8")
    prices: dict[str, Entry] = json.loads(text, parse_float=Decimal)
    head = {
        "date": today.isoformat(),
        "source": f"litellm {package.version}, {LIST_NAME}",
        "unit": "US dollars per million tokens",
        "offline": OFFLINE_PRICED_AS,
    }
    pairs = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items())
    body = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(entry, default=float)}"
        for name, entry in sorted(dict(chosen(prices, today)).items())
    )
    return f'{{\n{pairs},\n"models": {{\n{body}\n}}\n}}\n'


def main(arguments: list[str]) -> int:
    """Write the snapshot; the one optional argument is its date."""
    text = render(date.fromisoformat(arguments[0]) if arguments else datetime.now(UTC).date())
    TARGET.write_text(text, encoding="utf-8")
    count = text.count("\n  ")
    sys.stdout.write(f"{count} models, {len(text.encode())} bytes -> {TARGET}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
