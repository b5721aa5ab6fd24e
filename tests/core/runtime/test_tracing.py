"""What a tracer is told: every call with all that was tried for it, failed ones too, and the flow at the end."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import anyio
import pytest

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import AuthError, BadRequestError, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, ModelRequest, TokenUsage
from stratum_core.money import Nusd, to_usd
from stratum_core.runtime import RunContext, RunOutcome, run_program
from stratum_core.runtime._answers import Answers
from stratum_core.testing import Answer, FunctionClient
from stratum_core.trace import FlowRecord, TraceRecord
from tests.core.runtime._traced import BUSY, DOCUMENT, MAPPED, Told, in_turn, traced
from tests.core.runtime._trial import MODEL, HeldClient, Trial, note_of

pytestmark = pytest.mark.anyio


async def test_a_call_is_told_with_its_inputs_hashes_answer_time_and_cost() -> None:
    told, outcome = await traced(lambda _: {"value": "HI"}, {"note": "hi"})
    call = told.call
    assert (call.function, call.path, call.model, call.output) == ("shout", "loud", MODEL, "HI")
    assert (call.inputs, call.opaque, call.error_code, call.cache_hit) == ({"note": "hi"}, (), "", False)
    assert call.cost_usd == to_usd(int(str(outcome.census["nusd"]))) == call.charged_usd
    assert [len(name) for name in (call.template_hash, call.prompt_hash, call.contract_hash)] == [12] * 3
    assert call.function_hash
    assert (call.flow_id, call.schema_enforcement, call.review_id) == ("memory", "strict", None)
    (attempt,) = call.attempts
    assert (attempt.made_for, attempt.outcome, attempt.reason, attempt.finish) == (
        "first",
        "accepted",
        "",
        "stop",
    )
    assert attempt.input_tokens
    assert 0 <= attempt.duration_ms <= call.duration_ms


async def test_the_flow_is_told_after_its_calls() -> None:
    told, outcome = await traced(lambda _: {"value": "HI"}, {"note": "hi"})
    (flow,) = told.flows
    assert told.call.flow == flow.scope
    assert (flow.scope.flow_id, flow.scope.name, flow.state, flow.error) == (
        "memory",
        "main",
        "completed",
        "",
    )
    assert flow.charged_nusd == outcome.census["nusd"]
    assert flow.duration_ms >= told.call.duration_ms


async def test_each_retry_is_told_with_its_class_and_reason() -> None:
    answers = [BUSY, "no json", {"value": "far too long"}, {"value": "HI"}]
    told, _ = await traced(in_turn(answers), {"note": "hi"})
    call = told.call
    assert [(a.made_for, a.outcome) for a in call.attempts] == [
        ("first", "failed"),
        ("transport", "rejected"),
        ("contract", "rejected"),
        ("contract", "accepted"),
    ]
    assert dict(call.attempts_by_class) == {"first": 1, "transport": 1, "contract": 2}
    assert call.retry_reasons[0] == "busy"
    assert "not valid JSON" in call.retry_reasons[1]
    assert 'result = "far too long"' in call.retry_reasons[2]
    assert call.attempts[0].error_code == "transport_error"


async def test_a_failed_call_is_told_too() -> None:
    told, outcome = await traced(lambda _: "no json", {"note": "hi"})
    call = told.call
    assert outcome.state == "failed"
    assert (call.ok, call.error_code, call.output, len(call.attempts)) == (False, "parse_failure", None, 3)
    assert "gave no acceptable answer in 3 attempts" in call.error
    assert call.cost_usd
    assert (told.flows[0].state, told.flows[0].error_code) == ("failed", "parse_failure")


async def test_a_call_whose_precondition_is_false_is_told_without_attempts() -> None:
    told, _ = await traced(lambda _: {"value": "HI"}, {"note": ""})
    call = told.call
    assert (call.error_code, call.attempts, call.cost_usd) == ("precondition_failed", (), Decimal(0))
    assert call.prompt_hash == ""
    assert len(call.template_hash) == 12


async def test_an_answer_that_was_cut_off_or_declined_is_told_as_that() -> None:
    def reply(finish: str) -> ModelReply:
        return ModelReply(
            text='{"value": "HI"}',
            usage=TokenUsage(input_tokens=5, output_tokens=5),
            finish="length" if finish == "length" else "refusal",
            model=MODEL,
        )

    told, _ = await traced(lambda _: reply("length"), {"note": "hi"})
    assert [(a.outcome, a.finish) for a in told.call.attempts] == [("cut_off", "length")]
    assert "was cut off at" in told.call.retry_reasons[0]
    told, _ = await traced(lambda _: reply("refusal"), {"note": "hi"})
    assert [(a.outcome, a.finish) for a in told.call.attempts] == [("refused", "refusal")]
    assert told.call.error_code == "model_refusal"


async def test_another_model_that_stands_in_is_told_as_a_fallback() -> None:
    document = DOCUMENT.replace("    retries: 2", "    fallbacks: [openai/gpt-4.1]")
    gone = BadRequestError("gone", detail={"paid": "no"})
    told, _ = await traced(in_turn([gone, {"value": "HI"}]), {"note": "hi"}, document=document)
    assert [(a.made_for, a.model) for a in told.call.attempts] == [
        ("first", MODEL),
        ("fallback", "openai/gpt-4.1"),
    ]
    assert told.call.model == MODEL


async def test_a_model_that_is_known_to_be_closed_is_gone_past_as_a_fallback() -> None:
    document = MAPPED.replace("    retries: 2", "    fallbacks: [openai/gpt-4.1]").replace(
        "require: 0", "require: 0, concurrency: 1"
    )
    closed = AuthError("closed", detail={"paid": "no"})
    answers = [closed, {"value": "A"}, {"value": "B"}]
    told, _ = await traced(in_turn(answers), {"notes": ["a", "b"]}, document=document)
    assert [[a.made_for for a in call.attempts] for call in told.calls] == [
        ["first", "fallback"],
        ["fallback"],
    ]


async def test_without_token_counts_the_cost_is_unknown_and_the_charge_is_not() -> None:
    reply = ModelReply(text='{"value": "HI"}', usage=None, finish="stop", model=MODEL)
    told, outcome = await traced(lambda _: reply, {"note": "hi"})
    call = told.call
    assert call.cost_usd is None
    assert call.cost_unknown.startswith("loud#0: the provider sent no token counts")
    assert call.charged_usd == to_usd(int(str(outcome.census["nusd"]))) > 0


async def test_an_attempt_that_may_have_been_billed_makes_the_cost_unknown() -> None:
    lost = TransportError("reset", detail={"paid": "unknown"})
    told, _ = await traced(in_turn([lost, {"value": "HI"}]), {"note": "hi"})
    assert told.call.cost_usd is None
    assert told.call.cost_unknown.startswith("loud#0: no answer came back")
    assert told.call.charged_usd > told.call.attempts[0].charged_nusd / Decimal(10**9)


async def test_opaque_parts_of_inputs_are_flagged_and_not_shown() -> None:
    document = DOCUMENT.replace(
        "{ note: string }\n    output: string\n    given",
        "{ note: opaque<string> }\n    output: string\n    given",
    )
    document = document.replace(
        "main:\n    input: { note: string }", "main:\n    input: { note: opaque<string> }"
    )
    told, _ = await traced(lambda _: "no json", {"note": "my secret"}, document=document)
    assert (told.call.inputs, told.call.opaque) == ({"note": "(opaque)"}, ("note",))
    assert "my secret" not in str(told.call.to_json())


async def test_an_opaque_output_is_shown_neither_as_value_nor_in_reasons_nor_in_the_error() -> None:
    document = """\
