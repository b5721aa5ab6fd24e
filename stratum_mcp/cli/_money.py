"""Commands about money: what is spent and reserved of the operator's limits, and a higher cap for a run."""

from __future__ import annotations

import sys
from decimal import Decimal

import click

from stratum_core.engine import ApprovalView, Engine, SpendView, Spent
from stratum_core.errors import InputError, NeedsApproval
from stratum_core.money import format_usd, to_nusd
from stratum_mcp.cli._approval import no_terminal
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["approve_more", "revoke", "spend", "spent_words"]

_PROMPT = "Type yes to let it go on under this cap, no to refuse for good; anything else decides nothing: "


@click.command(cls=Verb)
@click.pass_obj
def spend(session: Session) -> Exit:
    """Show what is spent and reserved today and by this project, and which runs hold money."""
    with session.engine() as engine:
        view = engine.money.spend()
    session.result(view.to_json(), lambda: _show(session, view))
    return Exit.OK


@click.command(cls=Verb)
@click.argument("id")
@click.option("--note", default="", help="Why, for the audit trail.")
@click.pass_obj
def revoke(session: Session, id: str, note: str) -> Exit:
    """Take back a yes that was not used yet: to a plan, or to a higher cap of a run. Only a new plan asks again.

    ID is a plan or a run. It can only stop spending, so it needs no terminal; a run that has started is cancelled.
    """
    channel = "flag" if no_terminal(session) else "terminal"
    with session.engine() as engine:
        if id.startswith("run"):
            line = engine.answers.revoke_more(id, channel=channel, note=note)
            session.result({"run_id": id, "state": "revoked"}, lambda: session.say(line))
        else:
            view = engine.answers.revoke(id, channel=channel, note=note)
            session.result(view.to_json(), lambda: session.say(view.message))
    return Exit.OK


def approve_more(session: Session, engine: Engine, run_id: str, cap_usd: float | None) -> ApprovalView:
    """Ask for a run that came to its cap, unless it is decided, and record the answer; the first decision stands.

    Raises:
        RunError: There is no such run, or it did not come to its cap.
        InputError: No cap was named.
        NeedsApproval: There is no terminal to ask on, or it is an agent's.
    """
    question = engine.money.question(run_id)
    view = engine.money.standing(run_id)
    if view.state != "needs_approval":
        return view
    if cap_usd is None:
        raise InputError(
            f"run {run_id} needs a new cap", remedy=f"name it: {session.command('approve', run_id)} --cap USD"
        )
    reason = no_terminal(session)
    if reason:
        raise NeedsApproval(
            f"run {run_id} was given no more money: {reason}",
            remedy=f"a person types it in a terminal of their own: {session.command('approve', run_id)} --cap USD",
        )
    cap_nusd = to_nusd(Decimal(str(cap_usd)))
    session.say(f"{question}\nThe new cap: {format_usd(cap_nusd)}.", err=True)
    click.echo(_PROMPT, nl=False, err=True)
    typed = sys.stdin.readline().strip().lower()
    if typed not in {"yes", "no"}:
        session.say("Nothing was decided.", err=True)
        return engine.money.standing(run_id)
    return engine.money.decide(run_id, cap_nusd=cap_nusd, approved=typed == "yes", channel="terminal")


def _show(session: Session, view: SpendView) -> None:
    """Write the sums, then the runs behind what is reserved."""
    session.say(f"Today ({view.day} UTC): {spent_words(view.today, view.day_limit_nusd)}")
    session.say(
        f"Project {plain_line(view.project)}: {spent_words(view.by_project, view.project_limit_nusd)}"
    )
    for hold in view.holds:
        session.say(
            f"  {hold.run_id} ({view.states[hold.run_id].replace('_', ' ')}) holds {format_usd(hold.held_nusd)} "
            f"since {hold.day}, project {plain_line(hold.project)}"
        )


def spent_words(spent: Spent, limit_nusd: int | None) -> str:
    """Return what counts of a limit and what is left of it."""
    sums = f"{format_usd(spent.spent_nusd)} spent, {format_usd(spent.held_nusd)} reserved"
    if limit_nusd is None:
        return f"{sums}; no limit"
    return f"{sums}; {format_usd(max(0, limit_nusd - spent.nusd))} left of {format_usd(limit_nusd)}"
