"""Commands of keys: the one a team's server signs answers with."""

from __future__ import annotations

import click

from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """The keys Stratum holds, outside every project."""


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
