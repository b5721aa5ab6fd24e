"""Commands about plans and runs: approve, execute, resume, cancel, runs, show."""

from __future__ import annotations

import click

from stratum_core.engine import Engine, RunView
from stratum_core.errors import NeedsApproval, PlanError, RunError
from stratum_mcp.cli._approval import approval_exit, ask_in_terminal, no_terminal
from stratum_mcp.cli._audit import show_check
from stratum_mcp.cli._exit import Exit, exit_for_run
from stratum_mcp.cli._money import approve_more
from stratum_mcp.cli._report import show_plan, show_run, show_runs
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.cli._team import answer_at_server
from stratum_mcp.cli._tree import show_tree
from stratum_mcp.cli._watch import watch
from stratum_mcp.plain import plain, plain_line

__all__ = ["approve", "cancel", "execute", "resume", "runs", "show"]


@click.command(cls=Verb)
@click.argument("plan_id", metavar="ID")
@click.option(
    "--server", metavar="URL", help="Answer for somebody else at the team's server; STRATUM_TOKEN is yours."
)
@click.option(
    "--cap", type=click.FloatRange(min=0), metavar="USD", help="The new cap of a run that came to its cap."
)
@click.pass_obj
def approve(session: Session, plan_id: str, server: str | None, cap: float | None) -> Exit:
    """Show a plan to a person and take their typed yes or no.

    ID is a plan, or a run that came to its cap and is to go on under a higher one. Needs a terminal, and refuses inside
    an agent's shell: a person decides, once, and a no is final.
    """
    if plan_id.startswith("run"):
        return _approve_more(session, plan_id, cap)
    if server is not None:
        _require_terminal(session, plan_id)
        return answer_at_server(session, plan_id, server)
    with session.engine() as engine:
        view = engine.approval(plan_id)
        if view.state == "needs_approval":
            _require_terminal(session, plan_id)
            view = ask_in_terminal(session, engine, plan_id)
    session.result(view.to_json(), lambda: session.say(view.message or view.state.replace("_", " ")))
    return approval_exit(view)


def _approve_more(session: Session, run_id: str, cap: float | None) -> Exit:
    with session.engine() as engine:
        view = approve_more(session, engine, run_id, cap)
    session.result(view.to_json(), lambda: session.say(view.message))
    return approval_exit(view)


@click.command(cls=Verb)
@click.argument("plan_id")
@click.pass_obj
def execute(session: Session, plan_id: str) -> Exit:
    """Run an approved plan and watch it to its end.

    Asked again for the same plan it shows the same run; it never starts a second.
    """
    with session.engine() as engine:
        return _finish(session, watch(session, engine, engine.execute(plan_id)))


@click.command(cls=Verb)
@click.argument("run_id")
@click.pass_obj
def resume(session: Session, run_id: str) -> Exit:
    """Watch a live run again, or go on with a stopped one; nothing recorded as paid is paid twice."""
    with session.engine() as engine:
        run = engine.resume(run_id)
        if run.note:
            session.say(run.note, err=True)
        return _finish(session, watch(session, engine, run))


@click.command(cls=Verb)
@click.argument("run_id")
@click.pass_obj
def cancel(session: Session, run_id: str) -> Exit:
    """Stop a run: no new calls, those under way are settled, what is done is kept."""
    with session.engine() as engine:
        view = engine.cancel(run_id)
    if view.note:
        session.say(view.note, err=True)
    session.result(view.to_json(), lambda: show_run(view, session.console()))
    return Exit.OK


@click.command(cls=Verb)
@click.pass_obj
def runs(session: Session) -> Exit:
    """List the runs, newest first."""
    with session.engine() as engine:
        found = engine.runs()
    session.result([run.to_json() for run in found], lambda: show_runs(found, session.console()))
    return Exit.OK


@click.command(cls=Verb)
@click.argument("id")
@click.option("--verify", is_flag=True, help="Check the record of a run: that nothing in it was changed.")
@click.option("--failed", is_flag=True, help="Of a run's tree only what failed.")
@click.option(
    "--outline", is_flag=True, help="Of a plan its steps, types, conditions, budgets and compiled prompts."
)
@click.pass_obj
def show(session: Session, id: str, *, verify: bool, failed: bool, outline: bool) -> Exit:
    """Show a plan, or a run: its census, then its steps, items, calls and attempts as a tree.

    Every line has its cost, time and retries, and why something failed. With --json the whole tree, and a run's
    attempts and events too.

    ID is a plan or a run; also a durable flow in Python that keeps its record in the state directory.
    """
    with session.engine() as engine:
        if verify:
            return show_check(session, engine.audit.verify(id))
        if id.startswith("plan_") and outline:
            text = engine.code.outline(id)
            session.result({"plan_id": id, "outline": text}, lambda: session.say(plain(text)))
            return Exit.OK
        if id.startswith("plan_"):
            return _show_plan(session, engine, id)
        run = _found_run(engine, id)
        report = engine.run_report(id, failed_only=failed)

    def human() -> None:
        show_run(run, session.console())
        if not show_tree(report["tree"], session.console(), simulated=run.simulated) and failed:
            session.say("No call or item of it failed.")

    session.result({**run.to_json(), "report": report}, human)
    return Exit.OK


def _found_run(engine: Engine, id: str) -> RunView:
    """Return a run; one that nobody knows and that no engine could have named is told what ids look like."""
    try:
        return engine.show_run(id)
    except RunError:
        if id.startswith("run"):
            raise
        raise PlanError(
            f"{id[:80]!r} is the id of neither a run nor a plan: they start with run_ and plan_",
            remedy="`stratum runs` lists the runs, `stratum plans` the plans",
        ) from None


def _require_terminal(session: Session, plan_id: str) -> None:
    """Refuse to ask where nobody can be asked."""
    reason = no_terminal(session)
    if reason:
        raise NeedsApproval(
            f"plan {plan_id} was not approved: {reason}",
            remedy=f"a person types it in a terminal of their own: {session.command('approve', plan_id)}",
        )


def _show_plan(session: Session, engine: Engine, plan_id: str) -> Exit:
    """Write a plan, how it stands, and every answer to it: who, when and how."""
    plan, state, answers = (
        engine.show_plan(plan_id),
        engine.answers.state(plan_id),
        engine.answers.trail(plan_id),
    )

    def human() -> None:
        show_plan(plan, session.console(), typed=session.command, expired=state == "expired")
        for line in answers:
            session.say(f"  {plain_line(line)}")

    session.result({**plan.to_json(), "state": state, "answers": list(answers)}, human)
    return Exit.OK


def _finish(session: Session, run: RunView) -> Exit:
    """Write how a run ended and return its exit code."""
    session.result(run.to_json(), lambda: show_run(run, session.console()))
    return exit_for_run(run)
