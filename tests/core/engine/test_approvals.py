"""What a yes is good for: one run of exactly what was shown, while it lasts, from whoever may give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from stratum_core.approval import Policy
from stratum_core.engine import Engine
from stratum_core.errors import ApprovalError, ConfigurationError, NeedsApproval, PlanError, RunError
from stratum_core.money import Nusd, to_nusd
from tests.core.engine._bench import Bench, ended


def test_nothing_runs_without_an_answer(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    assert engine.approval(plan.plan_id).state == "needs_approval"
    with pytest.raises(NeedsApproval, match=f"stratum approve {plan.plan_id}"):
        engine.execute(plan.plan_id)
    assert engine.runs() == ()


def test_the_question_says_what_is_done_and_what_it_costs_last(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    assert "judge the tone of a note" in engine.question(plan.plan_id)
    assert engine.question(plan.plan_id).endswith("At most $0.00099.")


def test_a_no_is_final(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    said = engine.decide(plan.plan_id, approved=False, channel="dialog", note="too dear")
    assert (said.state, 'they said: "too dear"' in said.message) == ("declined", True)
    assert engine.decide(plan.plan_id, approved=True, channel="terminal").state == "declined"
    with pytest.raises(ApprovalError, match="was declined"):
        engine.execute(plan.plan_id)
    assert engine.show_plan(plan.plan_id).approval == "declined"


def test_a_yes_that_waited_too_long_is_asked_for_again(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    engine.decide(plan.plan_id, approved=True, channel="terminal")
    bench.clock.advance(61 * 60)
    assert engine.approval(plan.plan_id).state == "needs_approval"
    with pytest.raises(ApprovalError):
        engine.execute(plan.plan_id)
    assert engine.decide(plan.plan_id, approved=True, channel="terminal").state == "approved"


def test_an_expired_plan_is_neither_approved_nor_run(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    bench.clock.advance(25 * 3600)
    for use in (
        lambda: engine.decide(plan.plan_id, approved=True, channel="terminal"),
        lambda: engine.approval(plan.plan_id),
        lambda: engine.execute(plan.plan_id),
    ):
        with pytest.raises(PlanError, match="has expired"):
            use()


@pytest.mark.slow
def test_a_yes_is_used_up_by_its_run_and_the_plan_keeps_leading_to_it(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    run = ended(engine, engine.execute(plan.plan_id).run_id)
    bench.clock.advance(25 * 3600)
    assert engine.execute(plan.plan_id) == run
    assert engine.decide(plan.plan_id, approved=False, channel="terminal").state == "approved"


def test_a_changed_document_is_another_plan(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    text = bench.job.spec.read_text("utf-8")
    bench.job.spec.write_text(text.replace("Judge the tone", "Judge the smell"), "utf-8")
    other = bench.plan(engine)
    assert other.plan_id != plan.plan_id
    with pytest.raises(NeedsApproval):
        engine.execute(other.plan_id)


@pytest.mark.slow
def test_the_operators_policy_can_answer(bench: Bench) -> None:
    engine = bench.engine(policy=Policy(approve_up_to_nusd=to_nusd(2)))
    plan = bench.plan(engine)
    view = engine.approval(plan.plan_id)
    assert (view.state, view.channel, view.message) == ("approved", "policy", "Approved (policy)")
    assert ended(engine, engine.execute(plan.plan_id).run_id).state == "completed"


def test_a_policy_does_not_answer_for_dearer_plans(bench: Bench) -> None:
    engine = bench.engine(policy=Policy(approve_up_to_nusd=to_nusd("0.0001")))
    assert engine.approval(bench.plan(engine).plan_id).state == "needs_approval"


REMOTE = Policy(require_remote_above_nusd=Nusd(1))


def test_an_answer_from_this_account_is_refused_where_the_policy_wants_another(bench: Bench) -> None:
    engine = bench.engine(policy=REMOTE)
    plan = bench.plan(engine)
    with pytest.raises(ApprovalError):
        engine.decide(plan.plan_id, approved=True, channel="terminal")
    assert engine.decide(plan.plan_id, approved=False, channel="terminal").state == "declined"


@pytest.mark.parametrize(
    ("policy", "error"), [(REMOTE, ApprovalError), (Policy(models_allowed=("openai/*",)), PlanError)]
)
def test_a_policy_that_became_stricter_after_the_yes_holds(
    bench: Bench, policy: Policy, error: type[Exception]
) -> None:
    plan = bench.approved(bench.engine())
    strict = bench.engine(policy=policy)
    with pytest.raises(error):
        strict.execute(plan.plan_id)
    assert strict.runs() == ()


USES: list[Callable[[Engine, str], object]] = [
    lambda engine, name: engine.show_plan(name),
    lambda engine, name: engine.estimate(name),
    lambda engine, name: engine.approval(name),
    lambda engine, name: engine.question(name),
    lambda engine, name: engine.decide(name, approved=True, channel="terminal"),
    lambda engine, name: engine.execute(name),
    lambda engine, name: engine.show_run(name),
    lambda engine, name: engine.run_report(name),
    lambda engine, name: engine.resume(name),
    lambda engine, name: engine.cancel(name),
]


@pytest.mark.parametrize(
    "name", ["../../x", "plan_../../../x", "", "plan_0123456789ab", "run_\x00", "x" * 10_000]
)
@pytest.mark.parametrize("use", USES)
def test_an_id_of_nothing_is_said_to_be_one(
    bench: Bench, use: Callable[[Engine, str], object], name: str
) -> None:
    engine = bench.engine()
    before = sorted(bench.job.folder.parent.rglob("*"))
    with pytest.raises((PlanError, RunError)) as caught:
        use(engine, name)
    assert (caught.value.remedy != "", len(str(caught.value)) < 500) == (True, True)
    assert sorted(bench.job.folder.parent.rglob("*")) == before


def test_a_what_if_estimate_leaves_the_plan_alone(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    whole, part = engine.estimate(plan.plan_id), engine.estimate(plan.plan_id, rows=2)
    assert (whole.calls_at_most, whole.simulated) == (plan.calls_at_most, True)
    assert part.calls_at_most * 5 == whole.calls_at_most * 2
    assert not engine.estimate(plan.plan_id, model="openai/gpt-4.1-mini").simulated
    assert replace(engine.show_plan(plan.plan_id), run_id="") == plan


def test_without_the_key_nobody_says_yes_but_anybody_says_no(bench: Bench) -> None:
    engine = bench.engine(policy=Policy(approve_up_to_nusd=to_nusd("9")), OPENAI_API_KEY="")
    plan = bench.plan(engine, model="openai/gpt-4.1-mini")
    for ask in (
        partial(engine.approval, plan.plan_id),
        partial(engine.execute, plan.plan_id),
        partial(engine.decide, plan.plan_id, approved=True, channel="flag"),
    ):
        with pytest.raises(
            ConfigurationError, match="OPENAI_API_KEY is not set; nothing was approved or started"
        ):
            ask()
    assert engine.show_plan(plan.plan_id).approval == "needs_approval"
    assert engine.decide(plan.plan_id, approved=False, channel="terminal").state == "declined"
    assert engine.runs() == ()


def test_a_key_that_is_gone_after_the_yes_uses_nothing_up(bench: Bench) -> None:
    keyed = bench.engine(OPENAI_API_KEY="sk-x", OPENAI_API_BASE="http://127.0.0.1:9/v1")
    plan = bench.plan(keyed, model="openai/gpt-4.1-mini")
    keyed.decide(plan.plan_id, approved=True, channel="terminal")
    engine = bench.engine(OPENAI_API_KEY="")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY is not set"):
        engine.execute(plan.plan_id)
    assert (engine.approval(plan.plan_id).state, engine.runs()) == ("approved", ())
