"""Provider keys in the system's own keyring, for those who do not want them in their environment.

The environment comes first; the keyring is opened only when the environment has no key of a provider and one was
stored for it. Which providers have one stands in a small file without secrets, so nothing is opened to find out. A key
goes from here into the environment of a runner and nowhere else: it is in no log, error, reply or trace.

The library `keyring` is an optional part of the installation (`stratum-runtime[keyring]`) and is imported when the
first key is read or stored.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, cast

import platformdirs

from stratum_core.errors import ConfigurationError
from stratum_core.llm._keys import KEY_VARIABLES

__all__ = ["EnvironWithKeys", "KeyStore", "SystemKeys", "snapshot", "system_keys", "with_system_keys"]

_SERVICE: Final = "stratum-runtime"
_INDEX: Final = "providers.json"
_MAX_KEY_CHARACTERS: Final = 4_096
_WITHOUT_STORE: Final = ("keyring.backends.fail", "keyring.backends.null")
_PLAIN_TEXT: Final = ("keyrings.alt.file.PlaintextKeyring",)
_log = logging.getLogger(__name__)


class KeyStore(Protocol):
    """Where keys are kept, by the name of their provider."""

    def providers(self) -> tuple[str, ...]:
        """Return which providers have a key here, without reading one."""
        ...

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None."""
        ...


class _Backend(Protocol):
    """One way the library `keyring` keeps secrets."""

    get_password: Callable[[str, str], str | None]
    set_password: Callable[[str, str, str], None]
    delete_password: Callable[[str, str], None]


