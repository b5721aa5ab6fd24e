"""Registered Python functions through plan, approval and a real runner process."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from stratum_core.approval import Policy, load_policy
from stratum_core.engine import Engine, PlanView
from stratum_core.errors import DiagnosticsError, PlanError
from tests.core.engine._bench import Bench, ended, result_of

DOCUMENT = """\
stratum: "1"
functions:
  count_words: { mode: compute, input: { text: string }, output: { type: int, min: 0 }, python: words }
flows:
  main:
    input: { texts: list<string> }
    output: list<int>
    steps:
      - { id: counts, for_each: input.texts, function: count_words, inputs: { text: item } }
    return: counts
"""
CODE = """\
import json, os, sys
assert not [name for name in os.environ if "KEY" in name]
print(len(json.load(sys.stdin)["text"].split()))
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """A policy that registers one function."""
    code, file = tmp_path / "words.py", tmp_path / "policy.yaml"
    code.write_text(CODE, "utf-8")
    file.write_text("compute: { words: { file: words.py, timeout_s: 20 } }\n", "utf-8")
    code.chmod(0o600)
    file.chmod(0o600)
    return load_policy(file)


def approved(engine: Engine) -> PlanView:
    """Plan the document over two texts, and have a person agree."""
    plan = engine.plan(DOCUMENT, inputs={"texts": ["one two", "three"]})
    engine.decide(plan.plan_id, approved=True, channel="terminal")
    return plan


@pytest.mark.slow
def test_a_registered_function_runs_in_a_process_without_keys(bench: Bench, policy: Policy) -> None:
    engine = bench.engine(policy=policy, OPENAI_API_KEY="sk-secret")
    plan = approved(engine)
    assert [told for told in plan.warnings if "runs Python code the operator registered" in told] != []
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert (view.state, view.error, view.usd) == ("completed", "", 0.0)
    assert result_of(view) == [2, 1]


def test_a_document_cannot_name_what_is_not_registered(bench: Bench, policy: Policy) -> None:
    for name in ("os.system", "/bin/ls", "words.py", "other"):
        with pytest.raises(DiagnosticsError) as caught:
            bench.engine(policy=policy).plan(DOCUMENT.replace("python: words", f"python: {name}"), inputs={})
        assert {found["code"] for found in caught.value.detail["diagnostics"]} <= {"E403", "E113"}


def test_changed_code_is_refused_before_anything_starts(bench: Bench, policy: Policy) -> None:
    engine = bench.engine(policy=policy)
    plan = approved(engine)
    Path(policy.compute["words"].file).write_text(CODE + "# more\n", "utf-8")
    with pytest.raises(PlanError, match="'words' was changed after the plan was made"):
        engine.execute(plan.plan_id)
    assert engine.runs() == ()


@pytest.mark.parametrize("compute", ["gone", "slower"])
def test_what_the_policy_registers_otherwise_by_now_is_refused(
    bench: Bench, policy: Policy, compute: str
) -> None:
    plan = approved(bench.engine(policy=policy))
    entry = dataclasses.replace(policy.compute["words"], timeout_s=21.0)
    later = dataclasses.replace(policy, compute={} if compute == "gone" else {"words": entry})
    with pytest.raises(PlanError, match="does not register 'words' as it did"):
        bench.engine(policy=later).execute(plan.plan_id)
