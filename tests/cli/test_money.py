"""Money on the command line: what is spent, a yes taken back, and a higher cap typed by a person."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from stratum_core.engine import Engine, Settings
from tests.cli._command import Done, at_terminal, plan_arguments
from tests.support.jobs import Job


def _engine(job: Job) -> Engine:
    return Engine(Settings.from_environment(job.environ, cwd=job.folder))


def stopped(job: Job, stratum: Callable[..., Done]) -> str:
    """Run forty rows into a cap that pays for some of them, and return the run's id."""
    job.write_rows(40)
    most = stratum(*plan_arguments("--json")).record()["at_most_usd"]
    plan_id = stratum(*plan_arguments("--json", "--cap", f"{most / 11:.9f}")).record()["plan_id"]
    with _engine(job) as engine:
        engine.decide(plan_id, approved=True, channel="flag")
    run = stratum("execute", plan_id, "--json").record()
    assert run["state"] == "stopped_budget", run
    return str(run["run_id"])


def test_spend_shows_limits_what_is_spent_and_who_holds_it(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = stratum("spend")
    assert "UTC): $0.00 spent, $0.00 reserved; no limit" in shown.out
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("limits: { day_usd: 5, project_usd: 0.5 }\n")
    policy.chmod(0o600)
    monkeypatch.setenv("STRATUM_POLICY", str(policy))
    shown = stratum("spend")
    assert "$0.00 reserved; $5.00 left of $5.00" in shown.out
    assert f"Project {job.folder.resolve()}: " in shown.out
    told = stratum("spend", "--json").record()
    assert (told["today"]["limit_usd"], told["by_project"]["left_usd"], told["holding"]) == (5, 0.5, [])


def test_revoke_takes_a_yes_back_and_show_tells_every_answer(job: Job, stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    with _engine(job) as engine:
        engine.decide(plan_id, approved=True, channel="flag")
    taken = stratum("revoke", plan_id, "--note", "wrong file")
    assert (taken.code, "took their yes to this plan back" in taken.out) == (0, True)
    assert stratum("execute", plan_id).code != 0
    shown = stratum("show", plan_id)
    assert "UTC: approved by " in shown.out
    assert '(flag), at most $0.00099; "wrong file"' in shown.out
    assert len(stratum("show", plan_id, "--json").record()["answers"]) == 2
    assert stratum("revoke", plan_id).code == 1


@pytest.mark.slow
def test_a_person_types_yes_to_a_higher_cap_and_the_run_goes_on(
    job: Job, stratum: Callable[..., Done]
) -> None:
    run_id = stopped(job, stratum)
    nobody = stratum("approve", run_id, "--cap", "0.5")
    assert (nobody.code, "was given no more money" in nobody.err) == (3, True)
    assert stratum("approve", run_id).code == 1  # no cap was named

    def typed(word: str) -> Done:
        return at_terminal(
            ["approve", run_id, "--cap", "0.5"],
            answers={"Type yes to let it go on": word},
            cwd=job.folder,
            environ=os.environ,
        )

    assert typed("perhaps").code == 3
    agreed = typed("yes")
    assert (agreed.code, f"stratum resume {run_id}" in agreed.out) == (0, True)
    assert "The new cap: $0.50." in agreed.out
    assert stratum("approve", run_id, "--cap", "9").code == 0  # the first answer stands
    done = stratum("resume", run_id, "--json")
    assert (done.code, done.record()["cap_usd"], done.record()["done"]) == (0, 0.5, 40)


def test_a_yes_to_a_higher_cap_can_be_taken_back(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = stopped(job, stratum)
    with _engine(job) as engine:
        engine.money.decide(run_id, cap_nusd=500_000_000, approved=True, channel="terminal")
    assert "revoked more money by" in stratum("revoke", run_id).out
    assert stratum("resume", run_id).code == 5
