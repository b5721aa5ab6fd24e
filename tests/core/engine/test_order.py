"""A run's record is told in the order of its document, whatever happened first."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.engine._order import document_order, told_run
from stratum_core.engine._tree import NO_ORDER, run_tree
from stratum_core.engine._views import RunView
from stratum_core.journal import ControlStore, Intent, PlanRecord, RunJournal

RUN = "run_0123456789ab"
DOCUMENT = """\
stratum: "1"
functions:
  tone: { mode: infer, intent: Judge the tone of a text, input: { text: string }, output: string }
flows:
  main:
    input: { texts: list<string> }
    output: list<string>
    steps:
      - { id: zeta, for_each: input.texts, flow: inner, inputs: { text: item } }
      - id: alpha
        parallel:
          branches:
            second: { function: tone, inputs: { text: "input.texts[0]" } }
            first: { flow: inner, inputs: { text: "input.texts[0]" } }
      - id: mid
        race:
          branches:
            y: { function: tone, inputs: { text: "input.texts[0]" } }
            x: { function: tone, inputs: { text: "input.texts[0]" } }
    return: zeta
  inner:
    input: { text: string }
    output: string
    steps:
      - { id: two, function: tone, inputs: { text: input.text } }
      - { id: one, function: tone, inputs: { text: input.text } }
    return: one
"""
RECORD: dict[str, JsonValue] = {"text": DOCUMENT, "flow": "main", "limits": {"compute_registry": []}}
HAPPENED = (
    "mid/x", "mid/y", "alpha/first/one", "alpha/first/two", "alpha/second", "zeta[1]/one", "zeta[1]/two",
    "zeta[0]/one", "zeta[0]/two", "left_out",
)  # fmt: skip


def _happened(state_dir: Path) -> None:
    """Write attempts in another order than the document's."""

    async def work() -> None:
        journal = RunJournal.open(state_dir, RUN, create=True)
        for path in HAPPENED:
            await journal.intent(
                Intent(
                    call_id=path, path=path, attempt=0, input_hash="i", request_hash="r", model="m/m",
                    reserved=Usage(nusd=1, tokens=1, calls=1),
                )
            )  # fmt: skip
            outcome: dict[str, JsonValue] = {"kind": "reply", "text": "x", "finish": "stop"}
            await journal.settle(
                path, state="answered", usage=Usage(nusd=1, tokens=1, calls=1), outcome=outcome
            )
        await journal.close()

    (state_dir / "runs").mkdir()
    anyio.run(work)


def _view(plan_id: str) -> RunView:
    return RunView(
        run_id=RUN, plan_id=plan_id, state="completed", message="", done=0, total=0, usd=0, cap_usd=1,
        simulated=False, live=False,
    )  # fmt: skip


def _called(tree: JsonValue) -> list[str]:
    """Return the paths of the calls in the order of the tree."""
    assert isinstance(tree, dict)
    children = tree["children"]
    assert isinstance(children, list)
    below = [path for child in children for path in _called(child)]
    return [str(tree["path"]), *below] if tree["attempts"] else below


def test_steps_branches_and_steps_of_a_called_flow_stand_in_document_order(tmp_path: Path) -> None:
    _happened(tmp_path)
    store = ControlStore.open(tmp_path)
    store.save_plan(
        PlanRecord(
            plan_id="plan_1", plan_hash="h", record=RECORD, created_at_ms=1, expires_at_ms=2, principal="p"
        )
    )
    assert _called(told_run(store, tmp_path, _view("plan_1"))) == [
        "zeta[0]/two", "zeta[0]/one", "zeta[1]/two", "zeta[1]/one",
        "alpha/second", "alpha/first/two", "alpha/first/one", "mid/y", "mid/x", "left_out",
    ]  # fmt: skip


@pytest.mark.parametrize("plan_id", ["", "plan_gone"])
def test_a_run_without_a_plan_is_told_as_it_happened(tmp_path: Path, plan_id: str) -> None:
    _happened(tmp_path)
    told = told_run(ControlStore.open(tmp_path), tmp_path, _view(plan_id))
    assert told == run_tree(tmp_path, _view(plan_id))
    assert _called(told)[:3] == ["mid/x", "mid/y", "alpha/first/one"]


@pytest.mark.parametrize("record", [{}, {"text": "stratum: [", "flow": "main"}, {**RECORD, "flow": "other"}])
def test_a_document_that_is_gone_or_cannot_be_read_gives_no_order(record: dict[str, JsonValue]) -> None:
    assert document_order(record) is NO_ORDER
