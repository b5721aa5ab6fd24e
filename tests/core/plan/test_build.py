from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from stratum_core.checks import Limits
from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError, DiagnosticsError, InputError, PlanError
from stratum_core.llm import Missing, provider_of
from stratum_core.plan import Plan, PlanContext, PlanOptions, Roots, build_plan, estimate_what_if, reopen

Write = Callable[[str, str | bytes], Path]

DOCUMENT = """
stratum: "1"
contracts:
  Note: { text: {type: opaque<string>, max_length: 400} }
  Mark: { kind: {enum: [good, bad]}, why: {type: string, max_length: 200} }
functions:
  judge: { mode: infer, intent: Judge a note, input: { text: opaque<string> }, output: Mark }
  mend: { mode: infer, intent: Mend a note, input: { text: opaque<string>, why: string }, output: string }
flows:
  one:
    input: { note: Note }
    output: optional<string>
    steps:
      - { id: mark, function: judge, inputs: { text: input.note.text } }
      - id: mended
        when: mark.kind == "bad"
        function: mend
        inputs: { text: input.note.text, why: mark.why }
    return: mended
  every:
    input: { notes: list<Note> }
    output: list<optional<string>>
    steps:
      - { id: all_of_them, for_each: input.notes, flow: one, inputs: { note: item } }
    return: all_of_them
"""
NOTES: JsonValue = [{"text": "first"}, {"text": "second"}]


def options(**given: JsonValue) -> PlanOptions:
    return PlanOptions.from_json(dict(given))


def test_a_plan_is_the_same_for_the_same_question_but_its_id_is_new(context: PlanContext) -> None:
    first = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)
    later = replace(context, now=context.now + timedelta(seconds=1))
    second = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=later)

    assert first.plan_hash == second.plan_hash
    assert first.id != second.id
    assert first.id.startswith("plan_")
    assert len(first.id) == 17
    assert first.flow == "every"
    assert first.counts == {"notes": 2}
    assert first.items == 2
    assert first.expires_at - first.created_at == timedelta(hours=24)


def test_the_hash_covers_everything_an_approval_covers(context: PlanContext, write: Write) -> None:
    write("out.csv", "")
    plain = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)
    others = [
        build_plan(DOCUMENT.replace("Judge a note", "Judge it"), inputs={"notes": NOTES}, context=context),
        build_plan(DOCUMENT, inputs={"notes": [{"text": "other"}]}, context=context),
        build_plan(DOCUMENT, inputs={"note": {"text": "first"}}, context=context, flow="one"),
        *(
            build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context, options=options(**given))
            for given in (
                {"rows": 1},
                {"model": "offline"},
                {"out": "out.csv"},
                {"cap_usd": 0.5},
                {"seed": 1},
            )
        ),
        build_plan(
            DOCUMENT, inputs={"notes": NOTES}, context=replace(context, limits=Limits(max_usd=Decimal(9)))
        ),
        build_plan(
            DOCUMENT,
            inputs={"notes": NOTES},
            context=replace(context, prices=replace(context.prices, version="newer")),
        ),
    ]

    hashes = {plan.plan_hash for plan in (plain, *others)}

    assert len(hashes) == len(others) + 1


def test_comments_and_layout_do_not_change_the_hash(context: PlanContext) -> None:
    first = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)
    second = build_plan("# a remark\n" + DOCUMENT, inputs={"notes": NOTES}, context=context)

    assert first.plan_hash == second.plan_hash


def test_a_wrong_document_is_refused_with_its_diagnostics(context: PlanContext) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        build_plan(DOCUMENT.replace("mark.why", "mark.whi"), inputs={"notes": NOTES}, context=context)

    assert [item["code"] for item in caught.value.detail["diagnostics"] if item["severity"] == "error"] == [
        "E211"
    ]
    assert "line " in caught.value.message


def test_an_unknown_flow_is_named_with_the_one_probably_meant(context: PlanContext) -> None:
    with pytest.raises(PlanError, match="there is no flow 'evry'") as caught:
        build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context, flow="evry")

    assert caught.value.remedy == "did you mean 'every'? the flows are: one, every"


def test_two_outer_flows_are_a_question_not_a_guess(context: PlanContext) -> None:
    other = (
        DOCUMENT
        + "  also: { input: {}, output: int, steps: [{ id: one_more, compute: 1 + 1 }], return: one_more }\n"
    )

    with pytest.raises(PlanError, match="not clear which one"):
        build_plan(other, inputs={}, context=context)


