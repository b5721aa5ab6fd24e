"""Caches: equal questions are paid once in a run, or in all runs, and what is taken satisfies its contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalVersionError
from stratum_core.journal import AnswerCache, MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.runtime._answers import Answers
from stratum_core.testing import Answer
from tests.core.runtime._crashes import crash_everywhere
from tests.core.runtime._trial import HeldClient, Trial, note_of

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write in capitals
    input: { note: string }
    output: string
    ensure: [len(result) < 9]
    retries: 0
    cache: session
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 4, require: 0 }
      - { id: last, function: shout, inputs: { note: "'z' + str(len(loud))" } }
    return: loud + [last]
"""
GLOBAL = DOCUMENT.replace("session", "global")


@dataclass
class Store:
    """Answers that outlive their run, in memory."""

    kept: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    async def get(self, key: str) -> dict[str, JsonValue] | None:
        await anyio.lowlevel.checkpoint()
        return {"value": self.kept[key]} if key in self.kept else None

    async def put(self, key: str, value: JsonValue) -> None:
        self.kept.setdefault(key, value)


class Numbered:
    """Answers with how often it was asked, so that two answers to one question differ."""

    def __init__(self, mark: str = "") -> None:
        self.mark = mark
        self.notes: list[str] = []

    def __call__(self, request: ModelRequest) -> Answer:
        note = note_of(request)
        self.notes.append(note)
        if note == "bad":
            return "no json"
        return {"value": f"{note}{self.mark}{len(self.notes)}"[:8]}


async def run(
    notes: list[JsonValue],
    answer: Numbered,
    journal: MemoryJournal | None = None,
    *,
    document: str = DOCUMENT,
    store: Store | None = None,
    budget: Budget | None = None,
) -> RunOutcome:
    trial = Trial(
        document=document, client=HeldClient(answer, held=False), journal=journal or MemoryJournal()
    )
    context = trial.context()
    context.answers = Answers(store=store)
    return await trial.run({"notes": notes}, context=context, budget=budget)


async def test_equal_questions_of_a_run_are_paid_once() -> None:
    answer = Numbered()
    outcome = await run(["a", "b", "a", "a", "b"], answer)
    assert sorted(answer.notes) == ["a", "b", "z5"]
    assert isinstance(outcome.value, list)
    assert outcome.value[0] == outcome.value[2] == outcome.value[3]
    assert (outcome.census["calls"], outcome.census["calls_reused"]) == (3, 3)


async def test_the_record_says_once_where_each_shared_question_was_asked_first() -> None:
    def asked(journal: MemoryJournal) -> list[str]:
        return [str(event.data["at"]) for event in journal.reader().events_of("asked")]

    journal = MemoryJournal()
    await run(["a", "b", "a", "bad", "bad"], Numbered(), journal)
    assert asked(journal) == ["loud[0]", "loud[1]", "loud[3]", "last"]
    again = MemoryJournal(after=journal)
    await run(["a", "b", "a", "bad", "bad"], Numbered(), again)
    assert asked(again) == ["loud[0]", "loud[1]", "loud[3]", "last"]


async def test_without_a_cache_each_is_asked() -> None:
    answer = Numbered()
    await run(["a", "b", "a"], answer, document=DOCUMENT.replace("    cache: session\n", ""))
    assert sorted(answer.notes) == ["a", "a", "b", "z3"]


async def test_a_failure_is_shared_too_and_named_at_each_place() -> None:
    answer = Numbered()
    outcome = await run(["bad", "a", "bad"], answer)
    assert (answer.notes.count("bad"), outcome.census["items_failed"]) == (1, 2)
    failures = outcome.census["failures"]
    assert isinstance(failures, list)
    assert {str(f["path"]) for f in failures if isinstance(f, dict)} == {"loud[0]", "loud[2]"}
    assert all("@" not in str(f) for f in failures)


async def test_the_functions_own_budget_is_each_callers_failure_not_the_runs() -> None:
    document = DOCUMENT.replace("cache: session", "cache: session\n    budget: { tokens: 5 }")
    answer = Numbered()
    outcome = await run(["a", "a", "b"], answer, document=document)
    assert (answer.notes, outcome.census["items_failed"]) == ([], 3)


async def test_a_crash_anywhere_pays_nothing_twice_whoever_asks_first() -> None:
    async def story(journal: MemoryJournal) -> RunOutcome:
        return await run(["a", "b", "a", "bad", "a", "b"], Numbered(""), journal)

    def fixed(request: ModelRequest) -> Answer:
        return "no json" if note_of(request) == "bad" else {"value": note_of(request).upper()}

    async def calm(journal: MemoryJournal) -> RunOutcome:
        trial = Trial(document=DOCUMENT, client=HeldClient(fixed, held=False), journal=journal)
        return await trial.run({"notes": ["a", "b", "a", "bad", "a", "b"]})

    await crash_everywhere(calm)
    assert (await story(MemoryJournal())).state == "completed_with_failures"


