"""`stratum validate --fix`: what was mended, what is left, and the file written once."""

from __future__ import annotations

import difflib

import click

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Rewrite, Validation, counted
from stratum_mcp.cli._diagnostics import show_diagnostics
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session
from stratum_mcp.plain import plain, plain_line

__all__ = ["mend", "show_validation"]


def mend(session: Session, engine: Engine, spec: str, *, only_show: bool) -> Exit:
    """Apply every fix to a document and write it back, or only show the difference.

    Text from stdin is written to stdout, words about it to stderr.
    """
    mended = engine.repair(spec)
    written = mended.changed and not only_show and mended.path is not None
    if written:
        engine.write(mended)
    record: dict[str, JsonValue] = {
        **mended.validation.to_json(),
        "fixed": list(mended.applied),
        "written": written,
        "text": mended.text,
    }
    session.result(record, lambda: _show(session, mended, only_show=only_show))
    return Exit.OK if mended.validation.ok else Exit.FAILED


def show_validation(
    session: Session, found: Validation, spec: str, *, err: bool = False, name: str = ""
) -> None:
    """Show what a check found, each with its line."""
    show_diagnostics(found.diagnostics, spec, session.console(err=err), name=name)
    count = len(found.diagnostics)
    told = f"valid, {found.ir_hash[:12]}" if found.ok else f"{counted(count, 'finding')}, not valid"
    session.say(told, err=err)


def _show(session: Session, mended: Rewrite, *, only_show: bool) -> None:
    """Say what was mended and what is left."""
    name = "<text>" if mended.path is None else mended.path.name
    from_stdin = mended.path is None and not only_show
    if only_show:
        lines = difflib.unified_diff(
            mended.before.splitlines(),
            mended.text.splitlines(),
            f"{name} (before)",
            f"{name} (after)",
            lineterm="",
        )
        for line in lines:
            click.echo(plain(line))
    elif from_stdin:
        click.echo(plain(mended.text), nl=False)
    for fixed in mended.applied:
        place = f"{plain_line(name)}:{fixed['line']}:{fixed['column']}"
        word = "would fix" if only_show else "fixed"
        session.say(
            f"{place}: {word} {fixed['code']} {plain_line(str(fixed['message']), 2_000)}", err=from_stdin
        )
    show_validation(session, mended.validation, mended.text + "\n", err=from_stdin, name=name)