def test_no_model_at_all_is_explained(context: PlanContext) -> None:
    with pytest.raises(ConfigurationError, match="no model is configured") as caught:
        build_plan(DOCUMENT, inputs={"notes": NOTES}, context=replace(context, default_model=None))

    for way in ("stratum keys set", "claude-cli/", "`offline`"):
        assert way in caught.value.remedy


def test_a_model_without_a_price_is_refused_before_anything(context: PlanContext) -> None:
    with pytest.raises(PlanError, match="the price of anthropic/claude-haiku-4-55 is not known") as caught:
        build_plan(
            DOCUMENT,
            inputs={"notes": NOTES},
            context=context,
            options=options(model="anthropic/claude-haiku-4-55"),
        )

    assert "claude-haiku-4-5" in caught.value.remedy


def test_a_plan_is_priced_without_the_key_and_says_first_that_it_cannot_be_approved(
    context: PlanContext,
) -> None:
    def missing_for(model: str) -> Missing | None:
        return None if model == "offline" else Missing(kind="key", name="ANTHROPIC_API_KEY")

    keyless = replace(context, missing_for=missing_for)
    plan, keyed = (build_plan(DOCUMENT, inputs={"notes": NOTES}, context=each) for each in (keyless, context))

    (lacks,) = plan.warnings
    assert lacks == (
        "nobody can approve this before anthropic/claude-haiku-4-5 can be called: set ANTHROPIC_API_KEY where Stratum "
        "runs (or `stratum keys set anthropic`)"
    )
    assert "Note: nobody can approve this before anthropic/claude-haiku-4-5 can be called" in plan.summary
    assert (plan.plan_hash, plan.estimate) == (keyed.plan_hash, keyed.estimate)
    assert build_plan(
        DOCUMENT, inputs={"notes": NOTES}, context=keyless, options=options(model="offline")
    ).simulated


def test_a_model_the_operator_does_not_allow_is_refused(context: PlanContext) -> None:
    strict = replace(context, limits=Limits(models_allowed=("openai/gpt-4.1-mini",)))

    with pytest.raises(PlanError, match="does not allow"):
        build_plan(DOCUMENT, inputs={"notes": NOTES}, context=strict)


def test_the_functions_own_model_stands_and_offline_replaces_every_model(context: PlanContext) -> None:
    text = DOCUMENT.replace("intent: Judge a note,", "intent: Judge a note, model: openai/gpt-4.1-mini,")

    named = build_plan(text, inputs={"notes": NOTES}, context=context)
    offline = build_plan(text, inputs={"notes": NOTES}, context=context, options=options(model="offline"))

    assert named.models == {"judge": "openai/gpt-4.1-mini", "mend": "anthropic/claude-haiku-4-5"}
    assert offline.models == {"judge": "offline", "mend": "offline"}
    assert offline.simulated
    assert "Simulated: likely" in offline.summary


def budgeted(usd: float) -> str:
    return DOCUMENT.replace(
        "    output: list<optional", f"    budget: {{ usd: {usd} }}\n    output: list<optional"
    )


def test_a_cap_that_was_asked_for_holds_within_the_flows_budget_and_the_operators_limit(
    context: PlanContext,
) -> None:
    asked = build_plan(budgeted(0.2), inputs={"notes": NOTES}, context=context, options=options(cap_usd=0.1))
    capped = build_plan(budgeted(0.1), inputs={"notes": NOTES}, context=context, options=options(cap_usd=5))
    limited = replace(context, limits=Limits(max_usd=Decimal("0.05")))
    proposed = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)

    assert (asked.cap_nusd, asked.cap_source) == (100_000_000, "option")
    assert (capped.cap_nusd, capped.cap_source) == (100_000_000, "flow")
    assert asked.at_most_nusd == asked.cap_nusd < asked.estimate.worst.nusd
    assert asked.cap_nusd > proposed.cap_nusd
    with pytest.raises(PlanError, match="above the operator's limit"):
        build_plan(DOCUMENT, inputs={"notes": NOTES}, context=limited, options=options(cap_usd=1))


def test_without_one_the_cap_is_the_tightest_of_the_flows_budget_the_proposal_and_the_operators_limit(
    context: PlanContext,
) -> None:
    def planned(text: str, most_usd: str | None = None) -> Plan:
        limits = Limits() if most_usd is None else Limits(max_usd=Decimal(most_usd))
        return build_plan(text, inputs={"notes": NOTES}, context=replace(context, limits=limits))

    free, loose, tight = planned(DOCUMENT), planned(budgeted(0.2)), planned(budgeted(0.012))
    limited = planned(budgeted(0.012), "0.013"), planned(DOCUMENT, "0.013")

    assert (free.cap_nusd, free.cap_source) == (14_000_000, "proposed")
    assert (loose.cap_nusd, loose.cap_source) == (14_000_000, "proposed")
    assert (tight.cap_nusd, tight.cap_source) == (12_000_000, "flow")
    assert [(plan.cap_nusd, plan.cap_source) for plan in limited] == [
        (12_000_000, "flow"),
        (13_000_000, "proposed"),
    ]


