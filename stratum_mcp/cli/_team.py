"""Commands of a team: tokens for its people, and answering for somebody else; what they did is in `_team_people`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from stratum_core.contracts import JsonValue
from stratum_core.errors import ApprovalError, ConfigurationError
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.cli._team_options import own_token, server_settings, team_file
from stratum_mcp.cli._team_people import approvals, log, runs, spend
from stratum_mcp.plain import plain, plain_line
from stratum_mcp.team import Approvals, Token, TokenStore, load_team, token_store

__all__ = ["answer_at_server", "team"]


@click.group()
def team() -> None:
    """The people of a team's server: their tokens, their runs, what they spend, and what waits for another's yes.

    For the operator, on the server's account; `stratum serve --http` serves them. Only `approvals --server` is for
    those who answer for others, from anywhere.
    """


@team.command(cls=Verb)
@click.argument("person")
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 3650), help="How long it is good."
)
@team_file
@click.pass_obj
def token(session: Session, person: str, days: int, path: Path) -> Exit:
    """Make a token for PERSON and show it this once."""
    people = load_team(path)
    if person not in people.people:
        raise ConfigurationError(
            f"the team file {path} has no {person!r}", remedy=f"it has: {', '.join(people.people)}"
        )
    kept, text = _store(session).issue(person, audience=people.url, days=days)
    record: dict[str, JsonValue] = {**_shown(kept), "token": text}

    def human() -> None:
        session.say(f"Good for {people.url} until {record['expires_at']}; it is not shown again.", err=True)
        session.say(text)
        session.say(
            f"In Claude Code: claude mcp add --transport http stratum {people.url} "
            '--header "Authorization: Bearer TOKEN"',
            err=True,
        )

    session.result(record, human)
    return Exit.OK


@team.command(cls=Verb)
@click.pass_obj
def tokens(session: Session) -> Exit:
    """List the tokens: whose, and until when; never the tokens themselves."""
    found = _store(session).all()

    def human() -> None:
        for kept in found:
            row = _shown(kept)
            session.say(
                f"{kept.id}  {kept.person:<16} {row['state']:<8} {row['expires_at']}  {kept.audience}"
            )
        if not found:
            session.say("No token was ever made.")

    session.result([_shown(kept) for kept in found], human)
    return Exit.OK


@team.command(cls=Verb)
@click.argument("token_id")
@click.pass_obj
def revoke(session: Session, token_id: str) -> Exit:
    """Make a token useless from now on."""
    kept = _store(session).revoke(token_id)
    session.result(
        _shown(kept), lambda: session.say(f"Token {kept.id} of {kept.person} is refused from now on.")
    )
    return Exit.OK


def answer_at_server(session: Session, plan_id: str, url: str) -> Exit:
    """Show a person somebody else's plan and send their typed answer to the team's server."""
    approvals = Approvals(url, own_token(session))
    found = next((plan for plan in approvals.waiting() if plan.get("plan_id") == plan_id), None)
    if found is None:
        raise ApprovalError(
            f"no plan {plan_id} waits for you at {url}",
            remedy="it may have been answered, or have expired, or be of somebody you do not answer for",
        )
    person = str(found.get("person"))
    session.say(f"A plan of {plain_line(person)}:\n{plain(str(found.get('summary')))}", err=True)
    click.echo(
        f"Type yes to let {plain_line(person)} run it, no to refuse; anything else decides nothing: ",
        nl=False,
        err=True,
    )
    typed = sys.stdin.readline().strip().lower()
    if typed not in {"yes", "no"}:
        session.say("Nothing was decided.", err=True)
        return Exit.NEEDS_APPROVAL
    view = approvals.decide(person, plan_id, approved=typed == "yes")
    session.result(view, lambda: session.say(plain(str(view.get("message")))))
    return Exit.OK if view.get("state") == "approved" else Exit.DECLINED


def _store(session: Session) -> TokenStore:
    return token_store(server_settings(session))


def _shown(kept: Token) -> dict[str, JsonValue]:
    expires = datetime.fromtimestamp(kept.expires_at_s, UTC)
    state = "revoked" if kept.revoked else "expired" if expires <= datetime.now(UTC) else "good"
    return {
        "id": kept.id,
        "person": kept.person,
        "state": state,
        "audience": kept.audience,
        "expires_at": expires.isoformat(timespec="minutes"),
    }


for _command in (runs, spend, log, approvals):
    team.add_command(_command)
