"""When a runner is started: for a run that was just created or resumed, and ahead of one while a person is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine._runners import Runners
from stratum_core.errors import RunError
from stratum_core.journal import ControlStore, RunRecord
from stratum_core.llm import CLAUDE_CLI_PREFIX, OFFLINE_MODEL
from stratum_core.plan import PlanOptions

__all__ = ["prepare_runner", "start_runner"]


def prepare_runner(runners: Runners, control: ControlStore, policy: Policy, plan_id: str) -> None:
    """Start a runner that waits for a run of a plan, where that saves anything and nobody has answered yet.

    Raises:
        PlanError: There is no such plan.
    """
    record = control.plan(plan_id).record
    models = cast("Mapping[str, str]", record["models"]).values()
    imports = any(not model.startswith((OFFLINE_MODEL, CLAUDE_CLI_PREFIX)) for model in models)
    if imports and control.standing_decision(plan_id) is None:
        background = PlanOptions.from_json(record["options"]).background
        runners.prepare(plan_id, background=background, wait_s=policy.warm_start_minutes * 60)


def start_runner(
    runners: Runners, control: ControlStore, run: RunRecord, plan: Mapping[str, JsonValue]
) -> None:
    """Start the runner of a run that is on record, or write down why there is none."""
    background = PlanOptions.from_json(plan["options"]).background
    try:
        if not runners.hand_over(run.run_id, run.plan_id, background=background):
            runners.start(run.run_id, background=background)
    except RunError as fault:
        receipt: dict[str, JsonValue] = {"error": str(fault), "code": fault.code}
        control.update_run(run.run_id, state="failed", receipt=receipt)
