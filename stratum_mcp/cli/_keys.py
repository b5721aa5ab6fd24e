"""Commands of keys: those of providers in the system's keyring, and the one a team's server signs answers with.

A provider's key is typed by a person on a terminal, where it is not shown. It is no argument, because arguments stand
in the shell's history and in the list of processes; it is not read from a pipe, and not in an agent's shell, because
then an agent has seen it.
"""

from __future__ import annotations

import getpass
import sys
import warnings

import click

from stratum_core.engine import Settings
from stratum_core.errors import ConfigurationError, NeedsApproval
from stratum_mcp.cli._approval import no_terminal
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """The keys Stratum holds, outside every project."""


@keys.command(name="set", cls=Verb)
@click.argument("provider")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.pass_obj
def set_key(session: Session, *, provider: str, more: tuple[str, ...]) -> Exit:
    """Store a provider's key in the system's keyring; it is asked for and not shown.

    PROVIDER is a name such as anthropic, openai, gemini or mistral. A key in the environment comes first. Needs a
    terminal, refuses inside an agent's shell, and takes no key as an argument or from a pipe.
    """
    store = Settings.stored_keys(session.environ, cwd=session.cwd)
    if more or provider not in store.known:
        seen = "a key is never an argument: it would stand in the history of your shell, and in the list of processes"
        raise ConfigurationError(
            seen if more else "this is no provider whose keys can be kept",
            remedy="type `stratum keys set PROVIDER` with one of "
            + ", ".join(store.known)
            + "; the key is asked for. "
            "Replace a key that was typed into a command",
        )
    reason = no_terminal(session)
    if reason:
        raise NeedsApproval(
            f"the key was not asked for: {reason}",
            remedy=f"a person types it in a terminal of their own: stratum keys set {provider}",
        )
    kept_by = store.set(provider, _typed(f"Key of {provider} (not shown): "))
    variable = next((name for name in store.known[provider] if session.environ.get(name)), None)

    def human() -> None:
        session.say(f"The key of {provider} is kept by {kept_by}.")
        if variable:
            session.say(f"{variable} is set in this environment and comes first.")

    session.result({"provider": provider, "kept_by": kept_by, "overridden_by": variable}, human)
    return Exit.OK


@keys.command(name="list", cls=Verb)
@click.pass_obj
def list_keys(session: Session) -> Exit:
    """Name the providers with a key, in the environment or in the keyring; no key is read or shown."""
    store = Settings.stored_keys(session.environ, cwd=session.cwd)
    found = {
        name: next((each for each in variables if session.environ.get(each)), None)
        for name, variables in store.known.items()
    }
    stored = store.providers()

    def human() -> None:
        for name, variable in found.items():
            places = [f"environment ({variable})"] if variable else []
            places += ["keyring"] if name in stored else []
            if places:
                session.say(f"{name}: {', '.join(places)}")
        if not stored and not any(found.values()):
            session.say("No provider has a key here. `stratum keys set PROVIDER` asks for one.")

    session.result({"environment": [name for name in found if found[name]], "keyring": list(stored)}, human)
    return Exit.OK


@keys.command(name="remove", cls=Verb)
@click.argument("provider")
@click.pass_obj
def remove_key(session: Session, *, provider: str) -> Exit:
    """Remove a provider's key from the system's keyring."""
    store = Settings.stored_keys(session.environ, cwd=session.cwd)
    if provider not in store.known:
        raise ConfigurationError(
            "this is no provider whose keys can be kept", remedy=f"name one of {', '.join(store.known)}"
        )
    removed = store.remove(provider)
    session.result(
        {"provider": provider, "removed": removed},
        lambda: session.say(
            f"The key of {provider} is removed." if removed else f"No key of {provider} is kept here."
        ),
    )
    return Exit.OK


def _typed(prompt: str) -> str:
    """Return what a person types without it being shown.

    Raises:
        ConfigurationError: The terminal cannot hide it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt, stream=sys.stderr)
    except getpass.GetPassWarning as error:
        raise ConfigurationError(
            "this terminal cannot hide what is typed", remedy="use another terminal"
        ) from error
    except EOFError:
        raise click.Abort from None


@keys.command(cls=Verb)
@click.pass_obj
def rotate(session: Session) -> Exit:
    """Make a new key to sign other people's answers with, and destroy the old one.

    Answers signed before stay good until they expire, because the old key's public half is kept. Restart nothing: the
    server reads the key whenever it signs.
    """
    signing = session.settings().signing_keys
    old = signing.current()
    new = signing.rotate()
    session.result(
        {"key": new, "replaced": old, "known": list(signing.known())},
        lambda: session.say(f"Answers are signed with key {new} from now on{f', not {old}' if old else ''}."),
    )
    return Exit.OK