def test_a_proposed_cap_says_what_it_comes_from_and_one_that_nobody_chose_says_nothing(
    context: PlanContext,
) -> None:
    def told(text: str, most_usd: str | None = None, **given: JsonValue) -> str:
        limits = Limits() if most_usd is None else Limits(max_usd=Decimal(most_usd))
        made = build_plan(
            text,
            inputs={"notes": NOTES},
            context=replace(context, limits=limits),
            options=options(**given),
        )
        lines = " ".join(made.summary.splitlines())
        return lines[lines.index("stops it. ") + 10 : lines.index("Likely about")].strip()

    assert told(budgeted(0.2)) == (
        "The document allows $0.20; I propose a cap of $0.014, about 13 times what is likely. "
        "Say so if it should be more."
    )
    assert told(DOCUMENT) == (
        "I propose a cap of $0.014, about 13 times what is likely. Say so if it should be more."
    )
    assert told(budgeted(0.008), "0.008") == ""
    assert told(DOCUMENT, "0.009") == "The operator allows $0.0090 for a run, and that is its cap."
    assert told(DOCUMENT, cap_usd=0.1) == ""


def test_a_cap_that_pays_for_no_call_is_refused(context: PlanContext) -> None:
    with pytest.raises(PlanError, match="pays for no call"):
        build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context, options=options(cap_usd=0.000001))


def test_a_function_budget_that_pays_no_attempt_is_refused(context: PlanContext) -> None:
    text = DOCUMENT.replace("intent: Judge a note,", "intent: Judge a note, budget: { usd: 0.000001 },")

    with pytest.raises(PlanError, match=r"functions\.judge\.budget .* cannot pay a single attempt"):
        build_plan(text, inputs={"notes": NOTES}, context=context)


def test_the_output_is_checked_when_the_plan_is_made(context: PlanContext, write: Write) -> None:
    write("notes.jsonl", '{"text": "x"}\n')
    inputs: dict[str, JsonValue] = {"notes": {"file": "notes.jsonl"}}
    write("there.csv", "old")

    made = build_plan(DOCUMENT, inputs=inputs, context=context, options=options(out="there.csv"))

    assert made.out == context.roots.paths[0] / "there.csv"
    assert made.warnings == ("there.csv exists and will be replaced",)
    with pytest.raises(PlanError, match="is a file this plan reads"):
        build_plan(DOCUMENT, inputs=inputs, context=context, options=options(out="notes.jsonl"))
    with pytest.raises(PlanError, match="does not end in a format"):
        build_plan(DOCUMENT, inputs=inputs, context=context, options=options(out="x.xlsx"))
    with pytest.raises(InputError, match="outside"):
        build_plan(DOCUMENT, inputs=inputs, context=context, options=options(out="../x.csv"))


def stored(context: PlanContext, inputs: dict[str, JsonValue], **given: JsonValue) -> dict[str, JsonValue]:
    plan = build_plan(DOCUMENT, inputs=inputs, context=context, options=options(**given))
    return json.loads(json.dumps(plan.to_record()))


def test_a_stored_plan_opens_with_the_same_program_and_values(context: PlanContext, write: Write) -> None:
    write("notes.csv", "Text\nalpha\nbeta\nthird\n")
    inputs: dict[str, JsonValue] = {"notes": {"file": "notes.csv"}}
    plan = build_plan(DOCUMENT, inputs=inputs, context=context, options=options(rows=2, out="o.json"))

    record = json.loads(json.dumps(plan.to_record()))
    opened = reopen(record)

    assert "alpha" not in json.dumps(record)
    assert opened.inputs == plan.values == {"notes": [{"text": "alpha"}, {"text": "beta"}]}
    assert opened.program.functions.keys() == plan.program.functions.keys()
    assert opened.default_model == "anthropic/claude-haiku-4-5"
    assert (opened.id, opened.plan_hash, opened.flow, opened.cap_nusd) == (
        plan.id,
        plan.plan_hash,
        plan.flow,
        plan.cap_nusd,
    )
    assert opened.out == plan.out
    assert opened.options == plan.options


def test_inline_values_are_stored_with_the_plan(context: PlanContext) -> None:
    assert reopen(stored(context, {"notes": NOTES})).inputs == {"notes": NOTES}


