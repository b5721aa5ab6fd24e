"""A request for a plan with several faults: all that can be known is said at once, whatever is wrong first."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError, InputError, PlanError, StratumError
from stratum_core.plan import PlanContext, PlanOptions, build_plan

DOCUMENT = """
stratum: "1"
functions:
  judge: { mode: infer, intent: Judge a note, input: { note: string }, output: string }
  mend: { mode: infer, intent: Mend a note, input: { note: string }, output: string }
flows:
  every:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: judged, for_each: input.notes, function: judge, inputs: { note: item } }
      - { id: mended, for_each: judged, function: mend, inputs: { note: item } }
    return: mended
"""
ANOTHER = """
  longest:
    input: { notes: list<string>, least: int }
    output: int
    steps: [{ id: most, compute: len(input.notes) }]
    return: most
"""
NO_MODEL = "no model is configured, and functions 'judge', 'mend' name none"


def refused(
    context: PlanContext,
    text: str = DOCUMENT,
    *,
    flow: str | None = None,
    inputs: dict[str, JsonValue] | None = None,
    **options: JsonValue,
) -> StratumError:
    with pytest.raises(StratumError) as caught:
        build_plan(
            text,
            inputs=inputs or {},
            flow=flow,
            context=context,
            options=PlanOptions.from_json(dict(options)),
        )
    return caught.value


@pytest.fixture
def bare(context: PlanContext) -> PlanContext:
    return replace(context, default_model=None)


def test_an_unknown_flow_hides_neither_the_missing_input_nor_the_missing_model(bare: PlanContext) -> None:
    fault = refused(bare, flow="evry")

    assert isinstance(fault, PlanError)
    assert fault.message == (
        f"there is no flow 'evry'; input 'notes' of type list<string> is missing; {NO_MODEL}"
    )
    assert fault.remedy.startswith(
        "did you mean 'every'? the flows are: every; this flow takes notes: list<string>; set ANTHROPIC_API_KEY"
    )
    assert [each["code"] for each in fault.detail["faults"]] == [
        "plan_error",
        "invalid_input",
        "configuration_error",
    ]
    assert pickle.loads(pickle.dumps(fault)).detail == fault.detail  # noqa: S301 - our own bytes


def test_a_missing_input_hides_neither_a_bad_output_nor_the_missing_model(bare: PlanContext) -> None:
    fault = refused(bare, out="x.xlsx")

    assert isinstance(fault, InputError)
    assert fault.message == (
        "input 'notes' of type list<string> is missing; "
        f"out: 'x.xlsx' does not end in a format that can be written; {NO_MODEL}"
    )


def test_a_flow_that_was_not_named_hides_no_model_that_every_flow_would_need(bare: PlanContext) -> None:
    same = ANOTHER.replace("compute: len(input.notes)", "function: judge, inputs: { note: 'str(1)' }")
    same = same.replace("output: int", "output: string")

    two, mixed = refused(bare, DOCUMENT + same), refused(bare, DOCUMENT + ANOTHER)

    assert two.message.endswith(f"it is not clear which one to run; {NO_MODEL}")
    assert mixed.message.endswith("it is not clear which one to run")  # one of them needs no model
    assert mixed.remedy == "name one: every (takes notes), longest (takes notes and least)"


def test_a_document_without_flows_has_no_other_fault(bare: PlanContext) -> None:
    fault = refused(bare, DOCUMENT[: DOCUMENT.index("flows:")])

    assert fault.message == "this document has functions but no flow, so there is nothing to run"


def test_one_fault_stays_what_it_was(bare: PlanContext, context: PlanContext) -> None:
    notes: dict[str, JsonValue] = {"notes": ["a"]}

    assert isinstance(refused(bare, inputs=notes), ConfigurationError)
    assert refused(bare, inputs=notes).message == NO_MODEL
    assert refused(context).detail == {}
