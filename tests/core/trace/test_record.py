"""What a trace record says of a call, and what it keeps to itself."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from stratum_core.contracts import (
    Field,
    IntType,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.trace import OPAQUE, AttemptRecord, FlowScope, TraceRecord, holds_opaque, masked

SECRET: Type = OpaqueType(inner=StringType())
LETTER = RecordType(
    name="Letter",
    fields=(Field(name="subject", type=StringType()), Field(name="body", type=OptionalType(inner=SECRET))),
)
FIRST = AttemptRecord(
    path="s",
    number=0,
    made_for="first",
    model="openai/gpt-5",
    outcome="rejected",
    reason="`result > 3` must be true (actual: result = 2)",
    charged_nusd=1_000,
    started_at_ns=1,
)
SECOND = AttemptRecord(
    path="s",
    number=1,
    made_for="contract",
    model="openai/gpt-5",
    outcome="accepted",
    charged_nusd=2_000,
    started_at_ns=2,
)


def call(*attempts: AttemptRecord) -> TraceRecord:
    return TraceRecord(
        function="classify",
        path="s",
        flow=FlowScope(flow_id="run_1", name="main", started_at_ns=1),
        attempts=attempts,
        started_at_ns=1,
        duration_ms=2.5,
        cost_usd=Decimal("0.000003"),
    )


def test_a_record_counts_its_attempts_by_class_and_says_why_each_retry_was_made() -> None:
    record = call(FIRST, SECOND)
    assert dict(record.attempts_by_class) == {"first": 1, "contract": 1}
    assert record.retry_reasons == (FIRST.reason,)
    assert record.charged_usd == Decimal("0.000003")
    assert record.flow_id == "run_1"
    assert record.ok


def test_a_record_is_replayed_when_nothing_of_it_was_sent() -> None:
    assert call(replace(FIRST, replayed=True), replace(SECOND, replayed=True)).replayed
    assert not call(replace(FIRST, replayed=True), SECOND).replayed
    assert not call().replayed


def test_a_record_is_plain_json_with_exact_money() -> None:
    told = json.loads(json.dumps(call(FIRST, SECOND).to_json()))
    assert told["cost_usd"] == "0.000003"
    assert told["attempts"][0]["charged_usd"] == "0.000001"
    assert told["attempts_by_class"] == {"first": 1, "contract": 1}
    assert replace(call(), flow=None, cost_usd=None).to_json()["cost_usd"] is None
    assert replace(call(), flow=None).flow_id is None


def test_the_outermost_flow_is_the_root() -> None:
    outer = FlowScope(flow_id="run_1", name="main", started_at_ns=1)
    inner = FlowScope(flow_id="flow_2", name="part", started_at_ns=2, parent=outer)
    assert inner.root == outer
    assert outer.root == outer


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (StringType(), "plain", "plain"),
        (SECRET, "hidden", OPAQUE),
        (SECRET, None, None),
        (OptionalType(inner=SECRET), "hidden", OPAQUE),
        (ListType(item=SECRET), ["hidden", "hidden"], [OPAQUE, OPAQUE]),
        (MapType(SECRET), {"a": "hidden"}, {"a": OPAQUE}),
        (LETTER, {"subject": "plain", "body": "hidden"}, {"subject": "plain", "body": OPAQUE}),
        (LETTER, {"subject": "plain", "body": None}, {"subject": "plain", "body": None}),
        (ListType(item=LETTER), [{"subject": "s", "body": "b"}], [{"subject": "s", "body": OPAQUE}]),
        (ListType(item=SECRET), "not a list", OPAQUE),
        (MapType(SECRET), ["not a map"], OPAQUE),
        (LETTER, "not a record", OPAQUE),
        (ProbabilisticType(inner=SECRET), {"samples": ["hidden"]}, OPAQUE),
    ],
)
def test_opaque_parts_are_not_shown_at_any_depth(kind: Type, value: JsonValue, shown: JsonValue) -> None:
    assert masked(kind, value) == shown


def test_a_type_without_opaque_parts_is_shown_as_it_is() -> None:
    value: JsonValue = {"subject": "plain"}
    assert masked(RecordType(fields=(Field(name="subject", type=StringType()),)), value) is value
    assert not holds_opaque(ListType(item=IntType()))
