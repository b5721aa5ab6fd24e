"""Prices: what a token costs at each model, from a dated snapshot that the operator can override.

The snapshot `prices.json` beside this file is written by `tools/update_prices.py`; it names its source and
date. Its figures are dollars per million tokens, as providers publish them. Inside, a rate is an integer number
of pico-dollars per token (1e-12 dollars), because a published rate can be a fraction of a nano-dollar; an
amount is rounded up once, to whole nano-dollars. No network, no litellm.

A model that is not in the table has no price: nothing here ever counts an unknown model as free.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Final, cast

from stratum_core.errors import ConfigurationError
from stratum_core.llm._port import TokenUsage
from stratum_core.money import Nusd

__all__ = [
    "CLAUDE_CLI_OVERHEAD_TOKENS",
    "CLAUDE_CLI_PREFIX",
    "OFFLINE_MODEL",
    "USUAL_BATCH_PERCENT",
    "Price",
    "PriceTable",
    "Rates",
]

OFFLINE_MODEL: Final = "offline"
"""The id of the demonstration model in `stratum_core.llm.offline`."""

CLAUDE_CLI_PREFIX: Final = "claude-cli/"
"""Starts the ids of models that are asked through the person's own Claude Code login."""

CLAUDE_CLI_OVERHEAD_TOKENS: Final = 4_000
"""The most the `claude` program adds to a prompt, in tokens; about 2,600 bytes with 2.1.330, and its provider's tools
preamble."""

CACHE_MIN_TOKENS: Final = 1_024
"""The fewest tokens of a prefix that is kept, for models the snapshot says nothing about: what OpenAI publishes, and
litellm takes (2026-11-22)."""

USUAL_BATCH_PERCENT: Final = 50
"""Of the list price, for models whose batch price the snapshot does not hold: what Anthropic, OpenAI and Google publish
for their batch modes, and what the snapshot holds for nearly all models that have one (2026-11-22)."""

