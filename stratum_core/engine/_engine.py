"""The engine: the use cases every surface calls, with approval and contracts enforced here and nowhere else.

An engine holds no state of its own but the processes it started: plans, approvals and runs are rows and files in the
state directory, so a command line and a server over the same directory see the same things, and either may be killed
at any moment.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from importlib import resources
from typing import Self, cast

import anyio

from stratum_core.approval import (
    Decision,
    approval_record,
    needs_remote,
    policy_decision,
    require_allowed,
    this_principal,
)
from stratum_core.contracts import JsonValue
from stratum_core.engine._answers import AnswerDesk
from stratum_core.engine._approvals import (
    answered,
    facts_of,
    needs_approval,
    needs_remote_approval,
    require_approvable,
    require_reachable,
    require_resumable,
    require_startable,
)
from stratum_core.engine._audit import AuditDesk
from stratum_core.engine._codegen import CodeDesk
from stratum_core.engine._documents import read_spec, repaired, rewritten, validated, write_back
from stratum_core.engine._drift import DriftDesk
from stratum_core.engine._left_over import LeftOverDesk
from stratum_core.engine._library import require_planned, shown_run, with_flows
from stratum_core.engine._money import MoneyDesk
from stratum_core.engine._order import told_run
from stratum_core.engine._pictures import (
    cancel_asked,
    estimate_view,
    plan_view,
    resume_note,
    run_report,
    run_view,
    unreadable_run,
)
from stratum_core.engine._planning import limits_of, plan_context, proxy_warning
from stratum_core.engine._remote import RemoteDesk
from stratum_core.engine._reviews import ReviewDesk, decisions_change
from stratum_core.engine._runners import Runners
from stratum_core.engine._settings import Settings
from stratum_core.engine._starting import prepare_runner, start_runner
from stratum_core.engine._storage import StorageDesk
from stratum_core.engine._views import ApprovalView, EstimateView, PlanView, Rewrite, RunView, Validation
from stratum_core.errors import JournalError, PlanError
from stratum_core.ir import ir_schema
from stratum_core.journal import ApprovalRecord, Channel, ControlStore, PlanRecord, RunRecord
from stratum_core.plan import (
    PlanContext,
    PlanOptions,
    ReusedRun,
    Roots,
    build_plan,
    estimate_what_if,
    read_reused,
    reopen,
)

__all__ = ["Engine"]

_POLL_S = 0.2
_START_PATIENCE_MS = 60_000
"""How long a new run may wait for a runner that another process has started before it counts as left alone."""
_ENDED = "The run had ended before: there was nothing to cancel, and nothing was changed."
_CANCEL_TAKEN = "The cancel was taken: nothing new is sent; calls in flight are settled and may still cost."


class Engine:
    """The use cases over one state directory; a context manager."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        """Open the state directory, making it when needed.

        Args:
            settings: Where things are, and what the operator allows.
            clock: Seconds since the Unix epoch.

        Raises:
            JournalError: The control file is damaged, newer than this version, or on a network file system.
        """
        self.settings = settings
        self._clock = clock
        self._control = ControlStore.open(settings.state_dir, clock=clock)
        self.reviews = ReviewDesk(self._control)
        self.code = CodeDesk(self._control, settings)
        self.money = MoneyDesk(self._control, settings, clock=clock, view_of=self.show_run)
        self.left_over = LeftOverDesk(self._control, settings, clock=clock, view_of=self.show_run)
        self.answers = AnswerDesk(self._control, settings, clock=clock)
        self.remote = RemoteDesk(self._control, settings, clock=clock)
        self.audit = AuditDesk(self._control, settings)
        self.storage = StorageDesk(self._control, settings, self.audit, clock=clock, view_of=self.show_run)
        self.drift = DriftDesk(self._control, settings, view_of=self.show_run)
        self._runners = Runners(
            settings.state_dir, settings.environ, memory_mb=settings.policy.runner_memory_mb
        )
        self._principal = settings.principal or this_principal()
        self._told: dict[str, tuple[bool, bool]] = {}
        """What views say of a run's plan, which never changes: simulated, background."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the runners that were started; background ones go on."""
        self._runners.close()

    # --- documents --------------------------------------------------------------------------------------------

    def validate(self, spec: str) -> Validation:
        """Check a document and report everything that is wrong with it.

        Args:
            spec: The text itself (it has a line break or starts with `{`), or the path of a file in an allowed folder.

        Raises:
            InputError: The path leads outside the allowed folders, or to nothing.
        """
        return validated(spec, Roots(*self.settings.roots), limits_of(self.settings))

    def repair(self, spec: str) -> Rewrite:
        """Return a document with every machine-applicable fix made; `write` puts it in its file's place.

        Raises:
            InputError: The path leads outside the allowed folders, or to nothing, or the file is not UTF-8.
        """
        return repaired(spec, Roots(*self.settings.roots), limits_of(self.settings))

    def canonical_form(self, spec: str) -> Rewrite:
        """Return a document in its one layout, defaults left out; only comments at the top are kept.

        Raises:
            DiagnosticsError: The document is wrong.
            InputError: As for `repair`.
        """
        return rewritten(spec, Roots(*self.settings.roots), limits_of(self.settings))

    def write(self, rewrite: Rewrite) -> None:
        """Put a rewritten document in its file's place, whole or not at all.

        Raises:
            InputError: It came from no file, the file was changed since it was read, or it cannot be written.
        """
        write_back(rewrite)

    def schema(self) -> JsonValue:
        """Return the JSON Schema of the document language."""
        return cast("JsonValue", ir_schema())

    def guide(self) -> str:
        """Return the language on one page."""
        return resources.files("stratum_core.ir").joinpath("guide.md").read_text("utf-8")

    # --- plans ------------------------------------------------------------------------------------------------

    def plan(
        self,
        spec: str,
        *,
        flow: str | None = None,
        inputs: Mapping[str, JsonValue],
        options: Mapping[str, JsonValue] | None = None,
    ) -> PlanView:
        """Make a plan and store it; nothing is called and nothing is spent.

        Args:
            spec: As for `validate`.
            flow: The flow to run; None: the only one no other flow calls.
            inputs: For each parameter a value, or `{"file": path, "columns": {field: column}}`.
            options: model, rows, out, cap_usd, cap_tokens, cap_calls, mode, background, reuse (the id of a run whose
                answers are taken).

        Raises:
            DiagnosticsError: The document is wrong; every diagnostic is in `detail`.
            InputError: A file, column or row does not fit.
            PlanError: A flow, option, model or cap cannot be, or the policy does not allow it.
            RunError: There is no run to reuse.
            ConfigurationError: No model is configured.
        """
        plan = build_plan(
            read_spec(spec, Roots(*self.settings.roots)),
            flow=flow,
            inputs=inputs,
            options=PlanOptions.from_json(dict(options or {})),
            context=self._context(),
        )
        record = PlanRecord(
            plan_id=plan.id,
            plan_hash=plan.plan_hash,
            record=plan.to_record(),
            created_at_ms=int(plan.created_at.timestamp() * 1000),
            expires_at_ms=int(plan.expires_at.timestamp() * 1000),
            principal=self._principal,
        )
        require_allowed(facts_of(record), self.settings.policy)
        self._control.save_plan(record)
        return self._plan_view(record)

    def show_plan(self, plan_id: str) -> PlanView:
        """Return a stored plan as it stands.

        Raises:
            PlanError: There is no such plan.
        """
        return self._plan_view(self._control.plan(plan_id))

    def estimate(
        self, plan_id: str, *, model: str | None = None, rows: int | None = None, batch: bool = False
    ) -> EstimateView:
        """Return what a plan would cost, or would on another model, for only its first rows, or at batch prices.

        Raises:
            PlanError: The plan is unknown or its files changed, the model is unknown or not allowed, or rows < 1.
        """
        record = self._control.plan(plan_id).record
        estimate = estimate_what_if(reopen(record), self._context(), model=model, rows=rows, batch=batch)
        simulated = bool(record["simulated"]) if model is None else model == "offline"
        return estimate_view(plan_id, estimate, simulated=simulated)

    # --- approval ---------------------------------------------------------------------------------------------

    def question(self, plan_id: str) -> str:
        """Return what a dialog asks the person: the plan in four short lines, the price last.

        Raises:
            PlanError: There is no such plan.
        """
        return str(self._control.plan(plan_id).record["question"])

    def prepare(self, plan_id: str) -> None:
        """Start what takes seconds while a person reads a plan: a runner that imports and waits for their yes.

        It claims nothing and ends unused after the policy's `warm_start_minutes`; after a no at once. None is started
        for a plan whose models need no provider's library, or that has its answer.

        Raises:
            PlanError: There is no such plan.
        """
        prepare_runner(self._runners, self._control, self.settings.policy, plan_id)

    def approval(self, plan_id: str) -> ApprovalView:
        """Return how a plan stands; when nobody has answered, the operator's policy may answer for itself.

        Raises:
            PlanError: There is no such plan, or it has expired.
            ApprovalError: What stands as another person's answer is not what this server has signed.
            ConfigurationError: Nobody has answered, and a model's key is missing.
        """
        plan = self._usable_plan(plan_id)
        standing = self._control.standing_decision(plan_id)
        if standing is None:
            require_reachable(plan, self.settings)
            facts = facts_of(plan)
            decision = policy_decision(facts, self.settings.policy)
            if decision is None and needs_remote(facts, self.settings.policy):
                return needs_remote_approval(plan_id, self.settings.approvers)
            if decision is None:
                return needs_approval(plan_id, self.settings.command("approve", plan_id))
            standing = self._record(plan, decision)
        elif standing.channel == "remote":
            self.settings.signing_keys.require_signed(standing)
        return answered(standing)

    def decide(self, plan_id: str, *, approved: bool, channel: Channel, note: str = "") -> ApprovalView:
        """Store a person's answer to a plan; the first answer stands.

        Only a surface that has just asked a person calls this. No argument of any tool reaches it.

        Raises:
            PlanError: There is no such plan, or it has expired.
            ApprovalError: The policy wants an answer from outside this account.
            ConfigurationError: A model's key is missing; a no is taken all the same.
        """
        plan = self._usable_plan(plan_id)
        if approved:
            require_approvable(plan, self.settings)
        else:
            self._runners.dismiss(plan_id)
        decision = Decision(
            decision="approved" if approved else "declined",
            channel=channel,
            principal=self._principal,
            note=note,
        )
        return answered(self._record(plan, decision))

    # --- runs -------------------------------------------------------------------------------------------------

    def execute(self, plan_id: str) -> RunView:
        """Use a plan's approval up and start its run; for a plan that has its run, return that run.

        Raises:
            PlanError: The plan is unknown or has expired, it, its files or the prices changed, or the policy allows
                it no more.
            NeedsApproval: Nobody has answered; the remedy holds the command for the person.
            ApprovalError: The answer was no, has expired, or is not enough for the policy as it is now.
            ConfigurationError: A model's key is missing; the yes stands.
            BudgetExceeded: Its cap does not fit the operator's limit for a day or the project; the yes stands.
        """
        plan = self._control.plan(plan_id)
        run_id = f"run_{secrets.token_hex(6)}"
        if self._run_of(plan_id) is None:
            require_startable(plan, self.approval(plan_id), self.settings)
            self.money.give_back()
        cap_nusd, claim = cast("int", plan.record["cap_nusd"]), self.money.claim_of(plan)
        run = self._control.create_run(plan_id, plan.plan_hash, cap_nusd, run_id, claim=claim)
        if run.run_id == run_id:
            start_runner(self._runners, self._control, run, plan.record)
        return self.show_run(run.run_id)

    def resume(self, run_id: str) -> RunView:
        """Re-join a live run, or start a runner for one that stopped before its end.

        What is on record is not bought again; the view's `note` says how much that is. A run that cannot go on is
        returned as it stands. A person's answer never travels through here; while none has come in, a run that waits
        for one goes on waiting.

        Raises:
            RunError: There is no such run.
            PlanError: The plan or the prices changed, or the policy allows it no more.
            ConfigurationError: A model's key is missing.
            BudgetExceeded: What it may still spend does not fit the operator's limits now.
        """
        view = self.show_run(run_id)
        more = view.needs_cap and self.money.standing(run_id).state == "approved"
        if not (view.resumable or more):
            return view
        run = self._control.run(run_id)
        if not decisions_change(run, self.reviews.of_run(run_id)):
            return view
        plan = self._control.plan(run.plan_id)
        require_resumable(run, plan, self.settings, pays=not view.out_error)
        if more:
            run = self.money.raise_cap(run, plan)
        elif not view.out_error:
            self.money.reserve_rest(run, plan)
        note = resume_note(self.settings.state_dir, view, run)
        start_runner(self._runners, self._control, run, plan.record)
        return replace(self.show_run(run_id), note=note)

    def cancel(self, run_id: str) -> RunView:
        """Ask a run to stop: nothing new is sent, what is in flight is settled and kept; one that has ended stays so.

        Raises:
            RunError: There is no such run.
        """
        view = require_planned(self.show_run(run_id))
        if view.final and view.state not in {"interrupted", "waiting"}:
            return replace(view, note=_ENDED)
        self._control.request_cancel(run_id, principal=self._principal)
        if not view.live:
            self._control.update_run(run_id, state="cancelled", charged_nusd=view.charged_nusd)
            return self.show_run(run_id)
        return replace(self.show_run(run_id), note=_CANCEL_TAKEN)

    def show_run(self, run_id: str) -> RunView:
        """Return a run as it stands, also one of a durable flow in Python that keeps its record here.

        Raises:
            RunError: There is no such run.
        """
        return shown_run(self.settings.state_dir, run_id, lambda: self._run_view(self._control.run(run_id)))

    def runs(self, *, limit: int = 100) -> tuple[RunView, ...]:
        """Return the newest runs, newest first; one whose journal cannot be read says so in its `error`."""
        planned = self._control.runs(limit=limit)
        return with_flows(self.settings.state_dir, planned, self._listed, limit=limit)

    def run_report(self, run_id: str, *, failed_only: bool = False) -> Mapping[str, JsonValue]:
        """Return everything on record about a run: its view, its attempts and events, and the same as a `tree`.

        With `failed_only` the tree leaves out what went well.

        Raises:
            RunError: There is no such run.
        """
        view = self.show_run(run_id)
        tree = told_run(self._control, self.settings.state_dir, view, failed_only=failed_only)
        return {**run_report(self.settings.state_dir, view), "tree": tree}

    async def wait(
        self,
        run_id: str,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[RunView], Awaitable[None]] | None = None,
    ) -> RunView:
        """Wait until a run is over or the time is; cancelling the wait does not touch the run.

        Args:
            run_id: The run.
            timeout_s: At most so long, in seconds; None: to the end.
            on_progress: Called with every change of what the view says.

        Raises:
            RunError: There is no such run.
        """
        seen = ""
        view = await anyio.to_thread.run_sync(self.show_run, run_id)
        with anyio.move_on_after(timeout_s):
            while not view.final:
                if on_progress is not None and view.message != seen:
                    seen = view.message
                    await on_progress(view)
                await anyio.sleep(_POLL_S)
                view = await anyio.to_thread.run_sync(self.show_run, run_id)
        return view

    def _context(self) -> PlanContext:
        return plan_context(
            self.settings,
            now_s=self._clock(),
            answers_of=self._answers_of,
            module_of=self.code.module_of,
        )

    def _answers_of(self, run_id: str) -> ReusedRun:
        """Return the answers of a run, whatever state it is in."""
        self._control.run(run_id)
        return read_reused(self.settings.state_dir, run_id)

    def _plan_view(self, plan: PlanRecord) -> PlanView:
        standing = self._control.standing_decision(plan.plan_id)
        view = plan_view(plan, standing, command=self.settings.command("approve", plan.plan_id))
        unfit = "" if view.run_id else self.money.unfit(plan)
        proxy = proxy_warning(plan.record, self.settings.environ)
        view = replace(view, warnings=(*filter(None, (unfit, proxy)), *view.warnings))
        return replace(view, needs="remote") if needs_remote(facts_of(plan), self.settings.policy) else view

    def _listed(self, run: RunRecord) -> RunView:
        try:
            return self._run_view(run)
        except JournalError as fault:
            return unreadable_run(run, fault)

    def _run_view(self, run: RunRecord) -> RunView:
        if run.plan_id not in self._told:
            record = self._control.plan(run.plan_id).record
            options = cast("Mapping[str, JsonValue]", record["options"])
            self._told[run.plan_id] = (bool(record["simulated"]), options.get("background") is not False)
        simulated, background = self._told[run.plan_id]
        alive = self._runners.alive(run.run_id)
        fault = "" if alive else self._runners.fault(run.run_id)
        waited_ms = self._clock() * 1000 - run.created_at_ms
        if run.state == "ready" and not alive and not fault and waited_ms > _START_PATIENCE_MS:
            fault = "no runner came to work on it"
        return run_view(
            self.settings.state_dir,
            run,
            alive=alive,
            simulated=simulated,
            background=background,
            cancelled=not alive and cancel_asked(self._control, run),
            fault=fault,
            waiting=self.reviews.waiting(run.run_id),
            typed=self.settings.command,
        )

    def _usable_plan(self, plan_id: str) -> PlanRecord:
        plan = self._control.plan(plan_id)
        if plan.expires_at_ms <= self._clock() * 1000 and self._run_of(plan_id) is None:
            raise PlanError(f"plan {plan_id} has expired", remedy="plan again: prices and inputs may differ")
        return plan

    def _run_of(self, plan_id: str) -> str | None:
        standing = self._control.standing_decision(plan_id)
        return None if standing is None else standing.consumed_by

    def _record(self, plan: PlanRecord, decision: Decision) -> ApprovalRecord:
        row = approval_record(
            decision,
            facts_of(plan),
            approval_id=f"approval_{secrets.token_hex(8)}",
            now_ms=int(self._clock() * 1000),
            policy=self.settings.policy,
        )
        return self._control.record_decision(row)
