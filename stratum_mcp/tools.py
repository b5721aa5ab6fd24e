"""The tools: arguments in, the engine, a reply out. Nothing is decided here.

Every handler is asynchronous and calls the engine in a worker thread, so a call can be cancelled; that stops the
waiting and never the run. No argument of any tool approves or answers anything: `approve` and `resume` ask the person
through the client, and only what they filled in themselves, a form without defaults, is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import (
    AcceptedElicitation,
    CancelledElicitation,
    Context,
    DeclinedElicitation,
    Elicit,
    ElicitationResult,
    ListRoots,
    Resolve,
)
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ListRootsRequest, ListRootsResult
from mcp.types.version import is_version_at_least
from pydantic import BaseModel, Field, JsonValue, StrictBool

from stratum_core.errors import StratumError
from stratum_core.money import to_nusd
from stratum_mcp.notices import left_over_words
from stratum_mcp.plain import plain_line
from stratum_mcp.replies import approval_record, plan_record, reply, run_record, tool_error
from stratum_mcp.reviews import Decisions, ask_about, form_of, together
from stratum_mcp.settings import Workspace, folders

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue as Json
    from stratum_core.engine import ApprovalView, Engine, RunView

__all__ = [
    "Answer",
    "More",
    "approve",
    "cancel",
    "codegen",
    "estimate_cost",
    "execute",
    "plan",
    "resume",
    "validate",
]

_log = logging.getLogger("stratum.server")
_T = TypeVar("_T")

_ROOTS_TIMEOUT_S = 5
_QUESTIONS_IN_RESULTS = "2026-07-28"  # from this protocol version a server asks by answering "input required"
_WAITS_FOR_HOURS = ("claude-code",)  # clients that show progress and give a call about a day
_CLOSED = "the question was closed without an answer"
_CANNOT_ASK = "this client cannot ask the person"

Spec: TypeAlias = Annotated[str, Field(description="the document itself, or its path in the project")]
PlanId: TypeAlias = Annotated[str, Field(description="from plan", max_length=200)]
RunId: TypeAlias = Annotated[str, Field(description="from execute", max_length=200)]
Ctx: TypeAlias = Context[Workspace]


class Answer(BaseModel):
    """The form a person fills in. Without a default, so that a stray Enter decides nothing."""

    approve: StrictBool = Field(
        title="Run this plan?", description="Yes runs it; it never costs more than stated."
    )
    note: str = Field(default="", title="Note (optional)", max_length=500)


class More(BaseModel):
    """The form about a run that came to its cap. The person names the new cap; nothing has a default."""

    approve: StrictBool = Field(title="Let it go on?", description="No is final for this run.")
    cap_usd: float = Field(
        title="New cap in dollars", description="The most the whole run may cost.", gt=0, le=1_000_000
    )
    note: str = Field(default="", title="Note (optional)", max_length=500)


class _Settled(BaseModel):
    """Stands in for an answer where nobody has to be asked, or nobody can be."""


async def _client_roots(ctx: Ctx) -> ListRootsResult | ListRoots:
    """Ask the client for its folders; a client without any, or with none to tell, has an empty list."""
    workspace, capabilities = _workspace(ctx), ctx.client_capabilities
    if workspace.settings.roots_are_fixed or capabilities is None or capabilities.roots is None:
        return ListRootsResult(roots=[])
    if is_version_at_least(ctx.protocol_version or "", _QUESTIONS_IN_RESULTS):
        return ListRoots()
    try:
        with anyio.fail_after(_ROOTS_TIMEOUT_S):
            return await ctx.session.send_request(ListRootsRequest(), ListRootsResult)
    except (MCPError, TimeoutError) as error:
        _log.warning("the client did not tell its folders: %s", type(error).__name__)
        return ListRootsResult(roots=[])


Roots: TypeAlias = Annotated[ListRootsResult, Resolve(_client_roots)]


async def validate(spec: Spec, roots: Roots, ctx: Ctx) -> CallToolResult:
    """Check a Stratum document; free. Reports every fault at once, with its place and its fix."""
    found = await _ask(ctx, lambda engine: engine.validate(spec), roots=roots)
    return reply(found.to_json())


async def plan(
    *,
    spec: Spec,
    roots: Roots,
    ctx: Ctx,
    flow: Annotated[str | None, Field(description="which flow; may be left out when there is one")] = None,
    inputs: Annotated[
        dict[str, JsonValue] | None,
        Field(description='by name: a value, or {"file": "reviews.csv", "columns": {"field": "Column"}}'),
    ] = None,
    options: Annotated[
        dict[str, JsonValue] | None,
        Field(
            description='only what the person asked for: model ("offline" needs no key), rows (first N), '
            "out (csv, json or jsonl file), cap_usd, cap_calls, background, "
            "mode (persistent: keeps the job as Python too), reuse (a run id: its answers are taken)"
        ),
    ] = None,
) -> CallToolResult:
    """Plan a job on the person's data: checks document and rows, says in plain words what it does and costs. Free."""
    made = await _ask(
        ctx,
        lambda engine: engine.plan(spec, flow=flow, inputs=inputs or {}, options=options or {}),
        roots=roots,
    )
    return await _answered(ctx, plan_record(made), roots=roots)


