"""A project with runs and approvals left behind in its state directory, as the server and its runners leave them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from stratum_core.budget import Usage
from stratum_core.journal import ApprovalRecord, ControlStore, Intent, PlanRecord, RunJournal

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue
    from stratum_core.journal import RunState

_HASH = "a" * 64
_HOUR_MS = 3_600_000


class LeftBehind:
    """A project folder and a state directory, as the server would leave them."""

    def __init__(self, project: Path, state_dir: Path) -> None:
        self.folder, self.state_dir = project, state_dir
        self.store = ControlStore.open(state_dir)

    def plan(self, plan_id: str, *, roots: JsonValue = None, expires_ms: int = _HOUR_MS) -> None:
        """Store a plan of this project, or of `roots`."""
        now_ms = int(time.time() * 1000)
        record: dict[str, JsonValue] = {"roots": roots or [str(self.folder)], "simulated": True}
        self.store.save_plan(
            PlanRecord(
                plan_id=plan_id, plan_hash=_HASH, record=record, created_at_ms=now_ms,
                expires_at_ms=now_ms + _HOUR_MS, principal="me",
            )
        )  # fmt: skip
        self.store.record_decision(
            ApprovalRecord(
                approval_id=plan_id.replace("plan", "appr"), plan_id=plan_id, plan_hash=_HASH, cap_nusd=10**9,
                decision="approved", channel="dialog", principal="me", at_ms=now_ms, expires_at_ms=now_ms + expires_ms,
            )
        )  # fmt: skip

    async def run(self, number: int, *, state: RunState | None, roots: JsonValue = None) -> str:
        """Leave a run behind: 2 of 3 items done, one call answered, one in flight."""
        plan_id, run_id = f"plan_{number}", f"run_{number}"
        self.plan(plan_id, roots=roots)
        self.store.create_run(plan_id, _HASH, 10**9, run_id)
        self.store.update_run(run_id, state="running")
        journal = RunJournal.open(self.state_dir, run_id, create=True)
        journal.note("scope_started", path="rows", data={"total": 3})
        for item in range(2):
            journal.note("item_done", path="rows", data={"ok": True, "index": item})
        for call, nusd in (("one", 1_500_000), ("two", 2_345_678)):
            await journal.intent(
                Intent(
                    call_id=call, path="rows[0]", attempt=0, input_hash="a", request_hash="b", model="offline",
                    reserved=Usage(nusd=nusd, tokens=9, calls=1),
                )
            )  # fmt: skip
        await journal.settle(
            "one", state="answered", usage=Usage(nusd=500_000, tokens=5, calls=1), outcome={}
        )
        await journal.close(state=state)
        return run_id
