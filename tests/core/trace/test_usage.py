"""What calls used together, and how it reads in one line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stratum_core.trace import AttemptRecord, CallsUsage, TraceRecord, usage_of

SENT = AttemptRecord(
    path="judge#0",
    number=0,
    made_for="first",
    model="offline",
    outcome="accepted",
    input_tokens=900,
    output_tokens=150,
    charged_nusd=1_200_000,
    started_at_ns=0,
    simulated=True,
)
CALL = TraceRecord(
    function="judge",
    path="judge#0",
    attempts=(SENT,),
    started_at_ns=0,
    duration_ms=1.0,
    cost_usd=Decimal("0.0012"),
    simulated=True,
)


def test_requests_tokens_and_dollars_of_all_calls_add_up_and_questions_to_people_count_nothing() -> None:
    retried = replace(CALL, attempts=(SENT, replace(SENT, number=1, made_for="contract")))
    question = TraceRecord(
        kind="human",
        function="await_human",
        path="await_human#0",
        started_at_ns=0,
        duration_ms=1.0,
        cost_usd=Decimal(0),
    )
    found = usage_of([CALL, retried, question])
    assert found == CallsUsage(
        calls=2, requests=3, tokens=3150, charged_usd=Decimal("0.0036"), unknown=0, simulated=True
    )
    assert str(found) == "2 calls, 3 requests, 3,150 tokens, $0.0036 (simulated)"


def test_real_money_is_not_marked_and_an_unknown_cost_is_said() -> None:
    real = replace(SENT, simulated=False)
    lost = replace(real, outcome="lost", input_tokens=None, output_tokens=None, cost_known=False)
    found = usage_of([replace(CALL, attempts=(real,)), replace(CALL, attempts=(lost,), cost_usd=None)])
    assert str(found) == "2 calls, 2 requests, 1,050 tokens, $0.0024, 1 of unknown cost"


def test_what_a_resumed_flow_replays_is_a_call_that_used_nothing() -> None:
    replayed = replace(CALL, attempts=(replace(SENT, replayed=True),))
    assert str(usage_of([replayed])) == "1 call, 0 requests, 0 tokens, $0.00"


def test_a_call_that_was_begun_before_a_crash_is_charged_for_what_it_sent_since() -> None:
    resumed = replace(CALL, attempts=(replace(SENT, replayed=True), SENT))
    assert usage_of([resumed]).charged_usd == Decimal("0.0012")


def test_nothing_is_nothing() -> None:
    assert str(usage_of([])) == "0 calls, 0 requests, 0 tokens, $0.00"
