"""`stratum demo`: the review job on the packaged sample data with the offline model, end to end, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, PlanView
from stratum_core.errors import ConfigurationError, NeedsApproval
from stratum_mcp.cli._approval import approval_exit, ask_in_terminal, no_terminal
from stratum_mcp.cli._exit import Exit, exit_for_run
from stratum_mcp.cli._report import show_run
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.cli._watch import watch

__all__ = ["demo"]

_DOCUMENT = "reviews.stratum.yaml"
_DATA = "reviews.csv"
_FLOW = "process_reviews"
_CAP_USD = 0.05
_COLUMNS: Final[Mapping[str, JsonValue]] = {
    "id": "review_id",
    "product": "Product",
    "text": "Review Text",
    "stars": "Stars",
}


@click.command(cls=Verb)
@click.option(
    "--yes-under",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Approve by this flag when the plan costs at most so much; for CI.",
)
@click.option("--rows", type=click.IntRange(min=1), help="Only the first N reviews.")
@click.option("--out", default="results.csv", show_default=True, help="Where the results go.")
@click.pass_obj
def demo(session: Session, yes_under: float | None, rows: int | None, out: str) -> Exit:
    """Try it: reviews in, a plan with a price, your yes, checked results out.

    Works on sample reviews with the built-in offline model: no key, no network, no real money.
    """
    samples = _samples()
    settings = replace(session.settings(), roots=(session.cwd, samples))
    with Engine(settings) as engine:
        plan = engine.plan(
            str(samples / _DOCUMENT),
            flow=_FLOW,
            inputs={"reviews": {"file": str(samples / _DATA), "columns": dict(_COLUMNS)}},
            options={"model": "offline", "rows": rows, "out": out, "cap_usd": _CAP_USD},
        )
        decided = _decide(session, engine, plan, yes_under)
        if decided is not Exit.OK:
            return decided
        run = watch(session, engine, engine.execute(plan.plan_id))
    session.result(run.to_json(), lambda: show_run(run, session.console()))
    return exit_for_run(run)


def _decide(session: Session, engine: Engine, plan: PlanView, yes_under: float | None) -> Exit:
    """Get the plan decided: by the policy, by the flag, or by a person in this terminal."""
    view = engine.approval(plan.plan_id)
    if view.state == "needs_approval" and yes_under is not None and plan.at_most_usd <= yes_under:
        session.say(plan.summary)
        view = engine.decide(plan.plan_id, approved=True, channel="flag", note=f"--yes-under {yes_under}")
    elif view.state == "needs_approval":
        reason = no_terminal(session)
        if reason:
            session.say(plan.summary)
            over = "" if yes_under is None else f"; it may cost more than --yes-under {yes_under}"
            raise NeedsApproval(
                f"plan {plan.plan_id} needs approval: {reason}{over}",
                remedy="run `stratum demo` in a terminal, or `stratum demo --yes-under 0.05` where nobody is asked",
            )
        view = ask_in_terminal(session, engine, plan.plan_id)
    code = approval_exit(view)
    if code is not Exit.OK:
        session.result(view.to_json(), lambda: session.say(view.message))
    return code


def _samples() -> Path:
    """Return the folder of the sample data: in the installed package, or beside it in a checkout.

    Raises:
        ConfigurationError: The installation lacks it.
    """
    package = Path(str(files("stratum_mcp")))
    for folder in (package / "samples", package.parent / "examples"):
        if (folder / _DOCUMENT).is_file() and (folder / _DATA).is_file():
            return folder
    raise ConfigurationError(
        f"the sample data is missing beside {package}", remedy="install stratum-runtime again"
    )
