"""`stratum doctor`: what is wrong with this installation, where, and what to do about it."""

from __future__ import annotations

import click

from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.install import Finding, examine

__all__ = ["doctor"]

_MARKS = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}


@click.command(cls=Verb)
@click.pass_obj
def doctor(session: Session) -> Exit:
    """Look for what is wrong with this installation, and say what to do about it.

    Looks at Python, PATH, the provider library, policy and prices, the state directory, the model and its key, starts
    the server, and asks Claude Code whether it sees it. Changes nothing. Ends with 1 when something is wrong.
    """
    found = examine(session.environ, session.cwd)
    faults = [each for each in found if each.state == "fault"]

    def human() -> None:
        for each in found:
            _told(session, each)
        session.say("All is well." if not faults else f"{len(faults)} to mend.")

    session.result({"ok": not faults, "findings": [each.to_json() for each in found]}, human)
    return Exit.FAILED if faults else Exit.OK


def _told(session: Session, finding: Finding) -> None:
    """Write a finding; where and what to do only when something is to be done or known."""
    session.say(f"{_MARKS[finding.state]} {finding.check}: {finding.what}")
    if finding.state != "ok":
        for line in filter(None, (finding.where, finding.remedy)):
            session.say(f"        {line}")
