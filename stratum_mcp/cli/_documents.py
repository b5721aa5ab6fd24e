"""Commands that look and cost nothing: validate, plan, estimate, schema, guide."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from stratum_core.contracts import JsonValue
from stratum_core.errors import InputError
from stratum_mcp.cli._bindings import read_bindings
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._mend import mend, show_validation
from stratum_mcp.cli._report import show_estimate, show_plan
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain

__all__ = ["estimate", "fmt", "guide", "plan", "schema", "validate"]


@click.command(cls=Verb)
@click.argument("spec")
@click.option("--fix", is_flag=True, help="Make every certain fix in the file; comments and layout stay.")
@click.option("--diff", is_flag=True, help="With --fix: show the changes and write nothing.")
@click.pass_obj
def validate(session: Session, *, spec: str, fix: bool, diff: bool) -> Exit:
    """Check a document and report every fault at once, with its place and its fix.

    SPEC is a file, or - for stdin; what is mended from stdin goes to stdout.
    """
    text = _text(spec)
    if diff and not fix:
        raise click.UsageError("--diff shows what --fix would change; give both")
    if fix:
        with session.engine() as engine:
            return mend(session, engine, text, only_show=diff)
    with session.engine() as engine:
        found = engine.validate(text)
    session.result(found.to_json(), lambda: show_validation(session, found, text))
    return Exit.OK if found.ok else Exit.FAILED


@click.command(cls=Verb)
@click.argument("spec")
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when the file is not in this form.")
@click.option("--write", is_flag=True, help="Put the form in the file's place.")
@click.option("--drop-comments", is_flag=True, help="With --write: even when comments would be lost.")
@click.pass_obj
def fmt(session: Session, *, spec: str, check: bool, write: bool, drop_comments: bool) -> Exit:
    """Print a valid document in its one canonical layout, defaults left out.

    SPEC is a file, or - for stdin. Of its comments only those at the top are kept, so --write refuses a file that has
    others.
    """
    if check and write:
        raise click.UsageError("--check writes nothing; give one of --check and --write")
    with session.engine() as engine:
        form = engine.canonical_form(_text(spec))
        if write and form.changed:
            if form.loses_comments and not drop_comments:
                raise InputError(
                    f"{spec} has comments that would be lost; nothing was written",
                    remedy="keep it as it is, or give --drop-comments",
                )
            engine.write(form)
    record: dict[str, JsonValue] = {
        "changed": form.changed,
        "written": write and form.changed,
        "loses_comments": form.loses_comments,
        "text": form.text,
    }

    def human() -> None:
        if not (check or write):
            click.echo(plain(form.text), nl=False)
        elif form.changed:
            session.say(f"{spec} was rewritten" if write else f"{spec} is not in its canonical form")

    session.result(record, human)
    return Exit.FAILED if check and form.changed else Exit.OK


@click.command(cls=Verb)
@click.argument("spec")
@click.option("--flow", help="Which flow; may be left out when the document has one.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=FILE|JSON", help="Bind an input.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME.FIELD=COLUMN",
    help="Take a field from this column of the file; the column `row` is the row's number.",
)
@click.option("--model", help="For functions that name none; `offline` needs no key.")
@click.option("--rows", type=click.IntRange(min=1), help="Only the first N rows of each file.")
@click.option("--out", help="Write the result to this csv, json or jsonl file.")
@click.option("--cap", type=click.FloatRange(min=0), metavar="USD", help="The most the run may cost.")
@click.option(
    "--cap-tokens", type=click.IntRange(min=1), metavar="N", help="The most tokens it may use, in and out."
)
@click.option(
    "--cap-calls",
    type=click.IntRange(min=1),
    metavar="N",
    help="The most requests it may send, retries counted.",
)
@click.option(
    "--reuse", metavar="RUN_ID", help="Take this run's answers wherever the same question is asked."
)
@click.option(
    "--mode",
    type=click.Choice(["transient", "persistent"]),
    help="persistent: when the run is done, the job is also written as Python, beside its result.",
)
@click.option("--no-background", is_flag=True, help="End the run when whoever started it goes away.")
@click.pass_obj
def plan(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    spec: str,
    flow: str | None,
    inputs: Sequence[str],
    columns: Sequence[str],
    model: str | None,
    rows: int | None,
    out: str | None,
    cap: float | None,
    cap_tokens: int | None,
    cap_calls: int | None,
    reuse: str | None,
    mode: str | None,
    no_background: bool,
) -> Exit:
    """Plan a job: check the document and every row, say in plain words what it does and costs.

    SPEC is a file, or - for stdin. Nothing is sent to a model and nothing is spent.
    """
    options: dict[str, JsonValue] = {
        "model": model,
        "rows": rows,
        "out": out,
        "cap_usd": cap,
        "cap_tokens": cap_tokens,
        "cap_calls": cap_calls,
        "reuse": reuse,
        "mode": mode,
        "background": False if no_background else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    bound = read_bindings(inputs, columns)
    with session.engine() as engine:
        view = engine.plan(_text(spec), flow=flow, inputs=bound, options=given)
    session.result(view.to_json(), lambda: show_plan(view, session.console(), typed=session.command))
    return Exit.OK


@click.command(cls=Verb)
@click.argument("plan_id")
@click.option("--model", help="As if this model answered.")
@click.option("--rows", type=click.IntRange(min=1), help="As if for the first N rows.")
@click.option("--batch", is_flag=True, help="As if at the prices of the provider's batch mode.")
@click.pass_obj
def estimate(session: Session, *, plan_id: str, model: str | None, rows: int | None, batch: bool) -> Exit:
    """Price a plan: likely range, worst case, per step, and where the figures come from."""
    with session.engine() as engine:
        view = engine.estimate(plan_id, model=model, rows=rows, batch=batch)
    session.result(view.to_json(), lambda: show_estimate(view, session.console()))
    return Exit.OK


@click.command(cls=Verb)
@click.pass_obj
def schema(session: Session) -> Exit:
    """Print the JSON Schema of documents, for editors and generators."""
    with session.engine() as engine:
        Session(as_json=True).result(engine.schema(), lambda: None)
    return Exit.OK


@click.command(cls=Verb)
@click.pass_obj
def guide(session: Session) -> Exit:
    """Print the one-page guide to writing a document."""
    with session.engine() as engine:
        text = engine.guide()
    session.result({"guide": text}, lambda: click.echo(plain(text)))
    return Exit.OK


def _text(spec: str) -> str:
    """Return a document's path as it is, or what stands on stdin; a final line break marks it as text."""
    return f"{sys.stdin.read()}\n" if spec == "-" else spec
