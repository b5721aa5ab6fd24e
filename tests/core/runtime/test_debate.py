"""Debate: what agents hear, when they have agreed, and what becomes of it when they have not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal, MemoryReviews, ReviewRecord
from stratum_core.llm import ModelRequest, answer_key
from stratum_core.runtime import RunOutcome
from stratum_core.specs import InferSpec
from stratum_core.testing import Answer
from tests.core.runtime._gates import GatedClient, answered, assert_every_crash_ends_alike, events
from tests.core.runtime._trial import Trial

pytestmark = pytest.mark.anyio


def document(
    *,
    agents: str = "[pro, con]",
    rest: str = "agree_on: side",
    returns: str = "d",
    output: str = "json",
    more: str = "",
) -> str:
    return f"""\
stratum: "1"
contracts:
  View: {{ side: string, why: string }}
  Verdict: {{ text: string, weight: int }}
functions:
  pro: {{ mode: infer, intent: pro, input: {{ topic: string, arguments: optional<json> }}, output: View, retries: 1 }}
  con: {{ mode: infer, intent: con, input: {{ topic: string, arguments: optional<json> }}, output: View, retries: 1 }}
  close:
    mode: infer
    intent: close
    input: {{ topic: string, arguments: json, converged: bool }}
    output: Verdict
    ensure: ['converged or result.weight < 9']
  weigh: {{ mode: compute, input: {{ verdict: Verdict }}, output: int, expression: verdict.weight }}
  pass_on: {{ mode: compute, input: {{ verdicts: list<Verdict> }}, output: Verdict, expression: "verdicts[0]" }}
flows:
  keep:
    input: {{ verdict: Verdict }}
    output: Verdict
    steps:
      - {{ id: same, compute: input.verdict }}
    return: same
  main:
    input: {{ topic: string }}
    output: {output}
    steps:
      - {{ id: d, debate: {{ agents: {agents}, topic: input.topic, rounds: 3, synthesize: close, {rest} }} }}
{more}    return: {returns}
"""


DOCUMENT = document()


def inputs_of(request: ModelRequest) -> dict[str, JsonValue]:
    """Return the plain inputs of a request."""
    lines = [line.split(": ", 1) for line in request.messages[1].blocks[0].split("\n") if ": " in line]
    return {name: json.loads(text) if name != "topic" else text for name, text in lines}


def name_of(request: ModelRequest) -> str:
    """Return who was asked and in which round, e.g. `pro1`."""
    system = request.messages[0].blocks[0].split("\n")[0]
    if system == "close":
        return "close"
    entries = cast("list[Mapping[str, int]]", inputs_of(request)["arguments"] or [])
    return f"{system}{max((e['round'] for e in entries), default=0) + 1}"


def debaters(*, agree_in: int | None = None, never: str = "", turns: str = "") -> GatedClient:
    """Return agents that take the other side's view in one round, and else their own."""

    def answer(request: ModelRequest) -> Answer:
        name = name_of(request)
        if name == "close":
            return {"text": "so be it", "weight": 3}
        agreed = agree_in is not None and int(name[-1]) >= agree_in
        return {"side": "yes" if agreed or name.startswith("pro") else "no", "why": name}

    return GatedClient(answer, name_of, turns=turns.split(), never=frozenset(never.split()))


async def run(
    client: GatedClient, text: str = DOCUMENT, *, journal: MemoryJournal | None = None
) -> RunOutcome:
    return await Trial(document=text, client=client, journal=journal or MemoryJournal()).run({"topic": "t"})


def heard(client: GatedClient, name: str) -> dict[str, JsonValue]:
    return inputs_of(next(request for request in client.requests if name_of(request) == name))


def said(client: GatedClient, name: str) -> list[Mapping[str, JsonValue]]:
    """Return the arguments someone has heard."""
    return cast("list[Mapping[str, JsonValue]]", heard(client, name)["arguments"])


