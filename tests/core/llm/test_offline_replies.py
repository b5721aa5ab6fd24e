"""The offline model as a client: reproducible, at fault on purpose, corrected when told, within its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.contracts import (
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    Field,
    FloatType,
    IntType,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    StringType,
    Type,
    check_value,
)
from stratum_core.llm import (
    Message,
    ModelReply,
    ModelRequest,
    compile_prompt,
    feedback_block,
    prompt_tokens_bound,
    request_bytes,
    retry_block,
)
from stratum_core.llm.offline import OfflineClient
from stratum_core.llm.offline import _polarity as polarity
from stratum_core.specs import Parameter
from tests.core.llm._offline import SURE, TONE, answer_to, asked, broken, field_of, number, spec, tone_of

pytestmark = pytest.mark.anyio


async def test_equal_requests_get_equal_answers_and_the_function_name_plays_no_part() -> None:
    client = OfflineClient()
    first = [await client.complete(asked(spec(TONE), f"Text {n}")) for n in range(40)]
    again = [await client.complete(asked(spec(TONE), f"Text {n}")) for n in range(40)]
    assert first == again


async def test_it_errs_at_its_rate_in_three_ways_and_not_on_a_retry() -> None:
    client = OfflineClient(error_rate=0.3)
    texts = [f"Wonderful and excellent, thing number {n}. I love it!" for n in range(400)]
    faults = {"broken": 0, "incomplete": 0, "doubt": 0}
    for text in texts:
        reply = await client.complete(asked(spec(TONE), text))
        fault = fault_in(reply)
        if fault:
            faults[fault] += 1
            retried = await client.complete(
                asked(spec(TONE), text, retry=retry_block(["the answer is not valid"]))
            )
            assert fault_in(retried) == ""
    assert all(20 <= count <= 60 for count in faults.values())
    other = OfflineClient(error_rate=0.3, seed=1)
    assert [fault_in(await client.complete(asked(spec(TONE), text))) for text in texts] != [
        fault_in(await other.complete(asked(spec(TONE), text))) for text in texts
    ]


def fault_in(reply: ModelReply) -> str:
    try:
        value = json.loads(reply.text)
    except ValueError:
        return "broken"
    if set(value) != {"label", "confidence", "reasoning"}:
        return "incomplete"
    return "doubt" if value["confidence"] <= 0.5 else ""


@pytest.mark.parametrize(
    ("condition", "name", "kind", "expected"),
    [
        ("result.confidence > 0.95", "confidence", FloatType(min=0, max=1), 0.96),
        ("result.confidence >= 0.95", "confidence", FloatType(min=0, max=1), 0.95),
        ("result.pieces >= 0", "pieces", IntType(), 0),
        ("result.confidence < 0.2", "confidence", FloatType(min=0, max=1), 0.19),
        ("result.stars > 2", "stars", IntType(min=0, max=0), 0),
        ("result.pieces == 4", "pieces", IntType(), 4),
        ("result.pieces > 3", "pieces", IntType(), 4),
        ("result.pieces.deep > 3", "pieces", IntType(), 0),
        ("result.other > 3", "pieces", IntType(), 0),
        ("len(result.note) <= 5", "note", StringType(), "The…"),
        ("len(result.note) < 400", "note", StringType(), "The kettle is blue."),
        ("len(result.tags) > 3", "tags", ListType(item=StringType()), ["kettle", "blue", "blue", "blue"]),
        ("len(result.tags) <= 1", "tags", ListType(item=StringType()), ["kettle"]),
        ('not matches(result.note, "(?i)kettle")', "note", StringType(), "The is blue."),
        ('not matches(result.pieces, "0")', "pieces", IntType(), 0),
        ("len(result.pieces) > 3", "pieces", IntType(), 0),
        ('"x" in result.pieces', "pieces", IntType(), 0),
        ("len(result.note) <= 500", "note", StringType(), "The kettle is blue."),
        ('not matches(result.note, "(")', "note", StringType(), "The kettle is blue."),
        ("'KETTLE' not in lower(result.note)", "note", StringType(), "The  is blue."),
        ('"tea" in result.note', "note", StringType(), "The kettle is blue. tea"),
        ("'it\\'s' in result.note", "note", StringType(), "The kettle is blue. it\\'s"),
        ("upper(result.note) == result.note", "note", StringType(), "The kettle is blue."),
        ('"x" not in result.pieces', "pieces", IntType(), 0),
        ("len(result.note) >= 30", "note", StringType(), "The kettle is blue. No further detail is given."),
    ],
)
async def test_told_what_was_violated_it_corrects_that(
    condition: str, name: str, kind: Type, expected: JsonValue
) -> None:
    output = RecordType(fields=(Field(name=name, type=kind),))
    request = asked(spec(output), "The kettle is blue.", retry=broken(condition))
    assert json.loads((await SURE.complete(request)).text) == {name: expected}


async def test_a_forbidden_word_takes_its_sentence_along_when_others_are_left() -> None:
    condition = 'not matches(result.text, "(?i)\\\\b(refund|voucher)\\\\b")'
    text = "I hate it and I want a refund."
    reply = await field_of("text", StringType(), text, intent="Draft a reply", retry=broken(condition))
    assert "refund" not in str(reply)
    assert "sorry" in str(reply) or "Please reply" in str(reply)


async def test_a_wrapped_answer_is_corrected_under_its_own_name() -> None:
    request = asked(spec(IntType()), "No figure.", retry=broken("result >= 6"))
    assert json.loads((await SURE.complete(request)).text) == {"value": 6}


async def test_an_answer_longer_than_its_limit_is_cut_and_says_so() -> None:
    reply = await SURE.complete(asked(spec(TONE), "Wonderful!", max_tokens=5))
    assert (reply.finish, len(reply.text.encode())) == ("length", 20)
    assert reply.usage is not None
    assert reply.usage.output_tokens == 5


async def test_an_answer_takes_the_stated_time() -> None:
    reply = await OfflineClient(latency_s=0.001).complete(asked(spec(TONE), "Wonderful!"))
    assert reply.simulated
    assert reply.model == "offline"


async def test_a_request_in_another_layout_is_read_as_plain_text() -> None:
    schema: Mapping[str, JsonValue] = {"type": "object", "properties": {"quote": {"type": "string"}}}
    texts = ["Just a sentence.", "<data aa>\nnot json\n</data aa>", ""]
    requests = [
        ModelRequest(
            model="offline",
            messages=(Message(role="user", blocks=(text,)),) if text else (),
            output_schema=schema,
            max_tokens=50,
        )
        for text in texts
    ]
    quotes = [json.loads((await SURE.complete(request)).text)["quote"] for request in requests]
    assert quotes == ["Just a sentence.", "not json", "Nothing is said."]


async def test_without_the_lexicon_it_still_answers_but_is_sure_of_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(polarity, "import_module", missing)
    assert polarity._analyzer.__wrapped__() is None
    monkeypatch.setattr(polarity, "_analyzer", lambda: None)
    assert number((await tone_of("Wonderful, excellent!"))["confidence"]) < 0.7


def output_types() -> st.SearchStrategy[Type]:
    leaves: list[st.SearchStrategy[Type]] = [
        st.builds(
            StringType, min_length=st.sampled_from([None, 0, 30]), max_length=st.sampled_from([None, 40])
        ),
        st.builds(IntType, min=st.sampled_from([None, -3]), max=st.sampled_from([None, 9])),
        st.builds(FloatType, min=st.sampled_from([None, 0.5]), max=st.sampled_from([None, 1.0])),
        st.sampled_from([BoolType(), DateType(), DateTimeType(), BytesType(), JsonType()]),
        st.sampled_from(
            [EnumType(("good", "bad")), EnumType((1, 2)), EnumType(("low", "high")), EnumType((True,))]
        ),
    ]
    names = st.sampled_from(
        ["confidence", "summary", "tags", "email", "reply", "urgency", "total", "reason", "x"]
    )

    few, more = st.sampled_from([None, 2]), st.sampled_from([None, 4])

    def compound(part: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
        fields = st.builds(Field, name=names, type=part)
        return st.one_of(
            st.builds(ListType, item=part, min_length=few, max_length=more),
            part.filter(lambda kind: not isinstance(kind, (OptionalType, JsonType))).map(OptionalType),
            part.map(MapType),
            st.lists(fields, min_size=1, max_size=3, unique_by=lambda field: field.name).map(
                lambda some: RecordType(fields=tuple(some))
            ),
        )

    return st.recursive(st.one_of(leaves), compound, max_leaves=6)


@settings(max_examples=150, deadline=None)
@given(kind=output_types(), text=st.text(max_size=120), plain=st.booleans())
async def test_any_answer_satisfies_its_type_and_any_usage_its_bound(
    kind: Type, text: str, plain: bool
) -> None:
    request = asked(spec(kind, plain=plain), text, max_tokens=4_000)
    reply = await SURE.complete(request)
    value = json.loads(reply.text)
    check_value(kind, value if isinstance(kind, RecordType) else value["value"])
    assert reply.usage is not None
    assert reply.usage.input_tokens <= prompt_tokens_bound(request_bytes(request))
    assert reply.usage.output_tokens <= request.max_tokens


LINE = RecordType(
    fields=(Field(name="summary", type=StringType()), Field(name="kind", type=EnumType(("a", "b"))))
)
KETTLE = (
    "It boils in three minutes, which is quick for its size. Every part can be replaced. The steel is good."
)


async def line(feedback: str) -> Mapping[str, JsonValue]:
    value = await answer_to(LINE, KETTLE, intent="Summarise it", retry=feedback_block(feedback, opaque=False))
    assert isinstance(value, Mapping)
    return value


async def test_feedback_in_plain_words_about_length_and_words_is_heeded() -> None:
    assert (await line("Use at most 60 characters."))["summary"] == (
        "It boils in three minutes, which is quick for its size."
    )
    assert (await line("Use at most 60 characters. Use the word 'replaced'."))["summary"] == (
        "Every part can be replaced."
    )
    assert str((await line("Mention the word cocoa."))["summary"]).startswith("cocoa ")
    assert (await line("No more than 9 characters."))["summary"] == "It boils…"
    assert (await line("Be nicer."))["kind"] == (await line("Use at most 60 characters."))["kind"]


async def test_asked_to_argue_it_takes_the_side_and_brings_a_point_that_was_not_made_yet() -> None:
    side = RecordType(
        fields=(
            Field(name="position", type=EnumType(("accept", "reject"))),
            Field(name="argument", type=StringType(max_length=200)),
        )
    )
    topic = "We should move. The new rooms are lovely and bright. The rent is a serious problem. I hate the noise."
    favour, against = "Argue in favour of it.", "Argue against it."
    assert await answer_to(side, topic, intent=favour) == {
        "position": "accept",
        "argument": "The new rooms are lovely and bright.",
    }
    first = await answer_to(side, topic, intent=against)
    assert isinstance(first, Mapping)
    assert first["position"] == "reject"
    function = replace(
        spec(side, intent=against, plain=True),
        inputs=(
            Parameter(name="topic", type=StringType()),
            Parameter(name="arguments", type=ListType(item=StringType())),
        ),
    )
    prompt = compile_prompt(function, {"topic": topic, "arguments": [str(first["argument"])]})
    reply = await SURE.complete(prompt.request(model="offline", max_tokens=800, temperature=None))
    again = json.loads(reply.text)["argument"]
    assert {again, str(first["argument"])} == {"The rent is a serious problem.", "I hate the noise."}
    assert (await answer_to(side, "", intent=against)) == {
        "position": "reject",
        "argument": "Nothing is said.",
    }
