"""What the people of a team do, for the operator on the server's machine; and what waits for those who answer.

A person's plans, runs and answers lie in a state directory of their own; each command opens one after the other and
only looks. With `--server` nothing local is read: the server is asked as the person of the token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine
from stratum_core.money import format_usd, to_nusd, to_usd
from stratum_mcp.cli._age import Since
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._money import spent_words
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.cli._team_options import own_token, server_settings, team_file
from stratum_mcp.plain import plain_line
from stratum_mcp.team import Approvals, load_team, looking_at, people_with_state

__all__ = ["approvals", "log", "runs", "spend"]

_T = TypeVar("_T")


@click.command(cls=Verb)
@team_file
@click.pass_obj
def runs(session: Session, path: Path) -> Exit:
    """List the runs of all people, each person's newest first."""
    found = _of_all(session, path, lambda engine: engine.runs())

    def human() -> None:
        for name, views in found:
            for run in views:
                items = f"{run.done}/{run.total}" if run.total else ""
                cost = f"{format_usd(run.charged_nusd)}{' (simulated)' if run.simulated else ''}"
                state = run.state.replace("_", " ") if run.readable else "unreadable"
                session.say(
                    f"{name:<16} {run.run_id}  {state:<24} {items:>9}  {cost if run.readable else '?'}"
                )
        if not any(views for _, views in found):
            session.say("No runs yet.")

    session.result([{"person": name, **run.to_json()} for name, views in found for run in views], human)
    return Exit.OK


@click.command(cls=Verb)
@team_file
@click.pass_obj
def spend(session: Session, path: Path) -> Exit:
    """Show what each person has spent and reserved today (UTC), what is left of their limit, and the sum."""
    found = _of_all(session, path, lambda engine: engine.money.spend())
    spent_nusd = sum(view.today.spent_nusd for _, view in found)
    held_nusd = sum(view.today.held_nusd for _, view in found)

    def human() -> None:
        for name, view in found:
            session.say(f"{name:<16} {spent_words(view.today, view.day_limit_nusd)}")
        session.say(
            f"{'all':<16} {format_usd(spent_nusd)} spent, {format_usd(held_nusd)} reserved today (UTC)"
        )

    record: dict[str, JsonValue] = {
        "people": [{"person": name, **view.to_json()} for name, view in found],
        "spent_usd": float(to_usd(spent_nusd)),
        "held_usd": float(to_usd(held_nusd)),
    }
    session.result(record, human)
    return Exit.OK


@click.command(name="audit", cls=Verb)
@click.option(
    "--since",
    type=Since(),
    default="30d",
    show_default=True,
    help="An age, 36h, 30d, 8w, or a day, 2026-01-31.",
)
@team_file
@click.pass_obj
def log(session: Session, since: int, path: Path) -> Exit:
    """Show every answer and each run that began or ended, of all people by date, one line each."""
    found = _of_all(session, path, lambda engine: engine.audit.log(since_ms=since))
    entries = sorted(
        ((name, entry) for name, listed in found for entry in listed), key=lambda each: each[1].at_ms
    )

    def human() -> None:
        for name, entry in entries:
            session.say(f"{name:<16} {plain_line(entry.line)}")
        if not entries:
            session.say("Nothing was answered or run in this time.")

    session.result([{"person": name, **entry.to_json()} for name, entry in entries], human)
    return Exit.OK


@click.command(cls=Verb)
@click.option(
    "--server", metavar="URL", help="Ask the team's server what waits for you; STRATUM_TOKEN is yours."
)
@click.option("--team", "path", type=click.Path(path_type=Path), envvar="STRATUM_TEAM", help="The team file.")
@click.pass_obj
def approvals(session: Session, server: str | None, path: Path | None) -> Exit:
    """List the plans that wait for another person's yes, and who may give it.

    Somebody who answers for others asks the server: stratum team approvals --server URL. The token comes from
    STRATUM_TOKEN, or is asked for; it is never an argument.
    """
    if server is not None:
        plans = [dict(plan) for plan in Approvals(server, own_token(session)).waiting()]
        return _show_waiting(session, plans, server)
    if path is None:
        raise click.UsageError(
            "name the server to ask (--server URL), or the team file on its machine (--team FILE)"
        )
    team = load_team(path)
    found = _of_all(session, path, lambda engine: engine.remote.waiting())
    plans = [
        {"person": name, "approvers": list(team.approvers_of(name)), **plan.to_json()}
        for name, views in found
        for plan in views
    ]
    return _show_waiting(session, plans, team.url)


def _show_waiting(session: Session, plans: Sequence[Mapping[str, JsonValue]], server: str) -> Exit:
    """Write one line for each plan and how to answer."""

    def human() -> None:
        for plan in plans:
            may = plan.get("approvers")
            who = f", {' or '.join(map(str, may)) or 'nobody'} may answer" if isinstance(may, list) else ""
            most = plan.get("at_most_usd")
            cost = f", at most {format_usd(to_nusd(most))}" if isinstance(most, (int, float)) else ""
            session.say(plain_line(f"{plan.get('plan_id')} of {plan.get('person')}{cost}{who}"))
        if plans:
            session.say(f"To read one and answer: stratum approve PLAN --server {plain_line(server)}")
        else:
            session.say("No plan waits for another person's yes.")

    session.result([dict(plan) for plan in plans], human)
    return Exit.OK


def _of_all(session: Session, path: Path, work: Callable[[Engine], _T]) -> list[tuple[str, _T]]:
    """Return what the engine of each person says, by name."""
    settings, team = server_settings(session), load_team(path)
    found: list[tuple[str, _T]] = []
    for person in people_with_state(settings, team):
        with looking_at(settings, team, person) as engine:
            found.append((person.name, work(engine)))
    return found
