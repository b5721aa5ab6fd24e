"""Commands of the audit trail: who agreed to what, and whether a run's record is still what was written."""

from __future__ import annotations

import click

from stratum_core.engine import AuditCheck
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["audit", "show_check"]


@click.group()
def audit() -> None:
    """The audit trail of a run: who, when, how, and whether its record was changed."""


@audit.command(name="show", cls=Verb)
@click.argument("run_id", metavar="RUN")
@click.pass_obj
def show_trail(session: Session, run_id: str) -> Exit:
    """Show who planned and approved a run, raised its cap, answered its questions and cancelled it, when and how.

    It also names each process that worked on it, and how it ended.
    """
    with session.engine() as engine:
        trail = engine.audit.trail(run_id)

    def human() -> None:
        for line in trail:
            session.say(plain_line(line))

    session.result({"run_id": run_id, "trail": list(trail)}, human)
    return Exit.OK


@audit.command(cls=Verb)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--head", default="", metavar="HEX", help="The head a receipt showed: it has to be in the chain."
)
@click.pass_obj
def verify(session: Session, run_id: str, head: str) -> Exit:
    """Check that nothing in a run's record was edited, removed or moved.

    The chain of its events is walked, its figures are compared with them, and the head noted at its end is looked for,
    as is one you kept. Ends with 1 when something was changed.
    """
    with session.engine() as engine:
        return show_check(session, engine.audit.verify(run_id, head=head))


def show_check(session: Session, found: AuditCheck) -> Exit:
    """Write what a look at a run's record found, and return the exit code."""

    def human() -> None:
        if not found.ok:
            place = "" if found.first_bad_seq is None else f" at event {found.first_bad_seq}"
            session.say(f"The record was changed{place}: {found.reason}")
            return
        session.say(f"The record is whole: {found.events} events, head {found.head}")
        for head, seq in found.noted.items():
            since = "the last one" if seq == found.events else f"{found.events - (seq or 0)} have come since"
            session.say(f"  noted head {head[:12]}... is event {seq}, {since}")

    session.result(found.to_json(), human)
    return Exit.OK if found.ok else Exit.FAILED
