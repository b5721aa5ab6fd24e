"""Sessions: what the calls of one flow share, and where in it each of them stands.

A session is one run of the runtime: its journal, meter, answers and census. It is found through a context variable, so
that tasks of a flow share it and nothing else does; it belongs to the event loop it was opened in. A call outside any
flow opens one for itself.

A call's path is `scope/function@<8 hex of its inputs>#k`; k counts equal calls within the scope. So it does not depend
on timing, and a flow that runs again finds what it has paid for. A group of calls or a question is counted by its name
in the scope's own task, where code goes on in order, and by what it asks in tasks that were started inside it.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from stratum_core.authoring._clients import Clients, model_of
from stratum_core.authoring._configure import Settings, settings
from stratum_core.authoring._identity import identity_of
from stratum_core.budget import Budget as Caps
from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue, content_hash
from stratum_core.errors import BudgetExceeded, JournalError, RunError, RunStopped, StratumError
from stratum_core.journal import Journal, MemoryJournal
from stratum_core.llm import PriceTable
from stratum_core.runtime import RunContext
from stratum_core.specs import Program
from stratum_core.trace import Tracers, process_store

__all__ = [
    "Session",
    "TimeCap",
    "as_raised",
    "current_session",
    "entered",
    "new_run_id",
    "open_session",
    "outside",
    "session_of",
]

_HASH_CHARACTERS = 8
_PRICES = "STRATUM_PRICES"
_AWAIT_TASKS = "await the tasks of a flow before it returns; `parallel` does"


class TimeCap:
    """The `ms` of a flow: a clock that stands still while a person is asked."""

    def __init__(self, ms: int) -> None:
        """Start the clock."""
        self.ms = ms
        self.scope = anyio.CancelScope(deadline=anyio.current_time() + ms / 1000)
        self._asking = 0
        self._left_s = 0.0

    @contextmanager
    def standing(self) -> Generator[None]:
        """Stop the clock for the block, and for others that overlap it."""
        if self._asking == 0:
            self._left_s = self.scope.deadline - anyio.current_time()
            self.scope.deadline = float("inf")
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if self._asking == 0:
                self.scope.deadline = anyio.current_time() + self._left_s


def _this_task() -> int:
    """Return what tells the task that runs now from others."""
    return anyio.get_current_task().id


@dataclass(slots=True, kw_only=True, eq=False)
class _Life:
    """What all scopes of one session have in common."""

    loop: EventLoopToken = field(default_factory=current_token)
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """One scope of a session: a flow, or a branch inside one."""

    context: RunContext
    meter: Meter
    path: str
    """Where in the run; empty for a call outside any flow."""
    settings: Settings
    life: _Life = field(default_factory=_Life)
    clocks: tuple[TimeCap, ...] = ()
    """The time caps around, the innermost last."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """How often each call was made in this scope."""
    task: int = field(default_factory=_this_task)
    """The task the scope was entered in."""

    def next_path(self, name: str, inputs: Mapping[str, JsonValue]) -> str:
        """Return the path of the next call of this name with these inputs."""
        return self._next(f"{name}@{content_hash(dict(inputs))[:_HASH_CHARACTERS]}")

    def next_place(self, name: str, asked: object) -> str:
        """Return the path of the next group of calls, or question, of this name.

        Args:
            name: What it is, such as `parallel`.
            asked: What it asks. It counts in tasks of the program's own, whose turns are a matter of timing; in the
                scope's task the name is enough, and a group keeps its place when one of its calls changes.
        """
        if self.task == _this_task():
            return self._next(name)
        return self._next(f"{name}@{content_hash(identity_of(asked))[:_HASH_CHARACTERS]}")

    def _next(self, stem: str) -> str:
        """Number a name within this scope."""
        number = self.counts.get(stem, 0)
        self.counts[stem] = number + 1
        here = f"{stem}#{number}"
        return f"{self.path}/{here}" if self.path else here

    def inside(
        self,
        path: str,
        *,
        context: RunContext | None = None,
        meter: Meter | None = None,
        clocks: tuple[TimeCap, ...] | None = None,
    ) -> Session:
        """Return a scope inside this one."""
        return replace(
            self,
            path=path,
            context=context or self.context,
            meter=meter or self.meter,
            clocks=self.clocks if clocks is None else clocks,
            counts={},
            task=_this_task(),
        )

    def for_call(self, program: Program) -> RunContext:
        """Return the context of one call: what ends the call ends nothing else.

        Raises:
            BudgetExceeded: A provider has counted more than could be reserved, so no cap can be promised any more.
        """
        if self.meter.scope.chain[-1].overrun:
            raise BudgetExceeded(
                f"{self.path or 'the call'}: a provider counted more than was reserved for a request, so no cap holds",
                remedy="report the model and the request; its price or token bound is wrong",
                detail={"scope": self.meter.scope.chain[-1].name, "axis": "nusd"},
            )
        return replace(self.context.apart(), program=program)


_current: ContextVar[Session | None] = ContextVar("stratum_session", default=None)


def current_session() -> Session | None:
    """Return the session of the flow this code runs in, or None outside any.

    Raises:
        RunError: The code runs in another event loop than its flow, or goes on after the flow's end.
    """
    session = _current.get()
    if session is None:
        return None
    if session.life.loop != current_token():
        raise RunError(
            f"a call in {session.path or 'a flow'} runs in another event loop than its flow, where its cap cannot hold",
            remedy="await it in the flow's own loop, or start it with run(...), which is a run of its own",
        )
    if session.life.ended:
        raise RunError(
            f"{session.path or 'the flow'} has ended, but a task it started goes on making calls",
            remedy=_AWAIT_TASKS,
        )
    return session


@contextmanager
def entered(session: Session | None) -> Generator[None]:
    """Let the calls of the block belong to a session, or to none."""
    token = _current.set(session)
    try:
        yield
    finally:
        _current.reset(token)


def outside() -> None:
    """Leave the session this context was copied from."""
    _current.set(None)


@asynccontextmanager
async def session_of() -> AsyncGenerator[Session]:
    """Give the session of the flow around, or one for the block alone.

    Raises:
        JournalError: The flow ended while the block was at work, and its record is closed.
    """
    session = current_session()
    if session is not None:
        try:
            yield session
        except JournalError as fault:
            if not session.life.ended:
                raise
            raise _outlived(session) from fault
        return
    async with open_session(settings(), MemoryJournal(new_run_id()), name="") as own:
        yield own


@asynccontextmanager
async def open_session(
    chosen: Settings, journal: Journal, *, name: str, caps: Caps | None = None
) -> AsyncGenerator[Session]:
    """Open a session; the journal is the caller's to close.

    Args:
        chosen: What it uses.
        journal: Its memory. What is on record counts against `caps`.
        name: The flow it is opened for; empty: a call alone.
        caps: The most the whole session may use.
    """
    spent = journal.recorded_usage()
    tracer = Tracers(process_store(), *(() if chosen.tracer is None else (chosen.tracer,)))
    session = Session(
        context=RunContext(
            program=Program(),
            journal=journal,
            client_for=Clients(client=chosen.client),
            prices=_price_table(),
            default_model=model_of(chosen),
            jitter=random.random,
            allow_unpriced=True,
            resumed=spent.calls > 0,
            tracer=tracer,
        ),
        meter=Meter(f"flow `{name}`" if name else "the call", caps or Caps(), spent=spent),
        path=name,
        settings=chosen,
    )
    try:
        yield session
    finally:
        session.life.ended = True


def _outlived(session: Session) -> JournalError:
    """Return what a task is told that its flow did not wait for."""
    flow, run_id = session.path.partition("/")[0], session.context.journal.run_id
    return JournalError(
        f"flow `{flow}` has ended and the record of run {run_id} is closed, but a task it started was still at work; "
        "what that task had asked a model counts as possibly paid",
        remedy=_AWAIT_TASKS,
        detail={"run_id": run_id},
    )


def new_run_id() -> str:
    """Return an id for a session nobody will resume."""
    return f"lib_{uuid.uuid4().hex}"


def as_raised(stop: RunStopped) -> StratumError:
    """Return what a program should see of a stop: the fault it was made of, or the cap that cannot hold any more."""
    if isinstance(stop.__cause__, StratumError):
        return stop.__cause__
    if stop.detail.get("state") == "stopped_budget":
        return BudgetExceeded(stop.message, remedy=stop.remedy)
    return stop


def _price_table() -> PriceTable:
    """Return the shipped prices, with the file of `STRATUM_PRICES` laid over them."""
    named = os.environ.get(_PRICES)
    return _loaded(Path(named) if named else None)


@cache
def _loaded(path: Path | None) -> PriceTable:
    """Read prices once for a process."""
    return PriceTable.load(path)
