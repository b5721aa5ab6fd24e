"""Commands of the audit trail: who agreed to what, and whether a run's record is still what was written.

Without a run, `stratum audit` is the log of them all.
"""

from __future__ import annotations

import click

from stratum_core.engine import AuditCheck, counted
from stratum_mcp.cli._age import Since
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["audit", "show_check"]


class _Audit(click.Group):
    """A group that shows the log when no other command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the log in where nothing but options stands."""
        options_only = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        return super().parse_args(ctx, ["log", *args] if options_only else args)


@click.group(cls=_Audit)
def audit() -> None:
    """The audit trail: who agreed to what, when and how, and whether a run's record was changed.

    Without a command it is the log of all runs: `stratum audit --since 7d`.
    """


@audit.command(cls=Verb)
@click.option(
    "--since",
    type=Since(),
    default="30d",
    show_default=True,
    help="An age, 36h, 30d, 8w, or a day, 2026-01-31.",
)
@click.pass_obj
def log(session: Session, since: int) -> Exit:
    """Show every answer of a person or the policy, and each run that began or ended, by date, one line each."""
    with session.engine() as engine:
        entries = engine.audit.log(since_ms=since)

    def human() -> None:
        for entry in entries:
            session.say(plain_line(entry.line))
        if not entries:
            session.say("Nothing was answered or run in this time.")

    session.result([entry.to_json() for entry in entries], human)
    return Exit.OK


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
        session.say(f"The record is whole: {counted(found.events, 'event')}, head {found.head}")
        for head, seq in found.noted.items():
            since = "the last one" if seq == found.events else f"{found.events - (seq or 0)} have come since"
            session.say(f"  noted head {head[:12]}... is event {seq}, {since}")

    session.result(found.to_json(), human)
    return Exit.OK if found.ok else Exit.FAILED
