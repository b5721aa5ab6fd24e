"""Which provider a model belongs to, which key or program it lacks, and which model to use when nobody named one.

Keys are only looked up here, by name; their values never leave the environment mapping that is passed in.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, assert_never
from urllib.parse import urlsplit

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError
from stratum_core.llm._prices import CLAUDE_CLI_PREFIX, OFFLINE_MODEL

__all__ = [
    "KEY_VARIABLES",
    "Missing",
    "claude_program",
    "default_model",
    "endpoint_of",
    "endpoint_variables",
    "find_key",
    "missing_for",
    "provider_of",
    "required_key",
    "ways_to_a_model",
]

_ENDPOINT_ENDINGS: Final = ("_BASE_URL", "_API_BASE", "_API_BASE_URL", "_API_URL", "_ENDPOINT")
"""How the variables end that client libraries take a provider's address from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """How a provider is reached."""

    key_names: tuple[str, ...]
    """Environment variables that may hold its key, the usual one first."""
    default: str
    """A cheap, quick model that answers without hidden reasoning where the provider has one."""


_PROVIDERS: Final[Mapping[str, _Provider]] = {
    # In the order of preference for a default: providers that hold a model to a schema exactly come first.
    "anthropic": _Provider(key_names=("ANTHROPIC_API_KEY",), default="anthropic/claude-haiku-4-5"),
    "openai": _Provider(key_names=("OPENAI_API_KEY",), default="openai/gpt-4.1-mini"),
    "gemini": _Provider(
        key_names=("GEMINI_API_KEY", "GOOGLE_API_KEY"), default="gemini/gemini-2.5-flash-lite"
    ),
    "mistral": _Provider(key_names=("MISTRAL_API_KEY",), default="mistral/mistral-small-latest"),
    "xai": _Provider(key_names=("XAI_API_KEY",), default="xai/grok-4.20-non-reasoning"),
    "groq": _Provider(key_names=("GROQ_API_KEY",), default="groq/openai/gpt-oss-20b"),
    "cerebras": _Provider(key_names=("CEREBRAS_API_KEY",), default="cerebras/gpt-oss-120b"),
    "deepseek": _Provider(key_names=("DEEPSEEK_API_KEY",), default="deepseek/deepseek-v4-flash"),
    "together_ai": _Provider(
        key_names=("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
        default="together_ai/openai/gpt-oss-120b",
    ),
    "moonshot": _Provider(key_names=("MOONSHOT_API_KEY",), default="moonshot/kimi-k2.5"),
    # Priced only by an operator's price file, so never a default.
    "openrouter": _Provider(key_names=("OPENROUTER_API_KEY",), default=""),
    "fireworks_ai": _Provider(key_names=("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"), default=""),
    "cohere": _Provider(key_names=("COHERE_API_KEY", "CO_API_KEY"), default=""),
    "perplexity": _Provider(key_names=("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"), default=""),
    "azure": _Provider(key_names=("AZURE_API_KEY",), default=""),
}

KEY_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    name: provider.key_names for name, provider in _PROVIDERS.items()
}
"""Provider -> the environment variables that may hold its key, the usual one first."""

_LOGIN_PROGRAM: Final = "claude"
_BEHIND_LOGIN: Final = f"{CLAUDE_CLI_PREFIX}claude-haiku-4-5"

_BARE_NAMES: Final = (
    ("claude-", "anthropic"),
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
)


def provider_of(model: str) -> str:
    """Return the provider a model id names, or `""` when it names none that is known.

    Bare ids of OpenAI and Anthropic are recognised, as litellm does.
    """
    prefix, slash, _ = model.partition("/")
    if slash:
        return prefix
    return next((provider for start, provider in _BARE_NAMES if model.startswith(start)), "")


def required_key(model: str) -> str | None:
    """Return the environment variable that holds the model's key, or None when none is known to be needed."""
    provider = _PROVIDERS.get(provider_of(model))
    return provider.key_names[0] if provider else None


def ways_to_a_model(variable: str = "ANTHROPIC_API_KEY") -> str:
    """Return, as the remedy of an error, the three ways to get answers when this key is not there."""
    provider = _provider_with(variable)
    return (
        f"set {variable} where Stratum runs (or store the key: `stratum keys set {provider}`), or name a model behind "
        f"your Claude Code login such as {_BEHIND_LOGIN}, or take the built-in model `{OFFLINE_MODEL}`"
    )