stratum: "1"
contracts:
  Copy: { body: { type: "opaque<string>" }, size: int }
functions:
  copy:
    mode: infer
    intent: Copy the note
    input: { note: string }
    output: Copy
    ensure: [len(result.body) < 9]
    retries: 1
flows:
  main:
    input: { note: string }
    output: Copy
    steps:
      - { id: made, function: copy, inputs: { note: input.note } }
    return: made
"""
    told, _ = await traced(
        lambda _: {"body": "whispered words", "size": 3}, {"note": "hi"}, document=document
    )
    assert told.call.error_code == "postcondition_failed"
    assert "whispered" not in str(told.call.to_json())
    told, _ = await traced(lambda _: {"body": "words", "size": 3}, {"note": "hi"}, document=document)
    assert told.call.output == {"body": "(opaque)", "size": 3}


async def test_an_error_that_quotes_values_is_masked_where_an_input_is_opaque() -> None:
    document = DOCUMENT.replace("{ note: string }", "{ note: opaque<string> }").replace(
        "[len(result) < 9]", "[int(result) > 3]"
    )
    told, _ = await traced(lambda _: {"value": "whispered"}, {"note": "hi"}, document=document)
    assert (told.call.error_code, told.call.error) == ("expression_error", "(opaque)")
    assert [a.reason for a in told.call.attempts] == ["the answer was not judged"]
    plain = DOCUMENT.replace("[len(result) < 9]", "[int(result) > 3]")
    told, _ = await traced(lambda _: {"value": "whispered"}, {"note": "hi"}, document=plain)
    assert told.call.error != "(opaque)"


async def test_votes_and_iterations_are_attempts_of_their_call() -> None:
    document = """\
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] }, sure: int }
functions:
  judge:
    mode: infer
    intent: Judge
    input: { note: string }
    output: Tone
    retries: 0
    quorum: 3
    agree_on: label
    threshold: 2
    refine: { until: result.sure > 1, feedback: "'be sure'", max_iterations: 2 }
flows:
  main:
    input: { note: string }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { note: input.note } }
    return: tone
