"""`stratum keys`: typed by a person where nobody sees it, listed by name, removed; never an argument."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest

from tests.cli._command import Done, at_terminal
from tests.support.jobs import Job
from tests.support.keyrings import MemoryKeyring

KEY = "sk-" + "typed" * 6
ROOT = Path(__file__).parents[2]


@pytest.fixture
def ring(job: Job, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """The keyring of this process, and a folder for the names."""
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(job.folder.parent / "keys"))
    before = keyring.get_keyring()
    ring = MemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def _environ(job: Job, **more: str) -> dict[str, str]:
    """Return the environment of a process whose keyring is a file."""
    names = ("PATH", "HOME")
    return {
        **{name: os.environ[name] for name in names},
        **job.environ,
        "STRATUM_KEYS_DIR": str(job.folder.parent / "keys"),
        "PYTHON_KEYRING_BACKEND": "tests.support.keyrings.FileKeyring",
        "PYTHONPATH": str(ROOT),
        "TEST_KEYRING": str(job.folder.parent / "ring.json"),
        **more,
    }


@pytest.mark.slow
def test_a_person_types_a_key_that_is_not_shown_and_a_run_finds_it(job: Job) -> None:
    done = at_terminal(
        ["keys", "set", "openai"],
        answers={"Key of openai (not shown): ": KEY},
        cwd=job.folder,
        environ=_environ(job),
    )
    assert done.code == 0
    assert "The key of openai is kept by tests.support.keyrings.FileKeyring." in done.out
    assert KEY not in done.out
    assert json.loads((job.folder.parent / "ring.json").read_text("utf-8")) == {"stratum-runtime/openai": KEY}
    assert KEY not in (job.folder.parent / "keys" / "providers.json").read_text("utf-8")


@pytest.mark.slow
def test_in_an_agents_shell_it_is_not_asked_for(job: Job) -> None:
    done = at_terminal(
        ["keys", "set", "openai"], answers={}, cwd=job.folder, environ=_environ(job, CLAUDECODE="1")
    )
    assert done.code == 3
    assert "this shell belongs to an agent" in done.out
    assert not (job.folder.parent / "ring.json").exists()


def test_without_a_terminal_it_is_not_asked_for(ring: MemoryKeyring, stratum: Callable[..., Done]) -> None:
    done = stratum("keys", "set", "openai")
    assert (done.code, "there is no terminal to ask on" in done.err) == (3, True)


@pytest.mark.parametrize("arguments", [("openai", KEY), ("openai", "--json", KEY), (KEY,)])
def test_a_key_is_no_argument_and_is_not_told_back(
    ring: MemoryKeyring, stratum: Callable[..., Done], arguments: tuple[str, ...]
) -> None:
    done = stratum("keys", "set", *arguments)
    assert done.code == 1
    assert KEY not in done.out + done.err
    assert "the key is asked for" in done.out + done.err


def test_only_names_are_listed_with_where_their_keys_are(
    ring: MemoryKeyring, stratum: Callable[..., Done], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No provider has a key here" in stratum("keys", "list").out
    (job.folder.parent / "keys").mkdir()
    (job.folder.parent / "keys" / "providers.json").write_text(
        '{"providers": ["openai", "mistral"]}', "utf-8"
    )
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    done = stratum("keys", "list")
    assert done.out.splitlines() == ["openai: keyring", "mistral: environment (MISTRAL_API_KEY), keyring"]
    assert stratum("keys", "list", "--json").record() == {
        "environment": ["mistral"],
        "keyring": ["mistral", "openai"],
    }
    assert ring.reads == 0


def test_a_key_is_removed_by_the_name_of_its_provider(
    ring: MemoryKeyring, stratum: Callable[..., Done], job: Job
) -> None:
    assert "No key of openai is kept here" in stratum("keys", "remove", "openai").out
    (job.folder.parent / "keys").mkdir()
    (job.folder.parent / "keys" / "providers.json").write_text('{"providers": ["openai"]}', "utf-8")
    ring.held["stratum-runtime/openai"] = KEY
    assert stratum("keys", "remove", "openai", "--json").record() == {"provider": "openai", "removed": True}
    assert ring.held == {}
    done = stratum("keys", "remove", KEY)
    assert (done.code, KEY in done.err) == (1, False)