async def test_agents_argue_in_rounds_and_then_one_concludes() -> None:
    client, journal = debaters(), MemoryJournal()
    outcome = await run(client, journal=journal)
    assert (outcome.state, outcome.value) == (
        "completed",
        {"text": "so be it", "weight": 3, "converged": False},
    )
    assert client.names() == ["pro1", "con1", "pro2", "con2", "pro3", "con3", "close"]
    assert set(answered(journal)) == {
        *(f"d/r{number}/{agent}" for number in (1, 2, 3) for agent in ("pro", "con")),
        "d/synthesize",
    }


async def test_the_first_round_hears_nothing_and_later_ones_everything_said_before() -> None:
    client = debaters()
    await run(client)
    first = [
        {"agent": "pro", "round": 1, "argument": {"side": "yes", "why": "pro1"}},
        {"agent": "con", "round": 1, "argument": {"side": "no", "why": "con1"}},
    ]
    assert heard(client, "pro1") == heard(client, "con1") == {"topic": "t", "arguments": None}
    assert heard(client, "pro2") == heard(client, "con2") == {"topic": "t", "arguments": first}
    last = said(client, "close")
    assert (len(last), last[:2], heard(client, "close")["converged"]) == (6, first, False)


async def test_the_agents_of_a_round_argue_at_the_same_time() -> None:
    client = debaters(turns="con1 pro1")
    outcome = await run(client)
    assert (outcome.state, client.most_in_flight) == ("completed", 2)
    assert [e["agent"] for e in said(client, "pro2")] == ["pro", "con"]


@pytest.mark.parametrize(("agree_in", "rounds"), [(1, 1), (2, 2), (3, 3)])
async def test_once_they_agree_no_further_round_is_held(agree_in: int, rounds: int) -> None:
    client = debaters(agree_in=agree_in)
    outcome = await run(client)
    assert len(client.requests) == 2 * rounds + 1
    assert outcome.value == {"text": "so be it", "weight": 3, "converged": True}
    assert heard(client, "close")["converged"] is True


async def test_without_a_field_to_agree_on_the_whole_outputs_have_to_agree() -> None:
    client = debaters(agree_in=1)
    outcome = await run(client, document(rest="unresolved: synthesize"))
    assert isinstance(outcome.value, dict)
    assert (outcome.value["converged"], len(client.requests)) == (False, 7)


async def test_an_agent_may_stand_there_twice_under_two_names() -> None:
    client, journal = debaters(), MemoryJournal()
    outcome = await run(client, document(agents="[pro, pro]"), journal=journal)
    assert isinstance(outcome.value, dict)
    assert (outcome.value["converged"], set(answered(journal))) == (
        True,
        {"d/r1/pro", "d/r1/pro#2", "d/synthesize"},
    )
    names = [entry["agent"] for entry in said(client, "close")]
    assert names == ["pro", "pro#2"]


async def test_without_agreement_a_debate_can_fail_before_anyone_concludes() -> None:
    client = debaters()
    outcome = await run(client, document(rest="agree_on: side, unresolved: fail"))
    assert outcome.state == "failed"
    assert outcome.error.startswith("d: the agents did not agree after 3 rounds")
    assert "close" not in client.names()
    good = await run(debaters(agree_in=2), document(rest="agree_on: side, unresolved: fail"))
    assert good.state == "completed"


async def test_an_agent_that_fails_cuts_the_others_off_and_fails_the_debate() -> None:
    client = debaters(never="con1")
    client.answer = lambda _: "no json"
    outcome = await run(client)
    assert outcome.state == "failed"
    assert outcome.error.startswith("d/r1/pro: `pro` gave no acceptable answer in 2 attempts")
    assert (client.cancelled, outcome.census["lost"]) == (["con1"], 1)


