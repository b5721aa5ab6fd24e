"""What a plan says beside its steps: how it is stopped, what an earlier run saves, why a free one is asked about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.plan import Plan, PlanContext, PlanOptions, build_plan
from stratum_core.plan._price_words import calls_sentences, cap_sentence
from stratum_core.specs import InferSpec, RegisteredFunction

PAID = """
stratum: "1"
functions:
  f: { mode: infer, intent: Judge a note, input: { note: string }, output: string, retries: 1 }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    budget: { usd: 1 }
    steps: [{ id: all, for_each: input.notes, function: f, inputs: { note: item } }]
    return: all
"""
FREE = """
stratum: "1"
functions:
  f: { mode: compute, input: { n: int }, output: int, %s }
flows:
  main:
    input: { n: int }
    output: json
    steps:
      - { id: twice, function: f, inputs: { n: input.n } }
      %s
    return: "{'n': twice}"
"""
AGAIN = "; an answer that breaks its rules is asked for again, once."
SAVES = ", which saves about $0.000088."
ASKS = "- { id: sure, await_human: { question: Sure? } }"


def paid(context: PlanContext, *notes: str, **options: JsonValue) -> Plan:
    chosen = PlanOptions.from_json(dict(options))
    return build_plan(PAID, inputs={"notes": [*notes]}, context=context, options=chosen)


def free(context: PlanContext, *, body: str = "expression: n * 2", more: str = "", out: str = "") -> Plan:
    options = PlanOptions(out=out or None)
    return build_plan(FREE % (body, more), inputs={"n": 2}, context=context, options=options)


def test_a_plan_says_what_closing_the_client_does_and_how_the_run_is_stopped(context: PlanContext) -> None:
    stays, ends = paid(context, "a").summary, paid(context, "a", background=False).summary

    assert (
        "\nIt keeps running if you close Claude Code or the terminal; stratum cancel RUN stops it.\n" in stays
    )
    assert "\nIt ends when Claude Code or the terminal that started it is closed.\n" in ends


@pytest.mark.parametrize(
    ("left", "reused", "words"),
    [
        (3, 4, f"3 model calls{AGAIN} 4 more answers are taken from run_8b37{SAVES}"),
        (1, 1, f"1 model call{AGAIN} 1 more answer is taken from run_8b37{SAVES}"),
        (0, 4, f"All 4 answers are on record in run_8b37{SAVES}"),
        (0, 1, f"The one answer is on record in run_8b37{SAVES}"),
        (2, 0, f"2 model calls{AGAIN} None of these answers is on record in run_8b37, so nothing is saved."),
    ],
)
def test_what_an_earlier_run_has_answered_is_said_in_words(
    context: PlanContext, left: int, reused: int, words: str
) -> None:
    plan = paid(context, "a")
    specs = [spec for spec in plan.program.functions.values() if isinstance(spec, InferSpec)]
    estimate = replace(
        plan.estimate, likely_calls=left, most_calls=left, reused_calls=reused, saved_nusd=88_000
    )

    again = replace(plan, reused={"run_id": "run_8b37"}, estimate=estimate)
    assert " ".join(calls_sentences(again, specs)) == words


def test_without_a_call_left_nothing_leaves_the_machine_and_the_plan_is_free(context: PlanContext) -> None:
    plan = paid(context)

    assert plan.summary.splitlines()[-5:] == [
        "You get a list of texts.",
        "Nothing leaves this machine.",
        "It keeps running if you close Claude Code or the terminal; stratum cancel RUN stops it.",
        "It needs your yes because no run starts without one.",
        "No model is called: this costs nothing.",
    ]
    assert plan.question.splitlines()[-2:] == [
        "Nothing leaves this machine.",
        "No model is called: this costs nothing.",
    ]


def test_a_free_plan_says_why_it_needs_a_yes(context: PlanContext, tmp_path: Path) -> None:
    code = tmp_path / "double.py"
    code.write_text("def double(n):\n    return n * 2\n")
    able = replace(
        context,
        registry={"double": RegisteredFunction(file=str(code), timeout_s=1, memory_mb=64, environ=())},
        limits=replace(context.limits, compute_registry=frozenset({"double"})),
    )

    def reason(plan: Plan) -> str:
        text = " ".join(plan.summary.splitlines())
        assert text.endswith(". No model is called: this costs nothing.")
        return text[text.index("It needs your yes") : text.index(" No model is called")]

    assert reason(free(context)) == "It needs your yes because no run starts without one."
    assert reason(free(context, out="n.json")) == "It needs your yes because it writes n.json."
    assert (
        reason(free(able, body="python: double"))
        == "It needs your yes because it runs Python code on this machine."
    )
    assert (
        reason(free(able, body="python: double", more=ASKS, out="n.json")) == "It needs your yes because it "
        "writes n.json, runs Python code on this machine and asks you something on the way."
    )
    assert "needs your yes" not in paid(context, "a").summary


def test_registered_code_is_among_the_few_warnings_a_summary_has_room_for(
    context: PlanContext, tmp_path: Path
) -> None:
    code = tmp_path / "double.py"
    code.write_text("def double(n):\n    return n * 2\n")
    (tmp_path / "n.json").write_text("{}")
    able = replace(
        context,
        registry={"double": RegisteredFunction(file=str(code), timeout_s=1, memory_mb=64, environ=())},
        limits=replace(context.limits, compute_registry=frozenset({"double"})),
    )
    plan = free(able, body="python: double", out="n.json")

    assert plan.warnings == (
        "n.json exists and will be replaced",
        "runs Python code the operator registered, on this machine: double",
    )
    assert "Note: runs Python code the operator registered" in plan.summary


def test_a_cap_that_is_no_multiple_of_what_is_likely_is_proposed_without_one(context: PlanContext) -> None:
    plan = paid(context, "a", "b")
    cap = plan.cap_nusd

    def told(likely_nusd: int) -> str:
        return cap_sentence(replace(plan, estimate=replace(plan.estimate, likely_nusd=likely_nusd)))

    assert ", about 4 times what is likely." in told(cap // 4)
    assert told(0) == told(cap) == told(cap).replace(", about", "")