async def test_when_who_asked_is_cancelled_another_one_asks() -> None:
    document = (
        DOCUMENT.replace(
            "flows:\n",
            "flows:\n  hasty:\n    input: { note: string }\n    output: string\n    budget: { ms: 1 }\n    steps:\n"
            "      - { id: s, function: shout, inputs: { note: input.note } }\n    return: s\n",
        )
        .replace(
            "      - { id: last",
            "      - { id: quick, flow: hasty, inputs: { note: \"'same'\" }, on_error: none }\n"
            "      - { id: slow, function: shout, inputs: { note: \"'same'\" } }\n      - { id: last",
        )
        .replace("return: loud + [last]", "return: '[slow, last]'")
    )
    client = HeldClient(lambda request: {"value": note_of(request)})
    seen: list[str] = []

    def on_request(request: ModelRequest) -> None:
        seen.append(note_of(request))
        if seen.count("same") > 1:
            client.let_go()

    client.on_request = on_request
    journal = MemoryJournal()
    outcome = await Trial(document=document, client=client, journal=journal).run({"notes": []})
    assert (outcome.state, outcome.value) == ("completed_with_failures", ["same", "z0"])
    attempts = [a for a in journal.reader().attempts() if a.path.startswith("shout@")]
    assert [a.state for a in attempts[:2]] == ["possibly_paid", "answered"]
    assert len({a.call_id for a in attempts}) == len(attempts)
    again = await Trial(document=document, client=client, journal=MemoryJournal(after=journal)).run(
        {"notes": []}
    )
    assert (again.value, again.census["nusd"]) == (outcome.value, outcome.census["nusd"])


async def test_a_global_answer_serves_later_runs_and_none_of_another_definition() -> None:
    store = Store()
    first, second, other = Numbered(), Numbered(), Numbered()
    before = await run(["a", "b"], first, document=GLOBAL, store=store)
    after = await run(["b", "a"], second, document=GLOBAL, store=store)
    assert (second.notes, after.census["calls_reused"], after.census["nusd"]) == ([], 3, 0)
    assert isinstance(before.value, list)
    assert isinstance(after.value, list)
    assert after.value[:2] == [before.value[1], before.value[0]]
    await run(["a"], other, document=GLOBAL.replace("Write in", "Write it in"), store=store)
    assert other.notes == ["a", "z1"]


async def test_a_global_answer_that_breaks_a_condition_is_bought_anew() -> None:
    store = Store()
    await run(["a"], Numbered(), document=GLOBAL, store=store)
    store.kept = dict.fromkeys(store.kept, "far too long to be an answer")
    answer = Numbered()
    outcome = await run(["a"], answer, document=GLOBAL, store=store)
    assert (outcome.state, answer.notes) == ("completed", ["a", "z1"])


async def test_a_failed_answer_is_never_kept() -> None:
    store = Store()
    await run(["bad"], Numbered(), document=GLOBAL, store=store)
    assert all("bad" not in str(value) for value in store.kept.values())


async def test_a_resumed_run_keeps_what_it_took_although_the_store_has_changed() -> None:
    store, journal = Store(), MemoryJournal()
    await run(["a", "b"], Numbered("x"), document=GLOBAL, store=store)
    first = await run(["a", "b"], Numbered("y"), journal, document=GLOBAL, store=store)
    store.kept.clear()
    again = await run(["a", "b"], Numbered("z"), MemoryJournal(after=journal), document=GLOBAL, store=store)
    assert (again.value, again.census["nusd"]) == (first.value, 0)


async def test_a_resumed_run_keeps_its_own_answer_although_another_run_was_first() -> None:
    store, journal = Store(), MemoryJournal()
    first = await run(["a"], Numbered("x"), journal, document=GLOBAL, store=Store())
    await run(["a"], Numbered("y"), document=GLOBAL, store=store)
    again = await run(["a"], Numbered("z"), MemoryJournal(after=journal), document=GLOBAL, store=store)
    assert again.value == first.value


async def test_a_crash_anywhere_with_shared_answers_changes_nothing() -> None:
    async def story(journal: MemoryJournal) -> RunOutcome:
        store = Store()

        def fixed(request: ModelRequest) -> Answer:
            return {"value": note_of(request).upper()}

        await run(["a"], Numbered(), document=GLOBAL, store=store)
        trial = Trial(document=GLOBAL, client=HeldClient(fixed, held=False), journal=journal)
        context = trial.context()
        context.answers = Answers(store=store)
        return await trial.run({"notes": ["a", "b", "a"]}, context=context)

    assert (await crash_everywhere(story)).value == ["a1", "B", "a1", "Z3"]


@settings(max_examples=25, deadline=None)
@given(notes=st.lists(st.sampled_from("abcde"), max_size=12))
def test_a_run_pays_for_each_different_question_once(notes: list[str]) -> None:
    async def story() -> None:
        answer = Numbered()
        outcome = await run(list(notes), answer)
        assert sorted(answer.notes[:-1]) == sorted(set(notes))
        assert outcome.census["calls"] == len(set(notes)) + 1

    anyio.run(story)


async def test_the_file_of_answers_keeps_the_first_and_survives_damage(tmp_path: Path) -> None:
    cache = AnswerCache.open(tmp_path)
    assert await cache.get("k") is None
    await cache.put("k", {"label": "ü", "n": [1, None]})
    await cache.put("k", "later")
    assert await AnswerCache.open(tmp_path).get("k") == {"value": {"label": "ü", "n": [1, None]}}
    await cache.put("null", None)
    assert await cache.get("null") == {"value": None}
    assert cache.path.stat().st_mode & 0o777 == 0o600
    cache.path.write_bytes(b"not a database at all, but long enough to be taken for one")
    assert await cache.get("k") is None
    await cache.put("k", 1)


async def test_the_file_of_answers_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = AnswerCache.open(tmp_path).path
    data = bytearray(path.read_bytes())
    data[60:64] = (99).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    with pytest.raises(JournalVersionError):
        AnswerCache.open(tmp_path)
    assert path.read_bytes() == bytes(data)