@pytest.mark.parametrize(
    ("call", "output", "value"),
    [
        ("function: weigh, inputs: { verdict: d }", "int", 3),
        ("flow: keep, inputs: { verdict: d }", "Verdict", {"text": "so be it", "weight": 3}),
        ('function: pass_on, inputs: { verdicts: "[d]" }', "Verdict", {"text": "so be it", "weight": 3}),
    ],
)
async def test_a_verdict_may_be_passed_on_as_the_plain_contract(
    call: str, output: str, value: JsonValue
) -> None:
    text = document(more=f"      - {{ id: m, {call} }}\n", returns="m", output=output)
    outcome = await run(debaters(), text)
    assert (outcome.state, outcome.value) == ("completed", value), outcome.error


async def test_a_verdict_may_be_returned_as_the_plain_contract_and_read_with_converged() -> None:
    plain = await run(debaters(), document(output="Verdict"))
    assert plain.value == {"text": "so be it", "weight": 3}
    read = await run(debaters(), document(returns="d.converged", output="bool"))
    assert read.value is False


HUMAN = document(rest="agree_on: side, unresolved: human")


async def asked(
    text: str, client: GatedClient, answer: JsonValue
) -> tuple[RunOutcome, RunOutcome, ReviewRecord]:
    """Run until a person is asked, answer, and resume."""
    journal, reviews = MemoryJournal(), MemoryReviews()

    async def walk(held: MemoryJournal) -> RunOutcome:
        trial = Trial(document=text, client=client, journal=held)
        context = trial.context()
        context.reviews = reviews
        return await trial.run({"topic": "t"}, context=context)

    waiting = await walk(journal)
    ((path, review),) = reviews.reviews.items()
    assert path == "d/person"
    reviews.decide(path, answer)
    return waiting, await walk(MemoryJournal(after=journal)), review


async def test_without_agreement_a_person_can_say_which_position_counts() -> None:
    client = debaters()
    waiting, outcome, review = await asked(HUMAN, client, "no")
    assert (waiting.state, outcome.state) == ("waiting", "completed")
    assert review.question.options == ("yes", "no")
    assert review.question.show == {
        "topic": "t",
        "pro": {"side": "yes", "why": "pro3"},
        "con": {"side": "no", "why": "con3"},
    }
    assert said(client, "close")[-1] == {"agent": "person", "argument": "no"}
    assert heard(client, "close")["converged"] is False
    assert outcome.value == {"text": "so be it", "weight": 3, "converged": False}
    assert len(client.requests) == 7


BOUND = HUMAN.replace("Verdict: { text: string", "Verdict: { side: string, text: string")


def concluding(*, side: str, weights: str) -> GatedClient:
    """Return agents that never agree, and a conclusion that takes a side, with a weight for each time it is asked."""
    client, left = debaters(), list(map(int, weights.split()))
    argued = client.answer

    def answer(request: ModelRequest) -> Answer:
        if name_of(request) != "close":
            return argued(request)
        return {"side": side, "text": f"so be it: {side}", "weight": left.pop(0)}

    client.answer = answer
    return client


async def test_what_a_person_decides_stands_in_the_conclusion_whatever_the_synthesizer_says() -> None:
    client = concluding(side="yes", weights="3")
    _, outcome, _ = await asked(BOUND, client, "no")
    assert outcome.value == {"side": "no", "text": "so be it: yes", "weight": 3, "converged": False}
    assert client.names()[-1:] == ["close"]


async def test_the_rest_of_a_conclusion_has_to_fit_what_a_person_decided() -> None:
    text = BOUND.replace("converged or result.weight < 9", 'result.side == "yes" or result.weight < 5')
    client = concluding(side="yes", weights="7 4")
    _, outcome, _ = await asked(text, client, "no")
    assert outcome.value == {"side": "no", "text": "so be it: yes", "weight": 4, "converged": False}
    assert 'actual: result.side = "no"; result.weight = 7' in client.requests[-1].messages[-1].blocks[-1]


async def test_without_a_persons_decision_the_synthesizer_takes_the_side_it_likes() -> None:
    agreed = await run(
        concluding(side="maybe", weights="3"), BOUND.replace("unresolved: human", "unresolved: synthesize")
    )
    assert agreed.value == {"side": "maybe", "text": "so be it: maybe", "weight": 3, "converged": False}