_SNAPSHOT = Path(__file__).with_name("prices.json")
_PICO_PER_NANO = 1_000
_PICO_PER_TOKEN = 1_000_000
"""One dollar per million tokens is this many pico-dollars per token."""
_BARE_PROVIDERS = ("openai/", "anthropic/")
"""Providers whose models litellm also knows without the prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one token of each kind costs, in pico-dollars."""

    input_pusd: int
    output_pusd: int
    """The dearer of answer and reasoning tokens, because a usage counts them together."""
    cache_read_pusd: int
    cache_write_pusd: int

    def dearest(self, other: Rates) -> Rates:
        """Return the higher of the two for each kind of token."""
        return Rates(
            input_pusd=max(self.input_pusd, other.input_pusd),
            output_pusd=max(self.output_pusd, other.output_pusd),
            cache_read_pusd=max(self.cache_read_pusd, other.cache_read_pusd),
            cache_write_pusd=max(self.cache_write_pusd, other.cache_write_pusd),
        )

    def at(self, percent: int) -> Rates:
        """Return a share of these rates, rounded up."""
        return Rates(
            input_pusd=-(-self.input_pusd * percent // 100),
            output_pusd=-(-self.output_pusd * percent // 100),
            cache_read_pusd=-(-self.cache_read_pusd * percent // 100),
            cache_write_pusd=-(-self.cache_write_pusd * percent // 100),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What calls to one model cost."""

    model: str
    """The full id, `provider/name`."""
    rates: Rates
    long_above_tokens: int | None = None
    """Prompts longer than this are charged at `long_rates`; None: one price for all lengths."""
    long_rates: Rates | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    simulated: bool = False
    """True for the offline model: the dollars are made up from another model's prices."""
    priced_as: str = ""
    """The model whose prices a simulated one, or one behind a login, borrows."""
    allowance: bool = False
    """True where a login pays: the dollars are list prices, not what a subscriber is charged."""
    overhead_tokens: int = 0
    """The most tokens that are added to each prompt on its way."""
    cache_min_tokens: int = CACHE_MIN_TOKENS
    """The fewest tokens a prefix has that the provider keeps for the next call."""
    batch_percent: int | None = None
    """What the provider charges in its batch mode, in per cent of these rates; None: the snapshot does not say."""

    def worst_nusd(self, input_tokens: int, output_tokens: int) -> Nusd:
        """Return the most a call can cost whose prompt and answer have at most these many tokens.

        Every prompt token counts at the dearest of plain, cache-read and cache-write.
        """
        rates = self._rates_for(input_tokens).dearest(self.rates)
        dearest_input = max(rates.input_pusd, rates.cache_read_pusd, rates.cache_write_pusd)
        return _to_nusd(input_tokens * dearest_input + output_tokens * rates.output_pusd)

    def in_batch(self) -> Price:
        """Return what calls would cost in the provider's batch mode."""
        percent = USUAL_BATCH_PERCENT if self.batch_percent is None else self.batch_percent
        long_rates = None if self.long_rates is None else self.long_rates.at(percent)
        return replace(self, rates=self.rates.at(percent), long_rates=long_rates)

    def cost_nusd(self, usage: TokenUsage) -> Nusd:
        """Return what a call cost that used these tokens."""
        rates = self._rates_for(usage.input_tokens)
        plain = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
        return _to_nusd(
            plain * rates.input_pusd
            + usage.cache_read_tokens * rates.cache_read_pusd
            + usage.cache_write_tokens * rates.cache_write_pusd
            + usage.output_tokens * rates.output_pusd
        )

    def _rates_for(self, input_tokens: int) -> Rates:
        """Return the rates of a prompt of this length."""
        if (
            self.long_rates is None
            or self.long_above_tokens is None
            or input_tokens <= self.long_above_tokens
        ):
            return self.rates
        return self.long_rates


def _to_nusd(pusd: int) -> Nusd:
    """Round pico-dollars up to whole nano-dollars."""
    return Nusd(-(-pusd // _PICO_PER_NANO))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices by model id, and where they come from."""

    prices: Mapping[str, Price]
    version: str
    """Date and content hash; part of a plan's hash, so that an approved price cannot change underneath."""
    date: str
    """ISO 8601 date of the snapshot."""
    source: str
    offline_priced_as: str

    @classmethod
    def load(cls, path: Path | None = None) -> PriceTable:
        """Return the shipped snapshot, with the operator's file at `path` laid over it.

        The file has the snapshot's format; only `models` is needed, and `offline` may name another model. A
        model in it replaces the shipped one whole.

        Raises:
            ConfigurationError: The file cannot be read, or a price in it is missing or not a number.
        """
        raw = _SNAPSHOT.read_bytes()
        shipped = _parse(raw, _SNAPSHOT)
        prices = _read_models(shipped, _SNAPSHOT)
        offline = str(shipped["offline"])
        if path is not None:
            extra = _read_override(path)
            raw += extra
            override = _parse(extra, path)
            prices |= _read_models(override, path)
            offline = str(override.get("offline", offline))
        if offline not in prices:
            raise ConfigurationError(
                f"{path or _SNAPSHOT}: the offline model is priced as {offline!r}, which has no price",
                remedy="name a model of the table",
            )
        prices |= _bare_names(prices) | _behind_login(prices)
        borrowed = prices[offline]
        prices[OFFLINE_MODEL] = replace(
            borrowed, model=OFFLINE_MODEL, simulated=True, priced_as=borrowed.model
        )
        date = str(shipped["date"])
        return cls(
            prices=prices,
            version=f"{date}-{hashlib.sha256(raw).hexdigest()[:12]}",
            date=date,
            source=str(shipped["source"]) + (f", {path}" if path is not None else ""),
            offline_priced_as=borrowed.model,
        )

    def price(self, model: str) -> Price | None:
        """Return the price of a model, or None when it is not known."""
        return self.prices.get(model)

    def known_models(self) -> tuple[str, ...]:
        """Return the full ids of every priced model, sorted, the offline model last."""
        return (*sorted({price.model for price in self.prices.values()} - {OFFLINE_MODEL}), OFFLINE_MODEL)

    def similar_models(self, model: str, *, limit: int = 3) -> tuple[str, ...]:
        """Return the priced models whose ids look most like an unknown one, best first."""
        wanted = model.lower()
        names = {price.model.lower(): price.model for price in self.prices.values()}
        names |= {name.lower(): price.model for name, price in self.prices.items()}
        names |= {price.model.lower().rpartition("/")[2]: price.model for price in self.prices.values()}
        found = get_close_matches(wanted, names, n=limit * 2, cutoff=0.6)
        found += get_close_matches(wanted.rpartition("/")[2], names, n=limit * 2, cutoff=0.6)
        return tuple(dict.fromkeys(names[name] for name in found))[:limit]


def _read_override(path: Path) -> bytes:
    """Read the operator's file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the price file {path} cannot be read: {error.strerror}",
            remedy="correct the path in the settings, or leave it out to use the shipped prices",
        ) from error


def _parse(raw: bytes, path: Path) -> Mapping[str, object]:
    """Parse a price file with exact numbers."""
    try:
        data: object = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}", remedy="mend the file") from error
    return _record(data, path, "the file")


def _record(value: object, path: Path, where: str) -> Mapping[str, object]:
    """Narrow to a record."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: {where} must be a record, not {type(value).__name__}")
    return cast("dict[str, object]", value)


def _read_models(data: Mapping[str, object], path: Path) -> dict[str, Price]:
    """Read every price of a file."""
    models = _record(data.get("models", {}), path, "'models'")
    return {name: _read_price(name, _record(entry, path, repr(name)), path) for name, entry in models.items()}


def _read_price(name: str, entry: Mapping[str, object], path: Path) -> Price:
    """Read one model's price; a long tier takes what it does not name from the plain one."""
    where = f"{path}: {name!r}"
    rates = _read_rates(entry, where)
    above = entry.get("above")
    long_rates, threshold = None, None
    if above is not None:
        tier = _record(above, path, f"{name!r}.above")
        long_rates = _read_rates({**entry, **tier}, f"{where}.above")
        threshold = _read_count(tier, "tokens", where)
    return Price(
        model=name,
        rates=rates,
        long_above_tokens=threshold,
        long_rates=long_rates,
        max_input_tokens=_read_count(entry, "max_input_tokens", where),
        max_output_tokens=_read_count(entry, "max_output_tokens", where),
        cache_min_tokens=_read_count(entry, "cache_min_tokens", where) or CACHE_MIN_TOKENS,
        batch_percent=_read_count(entry, "batch_percent", where),
    )


def _read_rates(entry: Mapping[str, object], where: str) -> Rates:
    """Read the rates of one tier; cached tokens cost what plain ones do unless stated."""
    plain = _read_rate(entry, "input", where)
    output = _read_rate(entry, "output", where)
    return Rates(
        input_pusd=plain,
        output_pusd=max(output, _read_rate(entry, "reasoning", where, default=0)),
        cache_read_pusd=_read_rate(entry, "cache_read", where, default=plain),
        cache_write_pusd=_read_rate(entry, "cache_write", where, default=plain),
    )


def _read_rate(entry: Mapping[str, object], name: str, where: str, *, default: int | None = None) -> int:
    """Read dollars per million tokens as pico-dollars per token, rounded up."""
    value = entry.get(name)
    if value is None and default is not None:
        return default
    rate = value if isinstance(value, Decimal) else Decimal(value) if type(value) is int else None
    if rate is None or not rate.is_finite() or rate < 0:
        raise ConfigurationError(
            f"{where}: {name!r} is {value!r}",
            remedy="give dollars per million tokens as a number of at least 0",
        )
    return int((rate * _PICO_PER_TOKEN).to_integral_value(ROUND_CEILING))


def _read_count(entry: Mapping[str, object], name: str, where: str) -> int | None:
    """Read an optional number of tokens."""
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{where}: {name!r} is {value!r}", remedy="give a whole number of tokens")
    return value


def _behind_login(prices: Mapping[str, Price]) -> dict[str, Price]:
    """Return the prices of the models that Claude Code asks for somebody who is logged in."""
    return {
        name.replace("anthropic/", CLAUDE_CLI_PREFIX, 1): replace(
            price,
            model=name.replace("anthropic/", CLAUDE_CLI_PREFIX, 1),
            priced_as=name,
            allowance=True,
            overhead_tokens=CLAUDE_CLI_OVERHEAD_TOKENS,
        )
        for name, price in prices.items()
        if name.startswith("anthropic/")
    }


def _bare_names(prices: Mapping[str, Price]) -> dict[str, Price]:
    """Return the prices again under the unprefixed names that litellm accepts."""
    return {
        name.removeprefix(provider): price
        for provider in _BARE_PROVIDERS
        for name, price in prices.items()
        if name.startswith(provider)
    }