def _provider_with(variable: str) -> str:
    """Return the provider whose key a variable may hold."""
    return next((name for name, names in KEY_VARIABLES.items() if variable in names), "PROVIDER")


def find_key(model: str, environ: Mapping[str, str]) -> str | None:
    """Return the model's key from the environment, or None."""
    provider = _PROVIDERS.get(provider_of(model))
    return next(filter(None, (environ.get(name) for name in provider.key_names)), None) if provider else None


def claude_program(environ: Mapping[str, str]) -> str | None:
    """Return where the `claude` program is, None when it is not on the environment's PATH."""
    return shutil.which(_LOGIN_PROGRAM, path=environ.get("PATH", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What has to be there before a model can be called, in words that fit what it is."""

    kind: Literal["key", "program"]
    name: str
    """The environment variable that would hold the key, or the program behind the login."""

    @property
    def told(self) -> str:
        """What follows `needs` in a message."""
        match self.kind:
            case "key":
                return f"a key, but {self.name} is not set"
            case "program":
                return f"the `{self.name}` program, which is not on PATH"
            case _ as never:
                assert_never(never)

    @property
    def cure(self) -> str:
        """What a person does to have it there: the only way where the model is fixed."""
        match self.kind:
            case "key":
                return (
                    f"set {self.name} where Stratum runs (or `stratum keys set {_provider_with(self.name)}`)"
                )
            case "program":
                return f"install Claude Code and log in, so that `{self.name}` is on PATH where Stratum runs"
            case _ as never:
                assert_never(never)

    @property
    def remedy(self) -> str:
        """What a person can do where another model would serve, too."""
        match self.kind:
            case "key":
                return ways_to_a_model(self.name)
            case "program":
                return (
                    "install Claude Code and log in, set a provider key such as ANTHROPIC_API_KEY (or store it: "
                    f"`stratum keys set anthropic`), or take the built-in model `{OFFLINE_MODEL}`"
                )
            case _ as never:
                assert_never(never)

    @property
    def detail(self) -> dict[str, JsonValue]:
        """The same for a machine."""
        return {"variable" if self.kind == "key" else "program": self.name}


def missing_for(model: str, environ: Mapping[str, str]) -> Missing | None:
    """Return what the model lacks before it can be called, or None: nothing that is known."""
    if model.startswith(CLAUDE_CLI_PREFIX):
        return None if claude_program(environ) else Missing(kind="program", name=_LOGIN_PROGRAM)
    name = None if find_key(model, environ) else required_key(model)
    return None if name is None else Missing(kind="key", name=name)


def endpoint_of(model: str, environ: Mapping[str, str]) -> str | None:
    """Return the address the environment sets for the model's provider, or None: the provider's own.

    Raises:
        ConfigurationError: It is no plain http address, or holds a user name or a query: it is shown and stored.
    """
    names = _endpoint_names(provider_of(model))
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return None
    url = environ[name]
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ConfigurationError(
            f"{name} is not a plain http address, so nobody could be told where prompts go",
            remedy="write it as https://host[:port]/path, without a user name or a query, or unset it",
            detail={"variable": name},
        )
    return url


def endpoint_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that would redirect requests behind the plan's back, of any provider."""
    named = {name for provider in _PROVIDERS for name in _endpoint_names(provider)}
    return tuple(name for name in environ if name in named or name.endswith(_ENDPOINT_ENDINGS[:3]))


def _endpoint_names(provider: str) -> tuple[str, ...]:
    """Return the variables that may hold a provider's address, by the names its keys have."""
    known = _PROVIDERS.get("anthropic" if provider == CLAUDE_CLI_PREFIX.removesuffix("/") else provider)
    keys = known.key_names if known else ()
    stems = dict.fromkeys((provider.upper(), *(name.removesuffix("_API_KEY") for name in keys)))
    return tuple(f"{stem}{ending}" for stem in stems if stem for ending in _ENDPOINT_ENDINGS)


def default_model(environ: Mapping[str, str]) -> str | None:
    """Return a sensible, cheap model of the first provider whose key is present.

    Without any key it is one behind the person's own Claude Code login, where that program is there; else None.
    """
    login = _BEHIND_LOGIN if claude_program(environ) else None
    return next(
        (
            provider.default
            for provider in _PROVIDERS.values()
            if provider.default and any(environ.get(name) for name in provider.key_names)
        ),
        login,
    )