def test_a_changed_file_is_refused_with_both_digests(context: PlanContext, write: Write) -> None:
    path = write("notes.csv", "text\nfirst\n")
    record = stored(context, {"notes": {"file": "notes.csv"}})
    path.write_text("text\nsecond\n")

    with pytest.raises(PlanError, match=r"notes\.csv was changed after the plan was made") as caught:
        reopen(record)

    assert caught.value.detail["planned_sha256"] != caught.value.detail["found_sha256"]
    assert caught.value.remedy == "plan again"


def test_a_file_that_is_gone_or_now_leads_outside_is_refused(
    context: PlanContext, write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write("notes.csv", "text\nfirst\n")
    record = stored(context, {"notes": {"file": "notes.csv"}})
    outside = tmp_path_factory.mktemp("outside") / "notes.csv"
    outside.write_text("text\nfirst\n")
    path.unlink()

    with pytest.raises(PlanError, match=r"notes\.csv cannot be read any more"):
        reopen(record)
    path.symlink_to(outside)
    with pytest.raises(PlanError, match=r"notes\.csv cannot be read any more"):
        reopen(record)
    assert reopen(record, roots=Roots(*context.roots.paths, outside.parent)).inputs == {
        "notes": [{"text": "first"}]
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cap_nusd", 10**12),
        ("models", {"judge": "x"}),
        ("flow", "one"),
        ("out", "/etc/passwd"),
        ("roots", ["/"]),
        ("endpoints", {"openai": "http://127.0.0.1:1"}),
    ],
)
def test_a_record_that_was_changed_does_not_open(context: PlanContext, field: str, value: JsonValue) -> None:
    record = stored(context, {"notes": NOTES})

    with pytest.raises(PlanError, match="was changed after it was made"):
        reopen({**record, field: value})


def test_a_provider_that_is_reached_elsewhere_is_named_with_its_host_and_part_of_the_hash(
    context: PlanContext,
) -> None:
    usual = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)
    provider = provider_of(next(iter(usual.models.values())))

    def elsewhere(_: str) -> str:
        return "http://127.0.0.1:9911/v1"

    moved = replace(context, endpoint_of=elsewhere)
    plan = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=moved)
    assert (usual.endpoints, plan.endpoints) == ({}, {provider: "http://127.0.0.1:9911/v1"})
    assert plan.plan_hash != usual.plan_hash
    assert f"Sent to {provider} at 127.0.0.1:9911: " in plan.question
    assert "at 127.0.0.1:9911" in " ".join(plan.summary.split())
    assert "127.0.0.1" not in usual.summary + usual.question
    assert reopen(plan.to_record()).endpoints == plan.endpoints


def test_a_record_with_another_document_or_format_does_not_open(context: PlanContext) -> None:
    record = stored(context, {"notes": NOTES})

    with pytest.raises(PlanError, match="reads the plan's document differently"):
        reopen({**record, "text": DOCUMENT.replace("Judge a note", "Send it away")})
    with pytest.raises(PlanError, match="stored by another version"):
        reopen({**record, "format": 1})
    with pytest.raises(PlanError, match="has no plan_hash"):
        reopen({**record, "plan_hash": None})


def test_what_if_prices_another_model_or_fewer_rows_and_leaves_the_plan(context: PlanContext) -> None:
    plan = build_plan(DOCUMENT, inputs={"notes": NOTES}, context=context)

    opened = reopen(plan.to_record())

    dearer = estimate_what_if(opened, context, model="anthropic/claude-opus-4-5")
    fewer = estimate_what_if(opened, context, rows=1)

    assert dearer.worst.nusd > plan.estimate.worst.nusd
    assert dearer.worst.tokens == plan.estimate.worst.tokens
    assert fewer.most_calls == plan.estimate.most_calls // 2
    with pytest.raises(PlanError, match="is not known"):
        estimate_what_if(opened, context, model="nobody/nothing")
    with pytest.raises(PlanError, match="at least one row"):
        estimate_what_if(opened, context, rows=0)


def test_a_cap_below_the_likely_cost_is_said_and_the_likely_cost_is_not_cut(context: PlanContext) -> None:
    notes: JsonValue = [{"text": "x" * 300}] * 40
    plan = build_plan(DOCUMENT, inputs={"notes": notes}, context=context, options=options(cap_usd=0.01))

    assert plan.estimate.likely_nusd > plan.cap_nusd == plan.at_most_nusd
    assert plan.warnings[0].startswith("the work is likely to cost more than its cap of $0.01")
    assert "Note: the work is likely to cost more" in plan.summary