async def estimate_cost(
    plan_id: PlanId,
    ctx: Ctx,
    model: Annotated[str | None, Field(description="as if this model answered")] = None,
    rows: Annotated[int | None, Field(description="as if for the first N rows", ge=1)] = None,
    *,
    batch: Annotated[bool, Field(description="as if at batch-mode prices")] = False,
) -> CallToolResult:
    """Price a plan: likely range, worst case, per step, and where the figures come from. Free."""
    priced = await _ask(ctx, lambda engine: engine.estimate(plan_id, model=model, rows=rows, batch=batch))
    return await _answered(ctx, priced.to_json())


async def _ask_person(plan_id: str, ctx: Ctx) -> _Settled | Elicit[Answer]:
    """Put the plan before the person, unless it is decided already or the client cannot ask.

    The text is the same for the same plan, because an answer counts only for the text it was given to.
    """
    view = await _ask(ctx, lambda engine: engine.approval(plan_id))
    if view.state != "needs_approval" or view.needs == "remote" or not _can_ask(ctx):
        return _Settled()
    await _ask(ctx, lambda engine: engine.prepare(plan_id))
    return Elicit(await _ask(ctx, lambda engine: engine.question(plan_id)), Answer)


async def approve(
    plan_id: PlanId,
    answer: Annotated[ElicitationResult[Answer | _Settled], Resolve(_ask_person)],
    ctx: Ctx,
) -> CallToolResult:
    """Ask the person, in a dialog, whether the plan may run. Only they can answer."""
    reason = ""
    if isinstance(answer, DeclinedElicitation):
        view = await _decide(ctx, plan_id, approved=False, note="")
    elif isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Answer):
        view = await _decide(ctx, plan_id, approved=answer.data.approve, note=answer.data.note)
    else:
        view = await _ask(ctx, lambda engine: engine.approval(plan_id))
        reason = _CLOSED if isinstance(answer, CancelledElicitation) else _CANNOT_ASK
    record = approval_record(view)
    asked = view.state == "needs_approval" and view.needs == "local"
    return await _answered(ctx, {**record, "reason": reason} if asked else record)


async def execute(plan_id: PlanId, ctx: Ctx) -> CallToolResult:
    """Run an approved plan and wait for its results. Spends money, never more than the plan says."""
    run = await _watched(ctx, await _ask(ctx, lambda engine: engine.execute(plan_id)))
    return await _answered(ctx, run_record(run, can_ask=_can_ask(ctx)), beside=run.run_id)


async def _ask_payer(run_id: str, ctx: Ctx) -> _Settled | Elicit[More]:
    """Put a run that came to its cap before the person, unless that is decided or the client cannot ask."""
    run = await _ask(ctx, lambda engine: engine.show_run(run_id))
    if not run.needs_cap or not _can_ask(ctx):
        return _Settled()
    if (await _ask(ctx, lambda engine: engine.money.standing(run_id))).state != "needs_approval":
        return _Settled()
    return Elicit(await _ask(ctx, lambda engine: engine.money.question(run_id)), More)


