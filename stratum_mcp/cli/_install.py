"""`stratum install` and `stratum uninstall`: tell Claude Code about the server, and show exactly how."""

from __future__ import annotations

import click

from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.install import SCOPES, Registration, apply, plugin_folder, registration, removal

__all__ = ["install", "uninstall"]

_scope = click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="user",
    show_default=True,
    help="user: all your projects; project: everyone in this one; local: you in this one.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Only show the commands.")


@click.command(cls=Verb)
@_scope
@_dry_run
@click.option("--uninstall", "remove", is_flag=True, help="Remove the registration instead.")
@click.option(
    "--where", is_flag=True, help="Only print the plugin's folder, for `claude plugin marketplace add`."
)
@click.pass_obj
def install(session: Session, *, scope: str, dry_run: bool, remove: bool, where: bool) -> Exit:
    """Register the server with Claude Code (`claude mcp add`)."""
    if where:
        folder = str(plugin_folder())
        session.result({"plugin": folder}, lambda: click.echo(folder))
        return Exit.OK
    return _carry_out(session, removal(scope) if remove else registration(scope), dry_run=dry_run)


@click.command(cls=Verb)
@_scope
@_dry_run
@click.pass_obj
def uninstall(session: Session, *, scope: str, dry_run: bool) -> Exit:
    """Remove the server's registration from Claude Code."""
    return _carry_out(session, removal(scope), dry_run=dry_run)


def _carry_out(session: Session, wanted: Registration, *, dry_run: bool) -> Exit:
    """Show the commands, run them unless told not to, and say what came of it."""
    done = wanted if dry_run else apply(wanted, session.environ, tell=session.say)
    if dry_run:
        for command in wanted.command_lines:
            session.say(f"would run: {command}")

    def human() -> None:
        if not dry_run:
            session.say(done.outcome)

    session.result({"dry_run": dry_run, "commands": list(done.command_lines), "outcome": done.outcome}, human)
    return Exit.OK
