"""What has to be refused before anything is spent: each is tried through the engine, with a provider that counts."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from bench._measure import Row
from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, PlanView, Settings
from stratum_core.errors import StratumError
from stratum_core.money import Nusd
from tests.support.jobs import Job, make_job
from tests.support.providers import ProviderServer, openai

__all__ = ["refusals"]

_MODEL = "openai/gpt-4.1-mini"
_HOUR_S = 3600.0


@dataclass
class _Desk:
    """A project with an engine, and a provider nobody should reach."""

    job: Job
    server: ProviderServer
    policy: Policy = field(default_factory=Policy)
    off_s: float = 0.0

    @property
    def engine(self) -> Engine:
        """A fresh engine over the project."""
        settings = Settings(
            state_dir=self.job.state_dir,
            roots=(self.job.folder,),
            policy=self.policy,
            environ={"OPENAI_API_KEY": "sk-none", "OPENAI_API_BASE": f"{self.server.url}/v1"},
            default_model=_MODEL,
        )
        return Engine(settings, clock=lambda: time.time() + self.off_s)

    def plan(self, **options: JsonValue) -> PlanView:
        """Plan the job."""
        return self.engine.plan(
            str(self.job.spec), inputs={"notes": {"file": str(self.job.data)}}, options=options
        )

    def approved(self, **options: JsonValue) -> str:
        """Plan the job and have a person agree."""
        plan = self.plan(**options)
        self.engine.decide(plan.plan_id, approved=True, channel="terminal")
        return plan.plan_id


def refusals() -> list[Row]:
    """Return how many of the attempts of A6 and A7 were refused, and what reached the provider."""
    rows: list[Row] = []
    for anchor, cases in (
        ("A6 a yes for something else, or none", _A6),
        ("A7 a dollar cap and no price", _A7),
    ):
        refused, reached = zip(*(_tried(case) for case in cases), strict=True)
        rows += [
            Row(
                area=f"{anchor}: refused",
                ours=sum(refused),
                unit=f"of {len(cases)}",
                target=f"= {len(cases)}",
                met=all(refused),
            ),
            Row(
                area=f"{anchor.split()[0]} requests at the provider",
                ours=sum(reached),
                unit="calls",
                target="= 0",
                met=not any(reached),
            ),
        ]
    return rows


def _tried(case: Callable[[_Desk], object]) -> tuple[bool, int]:
    """Return whether one attempt was refused, and how many requests reached the provider."""
    with tempfile.TemporaryDirectory() as folder, _serving() as server:
        desk = _Desk(job=make_job(Path(folder)), server=server)
        try:
            case(desk)
        except StratumError:
            return True, len(server.received)
        return False, len(server.received)


@contextmanager
def _serving() -> Generator[ProviderServer]:
    server = ProviderServer(openai.completion('{"label": "neutral", "confidence": 0.9}'))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        yield server


def _another_plan(desk: _Desk) -> object:
    """Agree to one plan, execute another."""
    desk.approved()
    desk.job.write_rows(6)
    return desk.engine.execute(desk.plan().plan_id)


def _another_model(desk: _Desk) -> object:
    """Agree to a plan, execute the same on another model."""
    desk.approved()
    return desk.engine.execute(desk.plan(model="openai/gpt-4.1").plan_id)


def _another_cap(desk: _Desk) -> object:
    """Agree to a plan, execute the same under another cap."""
    desk.approved(cap_usd=0.5)
    return desk.engine.execute(desk.plan(cap_usd=0.6).plan_id)


def _expired(desk: _Desk) -> object:
    """Agree, and come back after the yes has expired."""
    plan_id = desk.approved()
    desk.off_s = 2 * _HOUR_S
    return desk.engine.execute(plan_id)


def _declined(desk: _Desk) -> object:
    """Execute what a person said no to."""
    plan = desk.plan()
    desk.engine.decide(plan.plan_id, approved=False, channel="dialog")
    desk.engine.decide(plan.plan_id, approved=True, channel="terminal")
    return desk.engine.execute(plan.plan_id)


def _revoked(desk: _Desk) -> object:
    """Execute what a person took their yes back from."""
    plan_id = desk.approved()
    desk.engine.answers.revoke(plan_id, channel="terminal")
    return desk.engine.execute(plan_id)


def _edited_file(desk: _Desk) -> object:
    """Change the data after the yes."""
    plan_id = desk.approved()
    desk.job.write_rows(50)
    return desk.engine.execute(plan_id)


def _edited_record(desk: _Desk, name: str, value: JsonValue) -> object:
    """Change the stored plan after the yes."""
    plan_id = desk.approved()
    with closing(sqlite3.connect(desk.job.state_dir / "control.db")) as control, control:
        (text,) = control.execute("SELECT record FROM plans WHERE plan_id = ?", (plan_id,)).fetchone()
        record = {**json.loads(text), name: value}
        control.execute("UPDATE plans SET record = ? WHERE plan_id = ?", (json.dumps(record), plan_id))
    return desk.engine.execute(plan_id)


def _edited_document(desk: _Desk) -> object:
    text = desk.job.spec.read_text("utf-8")
    return _edited_record(desk, "text", text.replace("Judge the tone of a note", "Write a poem about a note"))


def _edited_cap(desk: _Desk) -> object:
    return _edited_record(desk, "cap_nusd", 10**12)


def _local_where_remote_is_wanted(desk: _Desk) -> object:
    """Agree on this account where the policy wants another person."""
    desk.policy = Policy(require_remote_above_nusd=Nusd(1))
    return desk.engine.execute(desk.approved())


def _local_before_remote_was_wanted(desk: _Desk) -> object:
    """Agree on this account, then have the policy want another person."""
    plan_id = desk.approved()
    desk.policy = Policy(require_remote_above_nusd=Nusd(1))
    return desk.engine.execute(plan_id)


def _unpriced(desk: _Desk) -> object:
    """Plan on a model whose price nobody knows."""
    return desk.engine.execute(desk.approved(model="openai/of-tomorrow", cap_usd=1.0))


def _unpriced_with_counts(desk: _Desk) -> object:
    """The same with a cap on calls beside that on dollars."""
    return desk.engine.execute(desk.approved(model="openai/of-tomorrow", cap_usd=1.0, cap_calls=3))


_A6 = (
    _another_plan,
    _another_model,
    _another_cap,
    _expired,
    _declined,
    _revoked,
    _edited_file,
    _edited_document,
    _edited_cap,
    _local_where_remote_is_wanted,
    _local_before_remote_was_wanted,
)
_A7 = (_unpriced, _unpriced_with_counts)
