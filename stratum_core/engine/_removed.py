"""Runs whose files were removed: what the control file still says of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.engine._views import RunView
from stratum_core.journal import RunRecord, RunState
from stratum_core.money import to_usd

__all__ = ["is_removed", "removed_receipt", "removed_view"]

_REMOVED_AT = "removed_at_ms"


def is_removed(run: RunRecord) -> bool:
    """Return whether a run's files were removed by `stratum gc`."""
    return run.receipt is not None and _REMOVED_AT in run.receipt


def removed_receipt(
    view: RunView, *, given_up: bool, trail: tuple[str, ...], now_ms: int
) -> dict[str, JsonValue]:
    """Return what stays of a run: how it ended, what it cost, the head of its chain, and who agreed to it.

    One that could have gone on has been `given_up`: it counts as cancelled.
    """
    return {
        _REMOVED_AT: now_ms,
        "state": "cancelled" if given_up else view.state,
        "census": dict(view.census),
        "charged_nusd": view.charged_nusd,
        "done": view.done,
        "total": view.total,
        "simulated": view.simulated,
        "out": view.out,
        "chain_head": view.chain_head,
        "trail": list(trail),
    }


def removed_view(run: RunRecord) -> RunView:
    """Return a removed run as a surface shows it; nothing can be done with it any more."""
    kept = run.receipt or {}
    charged = cast("int", kept["charged_nusd"])
    removed = datetime.fromtimestamp(cast("int", kept[_REMOVED_AT]) / 1000, UTC).date().isoformat()
    return RunView(
        run_id=run.run_id,
        plan_id=run.plan_id,
        state=cast("RunState", kept["state"]),
        message=f"It ended as {str(kept['state']).replace('_', ' ')}; its record was removed on {removed}.",
        done=cast("int", kept["done"]),
        total=cast("int", kept["total"]),
        usd=float(to_usd(charged)),
        cap_usd=float(to_usd(run.cap_nusd or 0)),
        simulated=bool(kept["simulated"]),
        live=False,
        census=cast("Mapping[str, JsonValue]", kept["census"]),
        out=str(kept["out"]),
        charged_nusd=charged,
        chain_head=str(kept["chain_head"]),
    )
