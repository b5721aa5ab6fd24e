"""`stratum plans`: every plan that is still kept, newest first, so that an id lost from the screen is found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click

from stratum_core.engine import PlanLine, PlanState
from stratum_core.money import format_usd
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["plans"]

_STATE_WORDS: Mapping[PlanState, str] = {
    "waiting": "waits for a yes",
    "approved": "approved",
    "used": "used",
    "declined": "declined",
    "revoked": "yes taken back",
    "expired": "expired",
}


@click.command(cls=Verb)
@click.pass_obj
def plans(session: Session) -> Exit:
    """List the plans, newest first: when each was made, how it stands, what it does and what it costs.

    `stratum show PLAN` shows one whole.
    """
    with session.engine() as engine:
        found = engine.answers.plans()
    session.result([line.to_json() for line in found], lambda: _show(session, found))
    return Exit.OK


def _show(session: Session, found: Sequence[PlanLine]) -> None:
    """Write one line for each plan."""
    for line in found:
        made = datetime.fromtimestamp(line.created_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        items = f", {line.items:,} {'item' if line.items == 1 else 'items'}" if line.items else ""
        mark = " (simulated)" if line.simulated else ""
        money = f"likely {format_usd(line.likely_nusd)}, at most {format_usd(line.at_most_nusd)}{mark}"
        run = f"; {line.run_id}" if line.run_id else ""
        what = f"{plain_line(line.flow, 60)}{items}: {money}{run}"
        session.say(f"{line.plan_id}  {made}  {_STATE_WORDS[line.state]:<15}  {what}")
    if not found:
        session.say("No plans yet.")
