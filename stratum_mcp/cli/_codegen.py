"""`stratum codegen` and `stratum emit`: a document as Python, and Python as a document."""

from __future__ import annotations

import click

from stratum_core.engine import counted
from stratum_core.errors import InputError
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain, plain_line

__all__ = ["codegen", "emit"]


@click.command(cls=Verb)
@click.argument("source", metavar="PLAN_OR_SPEC")
@click.option("-o", "--out", metavar="FILE.py", help="Write the module there; without it, to stdout.")
@click.option("--flow", help="The flow that `main` runs; default: the plan's, else the outermost.")
@click.option("--force", is_flag=True, help="Replace the file, whatever it holds.")
@click.pass_obj
def codegen(session: Session, *, source: str, out: str | None, flow: str | None, force: bool) -> Exit:
    """Write a plan or a document as typed Python with the same hashes.

    Before anything is written the module is read back, without running it, and its hashes are compared. A file that is
    there and would change is shown as a diff and left alone.
    """
    with session.engine() as engine:
        try:
            view = engine.code.codegen(source, path=out or "", flow=flow, force=force)
        except InputError as error:
            _show_diff(session, error)
            raise

    def human() -> None:
        if out is None:
            click.echo(plain(view.text), nl=False)
            return
        word = "wrote" if view.written else "nothing to change in"
        session.say(f"{word} {plain_line(view.path)}")
        hashes = f"{counted(view.contracts, 'contract')}, {counted(view.functions, 'function')}"
        session.say(f"equal hashes: {hashes} and their prompts")
        if not view.same_document:
            session.say("a flow reads back with another hash; it does the same")

    record = view.to_json() if out is not None else {**view.to_json(), "text": view.text}
    session.result(record, human)
    return Exit.OK


@click.command(cls=Verb)
@click.argument("module", metavar="MODULE.py")
@click.option(
    "-o", "--out", metavar="FILE.stratum.yaml", help="Write the document there; without it, to stdout."
)
@click.option("--force", is_flag=True, help="Replace the file, whatever it holds.")
@click.pass_obj
def emit(session: Session, *, module: str, out: str | None, force: bool) -> Exit:
    """Write the contracts, functions and straight flows of a Python module as a document.

    The module is imported, which runs it. What no document can say is listed with its line and the reason, and left
    out together with what needs it; the command then ends with 1.
    """
    with session.engine() as engine:
        try:
            view = engine.code.emit(module, path=out or "", force=force)
        except InputError as error:
            _show_diff(session, error)
            raise

    def human() -> None:
        if out is None:
            click.echo(plain(view.text), nl=False)
        else:
            word = "wrote" if view.written else "nothing to change in"
            session.say(f"{word} {plain_line(view.path)}")
        counts = ((view.contracts, "contract"), (view.functions, "function"), (view.flows, "flow"))
        session.say(", ".join(counted(*each) for each in counts), err=out is None)
        for one in view.unsaid:
            place = f"{module}:{one['line']}"
            told = f"{plain_line(place)}: {one['name']}: {plain_line(str(one['why']), 2_000)}"
            session.say(told, err=out is None)

    session.result(view.to_json(), human)
    return Exit.FAILED if view.unsaid or not view.text else Exit.OK


def _show_diff(session: Session, error: InputError) -> None:
    """Show what would change in a file that was left alone."""
    diff = error.detail.get("diff")
    if isinstance(diff, str) and not session.as_json:
        click.echo(plain(diff))