async def test_a_decision_the_conclusion_cannot_hold_fails_before_anything_is_asked() -> None:
    client = concluding(side="yes", weights="3")
    text = BOUND.replace("Verdict: { side: string", "Verdict: { side: { type: string, max_length: 2 }")
    _, outcome, _ = await asked(text, client, "yes")
    assert outcome.state == "failed"
    assert "d: the person's answer as `side` of `close`" in outcome.error
    assert "close" not in client.names()


async def test_an_answer_found_elsewhere_is_taken_only_where_the_same_was_decided() -> None:
    program = Trial(document=BOUND, client=debaters()).context().program
    spec = program.functions["close"]
    assert isinstance(spec, InferSpec)
    keys = [
        answer_key(program, one, "offline", {"topic": "t"})
        for one in (spec, replace(spec, fixed={"side": "no"}), replace(spec, fixed={"side": "yes"}))
    ]
    assert len(set(keys)) == 3


async def test_a_replayed_conclusion_has_what_the_person_decided() -> None:
    journal, reviews = MemoryJournal(), MemoryReviews()
    values: list[JsonValue] = []
    for weights in ("3", "3", ""):
        trial = Trial(document=BOUND, client=concluding(side="yes", weights=weights), journal=journal)
        context = trial.context()
        context.reviews = reviews
        values.append((await trial.run({"topic": "t"}, context=context)).value)
        reviews.decide("d/person", "no")
        journal = MemoryJournal(after=journal)
    assert values == [None, values[1], values[1]]
    assert values[1] == {"side": "no", "text": "so be it: yes", "weight": 3, "converged": False}


async def test_without_a_field_to_agree_on_a_person_names_an_agent() -> None:
    client = debaters()
    _, outcome, review = await asked(document(rest="unresolved: human"), client, "con")
    assert (outcome.state, review.question.options) == ("completed", ("pro", "con"))
    assert said(client, "close")[-1] == {"agent": "person", "argument": "con"}


async def test_a_position_that_is_no_text_is_handed_on_as_it_was() -> None:
    def answer(request: ModelRequest) -> Answer:
        name = name_of(request)
        return (
            {"text": "", "weight": 1} if name == "close" else {"side": 1 if name < "d" else None, "why": "x"}
        )

    client = GatedClient(answer, name_of)
    text = HUMAN.replace("side: string", "side: optional<int>")
    _, outcome, review = await asked(text, client, "1")
    assert (outcome.state, review.question.options) == ("completed", ("null", "1"))
    assert said(client, "close")[-1] == {"agent": "person", "argument": 1}


async def test_nobody_is_asked_when_the_agents_agree() -> None:
    outcome = await run(debaters(agree_in=3), HUMAN)
    assert outcome.state == "completed"


@pytest.mark.parametrize(("turns", "writes"), [("", 14), ("con1 pro1", 14)])
async def test_a_crash_at_any_write_costs_nothing_that_is_on_record(turns: str, writes: int) -> None:
    found = await assert_every_crash_ends_alike(DOCUMENT, {"topic": "t"}, lambda: debaters(turns=turns))
    assert found == writes


async def test_a_crash_in_a_debate_that_fails_changes_nothing_about_it() -> None:
    def failing() -> GatedClient:
        client = debaters(never="con2")
        right = client.answer
        client.answer = lambda request: "no json" if name_of(request) == "pro2" else right(request)
        return client

    journal = MemoryJournal()
    await run(failing(), journal=journal)
    assert events(journal, "decided") == [("d/r2", {"winners": [], "failed": ["pro"]})]
    assert await assert_every_crash_ends_alike(DOCUMENT, {"topic": "t"}, failing) == 11


async def test_an_agreement_on_record_is_not_argued_again() -> None:
    journal = MemoryJournal()
    first = await run(debaters(agree_in=2), journal=journal)
    client = debaters()
    again = await run(client, journal=MemoryJournal(after=journal))
    assert (again.value, client.requests) == (first.value, [])
