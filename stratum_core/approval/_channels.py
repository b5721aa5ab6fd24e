"""Channels: the ways an answer can come in, and what each of them shows and does not show.

A *local* answer is given on the account that runs Stratum. It stops a hasty agent; a hostile one with the same
account's shell can imitate any of them, so none is called strong. A *remote* answer is given by another person to a
server under another account, which holds the keys and signs it.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Literal, TypeAlias

import psutil

from stratum_core.journal import Channel

__all__ = [
    "Channel",
    "ChannelClass",
    "channel_class",
    "channel_meaning",
    "inside_agent",
    "terminal_refusal",
    "this_principal",
]

ChannelClass: TypeAlias = Literal["local", "remote"]
"""Who could have given the answer: `local` is anything that runs as this account, `remote` another person's token."""

_MEANINGS: dict[Channel, str] = {
    "dialog": "answered in the client's own dialog on this account; the client vouches for it, and a hook on this "
    "account can answer in the person's place",
    "terminal": "typed at a terminal of this account; a program of this account can open a terminal of its own",
    "policy": "allowed beforehand by the operator's policy file; nobody looked at this plan",
    "flag": "allowed by a flag on the command line, for demonstrations and CI; nobody looked at this plan",
    "remote": "given by another person of the team, whose token the server checked; the server signed it",
}
_OFF = frozenset({"", "0", "false"})


def channel_class(channel: Channel) -> ChannelClass:
    """Return the class a channel belongs to."""
    return "remote" if channel == "remote" else "local"


def channel_meaning(channel: Channel) -> str:
    """Return what an answer through a channel shows and what it does not, for receipts and audits."""
    return _MEANINGS[channel]


def this_principal() -> str:
    """Return who this process acts for: the account the kernel knows it by, and the machine."""
    return f"{psutil.Process().username()}@{socket.gethostname()}"


def inside_agent(environ: Mapping[str, str]) -> bool:
    """Return whether the environment is that of an agent's shell; an agent can remove the mark."""
    return environ.get("CLAUDECODE", "").lower() not in _OFF


def terminal_refusal(environ: Mapping[str, str], *, has_terminal: bool) -> str | None:
    """Return why a terminal is no channel here, or None when a person may be asked on it."""
    if inside_agent(environ):
        return "this shell belongs to an agent; run the command in a terminal of your own"
    if not has_terminal:
        return "there is no terminal to ask on; run the command in one"
    return None
