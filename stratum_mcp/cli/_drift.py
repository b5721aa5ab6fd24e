"""`stratum drift`: what changed between two runs, in words first and then part by part."""

from __future__ import annotations

import click

from stratum_core.engine import DriftView
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["drift"]


@click.command(cls=Verb)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--check", is_flag=True, help="End with 1 when a function or the document is another.")
@click.pass_obj
def drift(session: Session, *, first: str, second: str, check: bool) -> Exit:
    """Compare two runs: what changed in each function, and how its answers, retries and cost moved.

    A and B are runs, A the earlier one. Compared are contract, conditions, prompt template, model, schema as it is sent
    and parameters; and, from the journals, who answered, the share of answers right at the first try, retries, calls
    without an answer, tokens and dollars.
    """
    with session.engine() as engine:
        view = engine.drift.compare(first, second)
    session.result(view.to_json(), lambda: _show(session, view))
    return Exit.FAILED if check and view.changed else Exit.OK


def _show(session: Session, view: DriftView) -> None:
    """Write the sentence, then the runs, then each function with what differs below it."""
    session.say(plain_line(view.message, 2_000))
    for note in view.notes:
        session.say(f"  {plain_line(note, 2_000)}")
    for function in view.functions:
        session.say(f"\n{plain_line(function.sentence, 2_000)}")
        width = max((len(name) for name, _, _ in function.facts), default=0)
        for name, was, now in function.facts:
            session.say(f"  {name:<{width}}  {plain_line(was, 200)} -> {plain_line(now, 200)}")