async def _ask_reviewer(run_id: str, ctx: Ctx) -> _Settled | Elicit[Decisions]:
    """Put the questions of a waiting run before the person, as many as one form holds, if the client can ask."""
    run = await _ask(ctx, lambda engine: engine.show_run(run_id))
    if run.state != "waiting" or not run.waiting_for or not _can_ask(ctx):
        return _Settled()
    waiting = await _ask(ctx, lambda engine: engine.reviews.waiting(run_id))
    asked = together(waiting)
    command = await _ask(ctx, lambda engine: engine.settings.command("decide", run_id))
    if not asked:
        return _Settled()
    return Elicit(ask_about(asked, waiting=len(waiting), command=command), form_of(asked))


async def resume(
    run_id: RunId,
    decisions: Annotated[ElicitationResult[Decisions | _Settled], Resolve(_ask_reviewer)],
    more: Annotated[ElicitationResult[More | _Settled], Resolve(_ask_payer)],
    ctx: Ctx,
) -> CallToolResult:
    """Wait for a run again, or go on with a stopped one, asking the person what it waits for; pays nothing twice."""
    reason = "" if _can_ask(ctx) else _CANNOT_ASK
    notes: list[str] = []
    if isinstance(decisions, AcceptedElicitation):
        if isinstance(decisions.data, Decisions):
            notes = await _record(ctx, run_id, decisions.data)
    else:
        reason = _CLOSED
    if isinstance(more, AcceptedElicitation):
        if isinstance(more.data, More):
            await _decide_more(ctx, run_id, more.data)
    elif isinstance(more, DeclinedElicitation):
        await _decide_more(ctx, run_id, None)
    else:
        reason = _CLOSED
    resumed = await _ask(ctx, lambda engine: engine.resume(run_id))
    run = await _watched(ctx, resumed)
    record = run_record(run, can_ask=not reason)
    if resumed.note or notes:
        record["note"] = " ".join(filter(None, (*notes, resumed.note)))
    unanswered = run.waiting_for or run.needs_cap
    told = {**record, "reason": reason} if reason and unanswered else record
    return await _answered(ctx, told, beside=run_id)


async def cancel(run_id: RunId, ctx: Ctx) -> CallToolResult:
    """Stop a run: no new calls, those under way are settled, what is done is kept."""
    run = await _ask(ctx, lambda engine: engine.cancel(run_id))
    record = run_record(run)
    if run.note:
        record["note"] = run.note
    return await _answered(ctx, record, beside=run_id)


async def codegen(
    plan_id: PlanId,
    path: Annotated[str, Field(description="new .py file in the project")],
    roots: Roots,
    ctx: Ctx,
) -> CallToolResult:
    """Write a plan as typed Python with equal hashes. A file that is there and would change is left alone."""
    made = await _ask(ctx, lambda engine: engine.code.codegen(plan_id, path=path), roots=roots)
    return await _answered(ctx, made.to_json(), roots=roots)


async def _decide(ctx: Ctx, plan_id: str, *, approved: bool, note: str) -> ApprovalView:
    """Record what the person answered in the dialog; the first decision stands."""
    return await _ask(
        ctx, lambda engine: engine.decide(plan_id, approved=approved, channel="dialog", note=note)
    )


async def _decide_more(ctx: Ctx, run_id: str, said: More | None) -> None:
    """Record what the person answered about a higher cap; None: they declined the form."""
    await _ask(
        ctx,
        lambda engine: engine.money.decide(
            run_id,
            cap_nusd=0 if said is None else to_nusd(said.cap_usd),
            approved=said is not None and said.approve,
            channel="dialog",
            note="" if said is None else said.note,
        ),
    )