"""
    told, _ = await traced(
        lambda request: {"label": "good", "sure": 1 if "/it1/" in request.idempotency_key else 2},
        {"note": "hi"},
        document=document,
    )
    assert sorted(attempt.path for attempt in told.call.attempts) == [
        f"tone/it{iteration}/vote{vote}" for iteration in (1, 2) for vote in (0, 1, 2)
    ]


async def test_an_answer_on_record_is_a_cache_hit_that_cost_nothing() -> None:
    document = MAPPED.replace("    retries: 2", "    cache: session")
    told, _ = await traced(lambda _: {"value": "A"}, {"notes": ["a", "a", "a"]}, document=document)
    assert sorted(call.cache_hit for call in told.calls) == [False, True, True]
    hits = [call for call in told.calls if call.cache_hit]
    assert [(hit.cost_usd, hit.attempts, hit.output) for hit in hits] == [(Decimal(0), (), "A")] * 2
    assert {call.path for call in told.calls} == {"loud[0]", "loud[1]", "loud[2]"}


async def test_an_answer_of_another_run_is_a_cache_hit() -> None:
    class Store:
        async def get(self, key: str) -> Mapping[str, JsonValue] | None:
            return {"value": "KEPT"}

        async def put(self, key: str, value: JsonValue) -> None:
            raise AssertionError("nothing was bought")

    told = Told()
    trial = Trial.answering(DOCUMENT.replace("    retries: 2", "    cache: global"), lambda _: "unused")
    context = trial.context()
    context.tracer, context.answers = told, Answers(store=Store())
    await trial.run({"note": "hi"}, context=context)
    assert (told.call.cache_hit, told.call.output) == (True, "KEPT")


async def test_a_call_that_is_cut_short_is_told_as_cancelled_and_its_cost_as_unknown() -> None:
    told = Told()
    client = HeldClient(lambda _: {"value": "HI"})
    context = Trial(document=DOCUMENT, client=client).context()
    context.tracer = told
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            client.on_request = lambda _: group.cancel_scope.cancel()
            await run_program(context, flow="main", inputs={"note": "hi"}, budget=Budget())
    assert (told.call.error_code, told.call.cost_usd) == ("cancelled", None)
    assert [attempt.outcome for attempt in told.call.attempts] == ["lost"]
    assert told.call.charged_usd > 0
    assert (told.flows[0].state, told.flows[0].error_code) == ("interrupted", "cancelled")


async def test_a_call_that_does_not_fit_the_cap_is_told_without_attempts() -> None:
    told, outcome = await traced(lambda _: {"value": "HI"}, {"note": "hi"}, budget=Budget(nusd=Nusd(5)))
    assert outcome.state == "stopped_budget"
    assert (told.call.error_code, told.call.attempts) == ("budget_exceeded", ())
    assert told.flows[0].state == "stopped_budget"


async def test_a_fault_of_the_program_is_told_by_its_kind_only() -> None:
    def broken(request: ModelRequest) -> Answer:
        return KeyError(note_of(request))

    told = Told()
    trial = Trial(document=DOCUMENT, client=FunctionClient(broken))
    context = trial.context()
    context.tracer = told
    with pytest.raises(KeyError):
        await trial.run({"note": "hidden"}, context=context)
    assert (told.call.error_code, told.call.error) == ("fault", "the call ended in a fault (KeyError)")


async def test_a_journal_that_fails_is_told_with_its_code() -> None:
    journal = MemoryJournal()
    told = Told()
    trial = Trial(document=DOCUMENT, client=FunctionClient(lambda _: {"value": "HI"}), journal=journal)
    context = trial.context()
    context.tracer = told
    MemoryJournal(after=journal)  # another process has taken the run over
    with pytest.raises(Exception, match=r"taken over|another process"):
        await trial.run({"note": "hi"}, context=context)
    assert told.flows[0].state == "failed"
    assert told.flows[0].error_code.startswith("journal")


async def test_a_tracer_that_raises_does_not_fail_the_run(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def call_ended(self, record: TraceRecord) -> None:
            raise RuntimeError("full")

        def flow_ended(self, record: FlowRecord) -> None:
            raise RuntimeError("full")

    trial = Trial.answering(DOCUMENT, lambda _: {"value": "HI"})
    context = trial.context()
    context.tracer = Broken()
    assert (await trial.run({"note": "hi"}, context=context)).state == "completed"
    assert len(caplog.records) == 2


async def test_a_traced_run_is_the_same_as_one_that_is_not() -> None:
    def answer(request: ModelRequest) -> Answer:
        return "no json" if note_of(request) == "b" else {"value": note_of(request).upper()}

    async def census(context: RunContext, trial: Trial) -> RunOutcome:
        return await trial.run({"notes": ["a", "b", "c"]}, context=context)

    plain = Trial.answering(MAPPED, answer)
    watched = Trial.answering(MAPPED, answer)
    context = watched.context()
    context.tracer = Told()
    assert await census(plain.context(), plain) == await census(context, watched)