class _Library(Protocol):
    """The module `keyring`."""

    get_keyring: Callable[[], _Backend]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemKeys:
    """The system's keyring, through the library `keyring`."""

    index: Path
    """Names the providers that have a key there; holds no secret."""
    _read: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str], repr=False)
    """(content of the index, provider) -> key, so that the keyring is asked once until a key is stored again."""

    @property
    def known(self) -> Mapping[str, tuple[str, ...]]:
        """The providers whose keys can be kept, each with the environment variables that may hold its key."""
        return KEY_VARIABLES

    def providers(self) -> tuple[str, ...]:
        """Return which providers have a key, in order, without opening the keyring."""
        return tuple(sorted(self._names(self._index_text())))

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None; a keyring that cannot be read is logged and holds none."""
        text = self._index_text()
        if provider not in self._names(text):
            return None
        known = self._read.get((text, provider))
        if known is None:
            try:
                known = _backend().get_password(_SERVICE, provider)
            except ConfigurationError as fault:
                _log.warning("%s", fault)
            except Exception as fault:  # noqa: BLE001 - every back end fails in its own way
                _log.warning("the system keyring could not be read: %s", type(fault).__name__)
            if known:
                self._read[text, provider] = known
        return known or None

    def set(self, provider: str, key: str) -> str:
        """Store a key in place of the one there was; give the name of what keeps it.

        Raises:
            ConfigurationError: The provider or the key cannot be one, or no keyring keeps it; the key is not told.
        """
        if provider not in KEY_VARIABLES:
            raise ConfigurationError(
                "this is no provider whose keys can be kept", remedy=f"name one of {', '.join(KEY_VARIABLES)}"
            )
        key = key.strip()
        if (
            not key
            or len(key) > _MAX_KEY_CHARACTERS
            or not key.isascii()
            or not key.isprintable()
            or " " in key
        ):
            raise ConfigurationError(
                "this is no key: a key is one line of at most 4,096 letters, digits and signs",
                remedy="copy it again from the provider's page",
            )
        backend = _backend()
        name = f"{type(backend).__module__}.{type(backend).__qualname__}"
        try:
            backend.set_password(_SERVICE, provider, key)
            kept = backend.get_password(_SERVICE, provider) == key
        except Exception as fault:  # noqa: BLE001 - its text may hold what was stored, so it is not passed on
            raise _unusable(type(fault).__name__, provider) from None
        if not kept:
            raise _unusable(f"{name} did not keep it", provider)
        self._write({*self.providers(), provider})
        return name

    def remove(self, provider: str) -> bool:
        """Remove a provider's key; return whether there was one.

        Raises:
            ConfigurationError: The keyring cannot be opened.
        """
        if provider not in self.providers():
            return False
        backend = _backend()
        try:
            if backend.get_password(_SERVICE, provider) is not None:
                backend.delete_password(_SERVICE, provider)
        except Exception as fault:
            raise _unusable(type(fault).__name__, provider) from fault
        self._write({*self.providers()} - {provider})
        return True

    def _index_text(self) -> str:
        try:
            return self.index.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _names(self, text: str) -> frozenset[str]:
        """Return the known providers an index names; none where it cannot be read."""
        try:
            found = cast("Mapping[str, object]", json.loads(text or "{}")).get("providers")
        except (ValueError, AttributeError):
            return frozenset()
        return frozenset(name for name in KEY_VARIABLES if isinstance(found, list) and name in found)

    def _write(self, providers: set[str]) -> None:
        """Write the index anew, in one step; it differs each time, so that other processes read keys again."""
        self.index.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps({"providers": sorted(providers), "stamp": os.urandom(8).hex()})
        beside = self.index.with_name(f".{self.index.name}.{os.getpid()}")
        beside.write_text(content, "utf-8")
        beside.replace(self.index)


class EnvironWithKeys(Mapping[str, str]):
    """An environment whose missing provider keys come from a store, one by one, when they are asked for."""

    def __init__(self, environ: Mapping[str, str], store: KeyStore) -> None:
        self._environ = environ
        self._store = store

    def snapshot(self) -> EnvironWithKeys:
        """Return the same over a copy of the environment; keys are still read when they are asked for."""
        return EnvironWithKeys(dict(self._environ), self._store)

    def __getitem__(self, name: str) -> str:
        found = self._environ.get(name)
        if not found and name in _PROVIDER_OF:
            found = self._stored(_PROVIDER_OF[name]) or found
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._environ
        for provider in self._store.providers():
            name = KEY_VARIABLES[provider][0]
            if name not in self._environ and self._stored(provider):
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        stored = ", ".join(self._store.providers())
        return f"<environment of {len(self._environ)} variables, stored keys: {stored or 'none'}>"

    def _stored(self, provider: str) -> str | None:
        """Return the stored key of a provider that has none in the environment under any of its names."""
        if any(self._environ.get(alias) for alias in KEY_VARIABLES[provider]):
            return None
        return self._store.get(provider)


_PROVIDER_OF: Final = {names[0]: provider for provider, names in KEY_VARIABLES.items()}


def system_keys(environ: Mapping[str, str]) -> SystemKeys:
    """Return the keyring of this account; `STRATUM_KEYS_DIR` says where the names of its providers are."""
    named = environ.get("STRATUM_KEYS_DIR")
    folder = Path(named) if named else Path(platformdirs.user_config_dir("stratum")) / "keys"
    return SystemKeys(index=folder / _INDEX)


def with_system_keys(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment in which keys that are missing come from the system's keyring."""
    return environ if isinstance(environ, EnvironWithKeys) else EnvironWithKeys(environ, system_keys(environ))


def snapshot(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return a copy of an environment that later changes do not reach, without opening a keyring for it."""
    return environ.snapshot() if isinstance(environ, EnvironWithKeys) else dict(environ)


def _backend() -> _Backend:
    """Return the keyring of this system.

    Raises:
        ConfigurationError: The library is not installed, or it finds no keyring, or only one that hides nothing.
    """
    try:
        library = cast("_Library", importlib.import_module("keyring"))
    except ImportError as error:
        raise ConfigurationError(
            "the library `keyring` is not installed", remedy='pip install "stratum-runtime[keyring]"'
        ) from error
    backend = library.get_keyring()
    module = type(backend).__module__
    name = f"{module}.{type(backend).__qualname__}"
    if module in _WITHOUT_STORE or name in _PLAIN_TEXT:
        what = "would keep keys as plain text" if name in _PLAIN_TEXT else "finds no keyring on this system"
        raise ConfigurationError(
            f"the library `keyring` {what} ({name})",
            remedy="start a keyring service, or set the key as an environment variable",
        )
    return backend


def _unusable(why: str, provider: str) -> ConfigurationError:
    return ConfigurationError(
        f"the system keyring cannot be used for {provider}: {why}",
        remedy=f"unlock it, or set {KEY_VARIABLES[provider][0]} in the environment where Stratum runs",
    )
