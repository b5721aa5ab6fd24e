"""The flow walk: what runs at the same time, what is skipped, and what a failure leaves."""

from __future__ import annotations

import anyio
import pytest

from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.testing import Answer
from tests.core.runtime._trial import HeldClient, Trial, note_of

pytestmark = pytest.mark.anyio

FUNCTIONS = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }
  twice:
    mode: compute
    input: { text: string }
    output: string
    given: [len(text) < 9]
    ensure: [len(result) < 9]
    expression: text + text
"""


def flow(steps: str, returns: str, output: str, *more: str) -> str:
    lines = "\n".join(f"      - {{ {step} }}" for step in steps.strip().splitlines())
    return "\n".join(
        (
            FUNCTIONS + "flows:",
            *more,
            "  main:",
            "    input: { note: string, on: bool }",
            f"    output: {output}",
            "    steps:",
            lines,
            f"    return: {returns}",
        ),
    )


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


async def value_of(document: str, **inputs: JsonValue) -> JsonValue:
    outcome = await Trial.answering(document, loud).run({"note": "abc", "on": True, **inputs})
    assert outcome.error == ""
    return outcome.value


async def error_of(document: str, **inputs: JsonValue) -> str:
    outcome = await Trial.answering(document, loud).run({"note": "abc", "on": True, **inputs})
    assert (outcome.state, outcome.value) == ("failed", None)
    return outcome.error


TWO = """id: a, function: shout, inputs: { note: input.note }
id: b, function: shout, inputs: { note: input.note + "!" }"""


async def test_independent_steps_are_asked_for_at_the_same_time() -> None:
    client = HeldClient(loud)
    client.on_request = lambda _: client.let_go() if client.in_flight == 2 else None
    outcome = await Trial(document=flow(TWO, "a + b", "string"), client=client).run({"note": "x", "on": True})
    assert (outcome.value, client.most_in_flight) == ("XX!", 2)


async def test_a_step_waits_for_what_it_reads() -> None:
    document = flow(TWO.replace('input.note + "!"', 'a + "!"'), "b", "string")
    trial = Trial.answering(document, loud)
    outcome = await trial.run({"note": "x", "on": True})
    assert (outcome.value, [note_of(request) for request in trial.requests]) == ("X!", ["x", "X!"])


async def test_a_step_waits_for_what_it_comes_after() -> None:
    document = flow(TWO + ", after: [a]", "a + b", "string")
    client = HeldClient(loud, held=False)
    await Trial(document=document, client=client).run({"note": "x", "on": True})
    assert client.most_in_flight == 1


@pytest.mark.parametrize(("on", "value"), [(True, "ABC"), (False, "nothing")])
async def test_a_condition_decides_whether_a_step_runs(on: bool, value: str) -> None:
    document = flow(
        "id: a, when: input.on, function: shout, inputs: { note: input.note }",
        'a if a is not None else "nothing"',
        "string",
    )
    trial = Trial.answering(document, loud)
    outcome = await trial.run({"note": "abc", "on": on})
    assert (outcome.value, outcome.census["skipped"], len(trial.requests)) == (value, int(not on), int(on))


async def test_a_failed_step_can_leave_null_and_a_line_in_the_census() -> None:
    document = flow(
        "id: a, function: shout, inputs: { note: input.note }, on_error: none", "a is None", "bool"
    )
    trial = Trial.answering(document, lambda _: "no json")
    outcome = await trial.run({"note": "abc", "on": True})
    assert (outcome.value, outcome.state) == (True, "completed_with_failures")
    assert outcome.census["failed_by_cause"] == {"parse_failure": 1}


async def test_a_flow_calls_flows() -> None:
    inner = """  inner:
    input: { text: string }
    output: string
    steps: [{ id: t, function: twice, inputs: { text: input.text } }]
    return: t"""
    document = flow("id: a, flow: inner, inputs: { text: input.note }", "a", "string", inner)
    assert await value_of(document) == "abcabc"


async def test_a_record_is_returned_field_by_field() -> None:
    document = flow("id: a, compute: len(input.note)", "{ size: a, note: input.note }", "R").replace(
        'stratum: "1"', 'stratum: "1"\ncontracts: { R: { size: int, note: string } }'
    )
    assert await value_of(document) == {"size": 3, "note": "abc"}


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("long enough", "t: `len(text) < 9` is false, so `twice` was not computed"),
        ("short", "t: `len(result) < 9` is false for the output of `twice`"),
    ],
)
async def test_a_computed_function_keeps_its_conditions(note: str, said: str) -> None:
    document = flow("id: t, function: twice, inputs: { text: input.note }", "t", "string")
    assert await error_of(document, note=note) == said


async def test_a_fault_in_an_expression_fails_the_flow_with_its_place() -> None:
    document = flow("id: a, compute: 1 / (len(input.note) - 3)", "a", "float")
    assert "zero" in await error_of(document)


async def test_a_return_that_breaks_its_type_is_named() -> None:
    document = flow("id: a, compute: len(input.note)", "a", "int[5..9]")
    assert (await error_of(document)).startswith("main: return: the value does not satisfy int[5..9]")


async def test_a_failure_lets_what_is_in_flight_finish_and_starts_nothing_new() -> None:
    steps = """id: a, function: shout, inputs: { note: input.note }
id: b, compute: 1 / (len(input.note) - 3)
id: c, function: shout, inputs: { note: a }"""
    client = HeldClient(loud)
    client.on_request = lambda _: client.let_go()
    document = flow(steps, "c", "string")
    outcome = await Trial(document=document, client=client).run({"note": "abc", "on": True})
    assert outcome.state == "failed"
    assert "zero" in outcome.error
    assert (len(client.requests), client.finished, outcome.census["calls_possibly_paid"]) == (1, 1, 0)


async def test_a_failure_wakes_a_step_that_only_waits_to_try_again() -> None:
    steps = """id: a, function: shout, inputs: { note: input.note }
id: c, function: shout, inputs: { note: "'wait'" }
id: b, function: twice, inputs: { text: c }"""
    busy = TransportError("busy", detail={"paid": "no"})
    document = flow(steps, "a + b", "string")
    trial = Trial.answering(
        document, lambda request: busy if note_of(request) == "abc" else {"value": "far too long"}
    )
    trial.sleep = lambda _: anyio.sleep_forever()
    outcome = await trial.run({"note": "abc", "on": True})
    assert outcome.error.startswith("b: `len(text) < 9` is false")


async def test_a_flow_that_takes_too_long_is_cut_off_with_what_it_has() -> None:
    document = flow("id: a, function: shout, inputs: { note: input.note }", "a", "string").replace(
        "    output: string\n    steps", "    output: string\n    budget: { ms: 20 }\n    steps"
    )
    trial = Trial(document=document, client=HeldClient(loud))
    outcome = await trial.run({"note": "abc", "on": True})
    assert (outcome.state, outcome.census["calls_possibly_paid"]) == ("stopped_budget", 1)
    assert outcome.error.startswith("flow `main` took longer than its 20 ms")


async def test_other_inputs_at_a_recorded_path_are_a_determinism_error() -> None:
    journal = MemoryJournal()
    document = flow("id: a, function: shout, inputs: { note: input.note }", "a", "string")
    await Trial(document=document, client=HeldClient(loud, held=False), journal=journal).run(
        {"note": "abc", "on": True}
    )
    client = HeldClient(loud, held=False)
    trial = Trial(document=document, client=client, journal=MemoryJournal(after=journal))
    outcome = await trial.run({"note": "other", "on": True})
    assert (outcome.state, client.requests) == ("failed", [])
    assert "attempt 0 is on record for other inputs" in outcome.error
