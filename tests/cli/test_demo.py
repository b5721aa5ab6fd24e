"""The demonstration: a plan, one question, results, without a key."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli._command import Done, at_terminal
from tests.support.jobs import Job


@pytest.mark.slow
def test_with_the_flag_it_runs_to_the_end_and_writes_results(job: Job, stratum: Callable[..., Done]) -> None:
    done = stratum("demo", "--yes-under", "0.05")
    assert done.code == 0
    assert "136 reviews from reviews.csv" in done.out
    assert "At most $0.05." in done.out
    assert "Done. 136 processed" in done.out
    assert "(simulated)" in done.out
    assert "items done" in done.out
    with (job.folder / "results.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 136


def test_without_a_terminal_it_stops_at_needs_approval_and_says_how(
    job: Job, stratum: Callable[..., Done]
) -> None:
    done = stratum("demo", "--rows", "3")
    assert done.code == 3
    assert "needs approval" in done.err
    assert "stratum demo --yes-under 0.05" in done.err
    assert "3 reviews" in done.out
    assert not (job.folder / "results.csv").exists()


def test_a_flag_below_the_cap_approves_nothing(job: Job, stratum: Callable[..., Done]) -> None:
    done = stratum("demo", "--rows", "3", "--yes-under", "0.00001", "--json")
    assert (done.code, done.record()["error"]["code"]) == (3, "needs_approval")
    assert "--yes-under 1e-05" in done.record()["error"]["message"]
    assert not (job.folder / "results.csv").exists()


def test_what_the_policy_approves_is_not_asked_about(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("approve_up_to_usd: 1\napprove_models: [offline]\n", "utf-8")
    policy.chmod(0o600)
    monkeypatch.setenv("STRATUM_POLICY", str(policy))
    done = stratum("demo", "--rows", "2", "--json")
    assert (done.code, done.record()["state"], done.record()["done"]) == (0, "completed", 2)


def test_an_installation_without_the_sample_data_says_so(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_: str) -> Path:
        return job.folder

    monkeypatch.setattr("stratum_mcp.cli._demo.files", nowhere)
    done = stratum("demo")
    assert done.code == 1
    assert "sample data is missing" in done.err


def test_a_person_at_a_terminal_is_asked(job: Job) -> None:
    done = at_terminal(
        ["demo", "--rows", "5", "--out", "some.csv"],
        answers={"Type yes to run it": "yes"},
        cwd=job.folder,
        environ=os.environ,
    )
    assert done.code == 0
    assert "Done. 5 processed" in done.out
    assert (job.folder / "some.csv").exists()


def test_a_no_at_the_terminal_runs_nothing(job: Job) -> None:
    done = at_terminal(
        ["demo", "--rows", "5"], answers={"Type yes to run it": "no"}, cwd=job.folder, environ=os.environ
    )
    assert done.code == 4
    assert not (job.folder / "results.csv").exists()
