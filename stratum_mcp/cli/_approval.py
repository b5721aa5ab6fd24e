"""Asking a person in a terminal: the plan in words, then a typed `yes` or `no`.

It refuses without a terminal and inside an agent's shell, and says which. That stops a hasty agent; a hostile one with
the same account can imitate a terminal, so such an approval is recorded with its channel and never called strong.
"""

from __future__ import annotations

import sys

import click

from stratum_core.engine import ApprovalView, Engine, terminal_refusal
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session

__all__ = ["approval_exit", "ask_in_terminal", "no_terminal"]

_PROMPT = "Type yes to run it, no to refuse; anything else decides nothing: "


def no_terminal(session: Session) -> str:
    """Return why nobody can be asked here, or an empty text when somebody can."""
    has_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return terminal_refusal(session.environ, has_terminal=has_terminal) or ""


def ask_in_terminal(session: Session, engine: Engine, plan_id: str) -> ApprovalView:
    """Ask for a plan that nobody has decided on and record the answer; the first decision stands.

    Closing the question, or typing anything but yes or no, decides nothing.
    """
    session.say(engine.show_plan(plan_id).summary, err=True)
    click.echo(_PROMPT, nl=False, err=True)
    typed = sys.stdin.readline().strip().lower()
    if typed not in {"yes", "no"}:
        session.say("Nothing was decided.", err=True)
        return engine.approval(plan_id)
    return engine.decide(plan_id, approved=typed == "yes", channel="terminal")


def approval_exit(view: ApprovalView) -> Exit:
    """Return the exit code for where a plan stands."""
    if view.state == "approved":
        return Exit.OK
    return Exit.DECLINED if view.state == "declined" else Exit.NEEDS_APPROVAL
