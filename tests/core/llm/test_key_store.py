"""Provider keys from the system's keyring: after the environment, only when they are needed, and never in a text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest

from stratum_core.errors import ConfigurationError
from stratum_core.llm import (
    EnvironWithKeys,
    Missing,
    SystemKeys,
    default_model,
    find_key,
    missing_for,
    snapshot,
    system_keys,
    with_system_keys,
)
from tests.support.keyrings import ForgetfulKeyring, LockedKeyring, MemoryKeyring

KEY = "sk-" + "memory" * 6
_OPENAI = "openai/gpt-4.1-mini"
_MISSING = Missing(kind="key", name="OPENAI_API_KEY")


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """The keyring of this process."""
    before = keyring.get_keyring()
    ring = MemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def store(ring: MemoryKeyring, tmp_path: Path) -> SystemKeys:
    return SystemKeys(index=tmp_path / "keys" / "providers.json")


def test_a_stored_key_stands_in_for_a_missing_variable(store: SystemKeys) -> None:
    assert store.set("openai", f" {KEY}\n") == "tests.support.keyrings.MemoryKeyring"
    environ = EnvironWithKeys({"PATH": "/bin"}, store)
    assert (find_key(_OPENAI, environ), missing_for(_OPENAI, environ)) == (KEY, None)
    assert default_model(environ) == _OPENAI
    assert dict(environ) == {"PATH": "/bin", "OPENAI_API_KEY": KEY}
    assert len(environ) == 2


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_the_environment_comes_first_under_each_of_its_names(
    store: SystemKeys, ring: MemoryKeyring, name: str
) -> None:
    store.set("gemini", KEY)
    ring.reads = 0
    environ = EnvironWithKeys({name: "from-outside"}, store)
    assert find_key("gemini/gemini-2.5-flash", environ) == "from-outside"
    assert dict(environ) == {name: "from-outside"}
    assert ring.reads == 0


def test_an_empty_variable_counts_as_none(store: SystemKeys) -> None:
    store.set("openai", KEY)
    assert find_key(_OPENAI, EnvironWithKeys({"OPENAI_API_KEY": ""}, store)) == KEY
    assert EnvironWithKeys({"ANTHROPIC_API_KEY": ""}, store)["ANTHROPIC_API_KEY"] == ""


def test_the_keyring_is_not_opened_while_nothing_is_stored_for_a_provider(
    store: SystemKeys, ring: MemoryKeyring
) -> None:
    environ = EnvironWithKeys({}, store)
    assert (default_model(environ), missing_for(_OPENAI, environ)) == (None, _MISSING)
    store.set("mistral", KEY)
    ring.reads = 0
    assert missing_for(_OPENAI, environ) == _MISSING
    assert ring.reads == 0


def test_the_keyring_is_asked_once_until_another_key_is_stored(
    store: SystemKeys, ring: MemoryKeyring
) -> None:
    store.set("openai", KEY)
    ring.reads = 0
    environ = EnvironWithKeys({}, store)
    assert [find_key(_OPENAI, environ) for _ in range(3)] == [KEY] * 3
    assert ring.reads == 1
    SystemKeys(index=store.index).set("openai", KEY[::-1])
    assert find_key(_OPENAI, environ) == KEY[::-1]


def test_a_removed_key_is_gone_and_only_names_are_listed(store: SystemKeys, ring: MemoryKeyring) -> None:
    store.set("openai", KEY)
    store.set("anthropic", KEY)
    assert store.providers() == ("anthropic", "openai")
    assert KEY not in store.index.read_text("utf-8")
    assert (store.remove("openai"), store.remove("openai")) == (True, False)
    assert store.get("openai") is None
    assert [*ring.held] == ["stratum-runtime/anthropic"]


def test_what_the_keyring_lost_is_missing_and_can_be_removed(store: SystemKeys, ring: MemoryKeyring) -> None:
    store.set("openai", KEY)
    ring.held.clear()
    environ = EnvironWithKeys({"A": "1"}, SystemKeys(index=store.index))
    assert (missing_for(_OPENAI, environ), dict(environ)) == (_MISSING, {"A": "1"})
    assert store.remove("openai")


@pytest.mark.parametrize("key", ["", "  ", "two words", "ключ", "a\x07b", "k" * 4_097])
def test_what_is_no_key_is_not_stored_and_not_told(store: SystemKeys, ring: MemoryKeyring, key: str) -> None:
    with pytest.raises(ConfigurationError, match="this is no key") as caught:
        store.set("openai", key)
    assert not key.strip() or key not in str(caught.value)
    assert ring.held == {}


def test_a_provider_nobody_knows_is_not_told_back(store: SystemKeys) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store.set(KEY, KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (LockedKeyring(), "KeyringLocked"),
        (ForgetfulKeyring(), "did not keep it"),
        (keyring.backends.fail.Keyring(), "finds no keyring on this system"),
        (keyring.backends.null.Keyring(), "finds no keyring on this system"),
    ],
    ids=["locked", "forgetful", "none", "null"],
)
def test_a_keyring_that_cannot_keep_it_says_so_without_the_key(
    store: SystemKeys, backend: MemoryKeyring, why: str
) -> None:
    keyring.set_keyring(backend)
    with pytest.raises(ConfigurationError, match=why) as caught:
        store.set("openai", KEY)
    assert KEY not in repr(caught.value) + str(caught.value.__cause__)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert store.providers() == ()


@pytest.mark.parametrize(
    "backend", [LockedKeyring(), keyring.backends.fail.Keyring()], ids=["locked", "none"]
)
def test_a_keyring_that_cannot_be_read_is_as_good_as_empty_and_is_spoken_of(
    store: SystemKeys, backend: MemoryKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    store.set("openai", KEY)
    keyring.set_keyring(backend)
    assert missing_for(_OPENAI, EnvironWithKeys({}, SystemKeys(index=store.index))) == _MISSING
    assert "keyring" in caplog.text
    if isinstance(backend, LockedKeyring):
        with pytest.raises(ConfigurationError, match="unlock it"):
            store.remove("openai")


def test_without_the_library_it_says_how_to_get_it(
    store: SystemKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match="is not installed") as caught:
        store.set("openai", KEY)
    assert caught.value.remedy == 'pip install "stratum-runtime[keyring]"'


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"providers": 1}', b'{"providers": ["x"]}', b"\xff"])
def test_a_list_of_names_that_cannot_be_read_names_nobody(store: SystemKeys, content: bytes) -> None:
    store.index.parent.mkdir()
    store.index.write_bytes(content)
    assert store.providers() == ()


def test_neither_the_environment_nor_the_store_shows_a_key_when_printed(store: SystemKeys) -> None:
    store.set("openai", KEY)
    environ = EnvironWithKeys({"TOKEN": KEY}, store)
    assert find_key(_OPENAI, environ) == KEY
    assert KEY not in f"{environ!r}{environ}{store!r}{store.index.read_text('utf-8')}"
    assert "openai" in repr(environ)


def test_a_snapshot_is_a_copy_that_opens_nothing(store: SystemKeys, ring: MemoryKeyring) -> None:
    variables = {"A": "1"}
    store.set("openai", KEY)
    ring.reads = 0
    copy = snapshot(EnvironWithKeys(variables, store))
    variables["A"] = "2"
    assert (copy["A"], ring.reads) == ("1", 0)
    assert copy["OPENAI_API_KEY"] == KEY
    assert snapshot({"B": "1"}) == {"B": "1"}


def test_the_list_of_names_is_where_the_keys_of_stratum_are(tmp_path: Path) -> None:
    assert system_keys({"STRATUM_KEYS_DIR": str(tmp_path)}).index == tmp_path / "providers.json"
    assert system_keys({}).index.parts[-3:] == ("stratum", "keys", "providers.json")
    wrapped = with_system_keys({"STRATUM_KEYS_DIR": str(tmp_path)})
    assert with_system_keys(wrapped) is wrapped
    assert json.dumps(dict(wrapped)) == json.dumps({"STRATUM_KEYS_DIR": str(tmp_path)})
