"""Which function stands at a path, compared with what a tracer is told while the run goes on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.drift import Counting, Place, Places
from stratum_core.journal import MemoryJournal
from stratum_core.llm import PriceTable
from stratum_core.llm.offline import OfflineClient
from stratum_core.plan import BindLimits, Roots
from stratum_core.plan._bind import bind_inputs
from stratum_core.runtime import RunContext, run_program
from stratum_core.specs import InferSpec, reached
from tests.core.drift._counted import Told
from tests.core.runtime._trial import compiled
from tests.support.pages import ROOT

pytestmark = pytest.mark.anyio

CORPUS = ROOT / "tests" / "corpus" / "ok"
REVIEWS = {
    "file": "reviews.csv",
    "columns": {"id": "review_id", "product": "Product", "text": "Review Text", "stars": "Stars"},
}

NESTED = """\
stratum: "1"
contracts:
  Said: { text: string }
functions:
  one: { mode: infer, intent: Say it, input: { note: string }, output: string }
  two: { mode: infer, intent: Say it twice, input: { note: string }, output: string }
  arguer: { mode: infer, intent: Argue, input: { topic: string, arguments: optional<json> }, output: string }
  judge:
    mode: infer
    intent: Conclude
    input: { topic: string, arguments: json, converged: bool }
    output: Said
flows:
  inner:
    input: { note: string }
    output: string
    steps:
      - { id: said, function: two, inputs: { note: input.note } }
    return: said
  main:
    input: { notes: list<string> }
    output: string
    steps:
      - id: both
        for_each: input.notes
        parallel:
          branches:
            left: { function: one, inputs: { note: item } }
            right: { flow: inner, inputs: { note: item } }
      - id: talk
        debate: { agents: [arguer, arguer], topic: "input.notes[0]", rounds: 2, synthesize: judge }
      - { id: twice, compute: "len(both) * 2" }
    return: talk.text
"""


async def told_and_found(text: str, flow: str, inputs: dict[str, JsonValue], folder: Path) -> None:
    """Run a document with the offline model; each attempt has to be found at the function that made it."""
    program = check(text).program
    assert program is not None
    journal, told = MemoryJournal(), Told()
    context = RunContext(
        program=program,
        journal=journal,
        client_for=lambda _: OfflineClient(error_rate=0.3),
        prices=PriceTable.load(),
        default_model="offline",
        tracer=told,
    )
    bound = bind_inputs(program.flows[flow].inputs, inputs, roots=Roots(folder), limits=BindLimits())
    outcome = await run_program(
        context, flow=flow, inputs={part.name: part.value for part in bound}, budget=Budget()
    )
    places = Places(program, flow)
    made = {(attempt.path, call.function) for call in told.calls for attempt in call.attempts}
    found = {(path, cast("Place", places.of(path)).function) for path, _ in made}
    assert found == made != set()

    names = [name for name, spec in program.functions.items() if isinstance(spec, InferSpec)]
    counting = Counting(program, flow, dict.fromkeys(names, "offline"))
    for event in journal.reader().events(limit=1_000_000):
        counting.take(event)
    figures = counting.figures()
    assert counting.elsewhere == 0
    assert sum(each.nusd for each in figures.values()) == outcome.census["nusd"]
    assert sum(each.tokens for each in figures.values()) == outcome.census["tokens"]
    assert sum(each.requests for each in figures.values()) == outcome.census["calls"]
    asked = Counter(call.function for call in told.calls if call.attempts)
    assert {name: each.calls for name, each in figures.items()} == asked
    failed = Counter(call.function for call in told.calls if call.attempts and not call.ok)
    assert Counter({name: sum(each.unanswered.values()) for name, each in figures.items()}) == failed
    if outcome.state.startswith("completed"):
        retries = sum((Counter(each.retries) for each in figures.values()), Counter[str]())
        assert dict(retries) == outcome.census["retries"]


@pytest.mark.parametrize(
    "name",
    [
        "bird_calls_quorum",
        "claim_debate",
        "essay_refine",
        "funding_brief",
        "guestbook_notes",
        "headline_race",
    ],
)
async def test_every_request_of_a_run_is_found_at_the_function_that_made_it(name: str) -> None:
    text = (CORPUS / f"{name}.stratum.yaml").read_text("utf-8")
    request = cast("dict[str, JsonValue]", json.loads((CORPUS / f"{name}.inputs.json").read_text("utf-8")))
    await told_and_found(text, str(request["flow"]), cast("dict[str, JsonValue]", request["inputs"]), CORPUS)


@pytest.mark.slow
async def test_every_request_of_an_item_is_found_in_the_flow_it_goes_through() -> None:
    folder = ROOT / "examples"
    text = (folder / "reviews.stratum.yaml").read_text("utf-8")
    await told_and_found(text, "process_reviews", {"reviews": cast("JsonValue", REVIEWS)}, folder)


@pytest.mark.parametrize(
    ("path", "function", "call"),
    [
        ("both[17]/left", "one", "both[17]/left"),
        ("both[3]/left/it2/vote1", "one", "both[3]/left"),
        ("both[17]/right/said", "two", "both[17]/right/said"),
        ("talk/r2/arguer#2", "arguer", "talk/r2/arguer#2"),
        ("talk/synthesize", "judge", "talk/synthesize"),
        ("one@0123abcd/vote2", "one", "one@0123abcd"),
    ],
)
def test_a_path_leads_to_its_function_and_the_call_without_votes(path: str, function: str, call: str) -> None:
    assert Places(compiled(NESTED), "main").of(path) == Place(function=function, call=call)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "other",
        "both[1]",
        "both[1]/middle",
        "both[1]/right/gone",
        "talk",
        "talk/r1",
        "talk/x1/arguer",
        "gone@0123abcd",
    ],
)
def test_a_path_the_document_does_not_have_leads_nowhere(path: str) -> None:
    assert Places(compiled(NESTED), "main").of(path) is None


def test_what_a_flow_reaches_stands_in_the_order_it_is_met() -> None:
    program = compiled(NESTED)
    functions = [name for kind, name in reached(program, "main") if kind == "function"]
    assert functions == ["one", "arguer", "judge", "two"]
    assert reached(program, "inner") == (("flow", "inner"), ("function", "two"))