async def _record(ctx: Ctx, run_id: str, decisions: Decisions) -> list[str]:
    """Record what the person answered in the dialog: everything, or nothing when one answer does not fit.

    Returns:
        What they have to be told of questions that were withdrawn meanwhile.
    """

    def work(engine: Engine) -> list[str]:
        reviews = {review.number: review for review in engine.reviews.of_run(run_id)}
        read = {
            reviews[number].review_id: engine.reviews.read(run_id, reviews[number].review_id, answer)
            for number, answer in decisions.answers().items()
        }
        stored = [
            engine.reviews.decide(review_id, value, channel="dialog", note=decisions.reason())
            for review_id, value in read.items()
        ]
        return [review.withdrawn_words for review in stored if review.state == "withdrawn"]

    return await _ask(ctx, work)


async def _watched(ctx: Ctx, run: RunView) -> RunView:
    """Wait for a run with progress: to its end where the client waits for hours, else for a while."""
    workspace = _workspace(ctx)
    settings = workspace.settings
    waits_for_hours = _client_name(ctx).startswith(_WAITS_FOR_HOURS)
    until = inf if waits_for_hours else anyio.current_time() + settings.patience_s
    told = 0.0
    if run.note:
        await ctx.report_progress(told, run.total or None, plain_line(run.note))
    with _told():
        while not run.final and (left := until - anyio.current_time()) > 0:
            run = await workspace.engine().wait(run.run_id, timeout_s=min(settings.progress_s, left))
            # Progress has to grow, also while nothing is finished: the client shows that it is alive.
            told = float(run.done) if run.done > told else told + 0.001
            await ctx.report_progress(told, run.total or None, plain_line(run.message))
    return run


def _workspace(ctx: Ctx) -> Workspace:
    """Return what this server process works with."""
    return ctx.request_context.lifespan_context


def _can_ask(ctx: Ctx) -> bool:
    """Return whether the client can put a form before the person."""
    elicitation = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _client_name(ctx: Ctx) -> str:
    """Return what the client calls itself, empty when it does not say."""
    params = ctx.session.client_params
    return params.client_info.name if params else ""


async def _answered(
    ctx: Ctx, record: Mapping[str, Json], *, beside: str = "", roots: ListRootsResult | None = None
) -> CallToolResult:
    """Return a reply, the first of a session with the runs its project left undone; `beside` is the run it is about.

    A check of a document says nothing of it: whoever repairs one has no person before them yet. What was done stands
    in the reply in any case, also when those runs cannot be read.
    """
    session = _session_of(ctx)
    if session is None or not _workspace(ctx).sessions.is_first(session):
        return reply(record)
    try:
        left = await _ask(ctx, lambda engine: engine.left_over.runs(), roots=roots)
    except ToolError as fault:
        _log.warning("what was left undone could not be told: %s", fault)
        return reply(record)
    notice = left_over_words(left, beside=beside)
    return reply({**record, "notice": notice} if notice else record)


def _session_of(ctx: Ctx) -> str | None:
    """Return what names the session of a request; None where there is none.

    A pipe serves one client until it closes, so there the process is the session, in either era of the protocol. Over
    HTTP the older one names its sessions, and the stateless one has none.
    """
    return "" if ctx.headers is None else ctx.headers.get("mcp-session-id")


async def _ask(ctx: Ctx, work: Callable[[Engine], _T], *, roots: ListRootsResult | None = None) -> _T:
    """Call the engine of the client's folders in a worker thread."""
    workspace = _workspace(ctx)
    inside = folders([str(root.uri) for root in roots.roots]) if roots else ()
    with _told():
        return await anyio.to_thread.run_sync(lambda: work(workspace.engine(inside)))


@contextmanager
def _told() -> Generator[None]:
    """Turn the engine's errors into replies with a remedy, and let nothing of any other leave the server."""
    try:
        yield
    except StratumError as error:
        raise tool_error(error) from error
    except Exception as error:
        _log.exception("a tool call failed inside the engine")
        raise ToolError(
            f"internal_error: Stratum failed inside ({type(error).__name__}); the details are in the server's log\n"
            "What to do: call the tool once more; if it fails again tell the person, and do not work around it"
        ) from error
