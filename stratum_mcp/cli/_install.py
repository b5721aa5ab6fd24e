"""`stratum install` and `stratum uninstall`: set Claude Code up, and show exactly how."""

from __future__ import annotations

import click

from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.install import SCOPES, Outcome, Scope, plugin_folder
from stratum_mcp.install import install as install_into
from stratum_mcp.install import uninstall as uninstall_from

__all__ = ["install", "uninstall"]

_scope = click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="user",
    show_default=True,
    help="user: all your projects; project: this one.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would change.")


@click.command(cls=Verb)
@_scope
@_dry_run
@click.option(
    "--plugin/--no-plugin",
    default=True,
    help="The plugin (default), or only the server without skills and hooks.",
)
@click.option(
    "--rules/--no-rules", default=True, help="Put the agent's rules into CLAUDE.md (default), or not."
)
@click.option(
    "--where", is_flag=True, help="Only print the plugin's folder, for `claude plugin marketplace add`."
)
@click.pass_obj
def install(session: Session, *, scope: Scope, dry_run: bool, plugin: bool, rules: bool, where: bool) -> Exit:
    """Set Claude Code up for Stratum.

    Changes its settings and CLAUDE.md, shows every change as a diff, and keeps a copy of what was there as
    FILE.stratum-backup-N. A file that cannot be changed without doubt stays as it is. `stratum uninstall` undoes it.
    """
    if where:
        folder = str(plugin_folder())
        session.result({"plugin": folder}, lambda: click.echo(folder))
        return Exit.OK
    done = install_into(scope, session.environ, session.cwd, plugin=plugin, rules=rules, dry_run=dry_run)
    return _told(
        session, done, "Start a new session of Claude Code; `stratum doctor` says whether all is well."
    )


@click.command(cls=Verb)
@_scope
@_dry_run
@click.pass_obj
def uninstall(session: Session, *, scope: Scope, dry_run: bool) -> Exit:
    """Take out what `stratum install` put in, and nothing else."""
    return _told(session, uninstall_from(scope, session.environ, session.cwd, dry_run=dry_run), "")


def _told(session: Session, done: Outcome, last: str) -> Exit:
    """Show each change and what the client said."""

    def human() -> None:
        for each in done.files:
            would = "would be " if done.dry_run and each.change != "unchanged" else ""
            copy = f" (before: {each.copy})" if each.copy else ""
            session.say(f"{each.file}: {would}{each.change}{copy}")
            if each.diff:
                session.say(each.diff)
        for said in done.said:
            if done.dry_run:
                session.say(f"would run: {said.line}")
            elif said.status:
                session.say(f"`{said.line}` failed, the files say it all the same: {said.text}", err=True)
            elif said.status is None:
                session.say(f"`{said.line}`: {said.text}; the files say it all the same", err=True)
            else:
                session.say(f"ran: {said.line}\n  {said.text}")
        if done.client is None:
            session.say(
                "`claude` is not on PATH: only the files were looked at; it reads them when it starts."
            )
        if last and not done.dry_run:
            session.say(last)

    session.result(done.to_json(), human)
    return Exit.OK
