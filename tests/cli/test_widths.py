"""Tables keep ids and figures whole, in a narrow terminal and where nothing has a width."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from stratum_core.engine import EstimateView
from stratum_mcp.cli._report import show_estimate
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import Job


def _estimate(*, reused: int) -> EstimateView:
    return EstimateView(
        plan_id="plan_1",
        likely_usd=0.01,
        likely_low_usd=0.01,
        likely_high_usd=0.02,
        worst_case_usd=1.0,
        calls_at_most=1360,
        basis="from experience",
        accuracy="",
        steps=(
            {
                "flow": "process_review_of_a_customer", "step": "tone_of_voice", "function": "judge_tone_of_voice",
                "model": "anthropic/claude-haiku-4-5", "likely_calls": 136_000, "most_calls": 1_360_000,
                "likely_nusd": 8_632_842_000, "worst_nusd": 385_948_750_000, "reused_calls": reused,
            },
        ),
        simulated=False,
    )  # fmt: skip


@pytest.mark.parametrize("reused", [0, 12_000])
def test_an_estimate_breaks_no_figure_in_80_columns(reused: int) -> None:
    file = io.StringIO()
    show_estimate(_estimate(reused=reused), Console(file=file, width=80, markup=False, highlight=False))
    lines = file.getvalue().splitlines()
    (head,) = (line for line in lines if "worst" in line and "case" not in line)
    assert head.split()[:6] == ["step", "function", "model", "calls", "at", "most"]
    assert ("reused" in head) == bool(reused)
    shown = ["136,000", "1,360,000", "$8.64", "$385.95", *(["12,000"] if reused else [])]
    assert [figure for figure in shown if figure not in " ".join(lines).split()] == []


def test_what_is_piped_is_not_cut_to_a_width(job: Job, stratum: Callable[..., Done]) -> None:
    name = "judge_" + "the_tone_of_a_note_" * 3
    text = job.spec.read_text("utf-8").replace("judge:", f"{name}:")
    job.spec.write_text(text.replace("function: judge", f"function: {name}"), "utf-8")
    plan = stratum(*plan_arguments("--json")).record()
    assert f"all_notes.tones   {name}   offline " in stratum("estimate", plan["plan_id"]).out
