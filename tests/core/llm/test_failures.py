"""Wire failures: decided by status and code, silent about keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ModelError,
    ModelRefusal,
    QuotaError,
    TransportError,
)
from stratum_core.llm._failures import Breakdown, WireFailure, to_error

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def error_of(status: int, body: str = "", **headers: str) -> ModelError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    failure = WireFailure(breakdown="answered", status=status, headers=named, body=body)
    return to_error(failure, "p/m", secrets=("s3cr3t",), now=NOW)


def body(message: str, **fields: str) -> str:
    return json.dumps({"error": {"message": message, **fields}})


def test_the_message_names_model_status_and_the_providers_code_but_not_its_words() -> None:
    error = error_of(400, body("Say please", code="invalid_value"))
    assert error.message == "model `p/m`: the provider rejects the request (HTTP 400, invalid_value)"
    assert error.detail == {"paid": "no", "model": "p/m", "status": 400, "provider_says": "Say please"}


@pytest.mark.parametrize(
    "said",
    [
        "key s3cr3t is wrong",
        "Incorrect API key provided: sk-proj-abc***xyz",
        "header was Bearer abcdefgh",
        "AIzaSyA1234567890",
        "token 0123456789abcdef0123456789abcdef",
    ],
)
def test_provider_text_that_may_hold_a_key_is_left_out_whole(said: str) -> None:
    error = error_of(400, body(said, code="sk-abcdef123456"))
    assert "provider_says" not in error.detail
    assert said not in str(error)
    assert "sk-" not in str(error)


def test_provider_text_is_cut_and_freed_of_control_characters() -> None:
    said = error_of(400, body("a\x1b[31m b" + "c " * 300)).detail["provider_says"]
    assert isinstance(said, str)
    assert said.startswith("a [31m b")
    assert len(said) == 200


@pytest.mark.parametrize(
    ("status", "text", "kind", "paid"),
    [
        (
            400,
            body("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT"),
            AuthError,
            "no",
        ),
        (
            429,
            '{"error": {"message": "Quota exceeded", "details": [{"quotaId": "X-PerDay-Y"}]}}',
            QuotaError,
            "no",
        ),
        (429, '{"error": {"message": "You exceeded your current quota: PerMinute"}}', TransportError, "no"),
        (402, "Insufficient Balance", QuotaError, "no"),
        (400, body("blocked", code="content_filter"), ModelRefusal, "no"),
        (408, "", TransportError, "unknown"),
        (422, "[]", BadRequestError, "no"),
        (504, "", TransportError, "unknown"),
        (500, body("the word insufficient_quota in a fault"), TransportError, "unknown"),
        (404, '{"error": "no"}', BadRequestError, "no"),
    ],
)
def test_status_and_code_decide_the_error(status: int, text: str, kind: type[ModelError], paid: str) -> None:
    error = error_of(status, text)
    assert type(error) is kind
    assert error.detail["paid"] == paid


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"retry_after": "12"}, "", 12.0),
        ({"retry_after": "1.5"}, "", 1.5),
        ({"retry_after_ms": "1500", "retry_after": "9"}, "", 1.5),
        ({"retry_after": "Sun, 01 Mar 2026 12:00:30 GMT"}, "", 30.0),
        ({"retry_after": "Sun, 01 Mar 2026 12:00:30 -0000"}, "", 30.0),
        ({"retry_after": "Sun, 01 Mar 2026 11:00:00 GMT"}, "", 0.0),
        ({"retry_after": "soon"}, "", None),
        ({"retry_after": "-5"}, "", None),
        ({}, '{"details": [{"retryDelay": "32s"}]}', 32.0),
        ({}, "", None),
    ],
)
def test_the_wait_a_provider_asks_for_is_read_in_every_form(
    headers: dict[str, str], text: str, seconds: float | None
) -> None:
    assert error_of(429, text, **headers).detail.get("retry_after_s") == seconds


@pytest.mark.parametrize(
    ("breakdown", "kind", "paid"),
    [
        ("unreached", TransportError, "no"),
        ("rejected", BadRequestError, "no"),
        ("timeout", TransportError, "unknown"),
        ("lost", TransportError, "unknown"),
        ("unreadable", TransportError, "unknown"),
    ],
)
def test_without_an_error_answer_the_breakdown_decides(
    breakdown: Breakdown, kind: type[ModelError], paid: str
) -> None:
    error = to_error(WireFailure(breakdown=breakdown), "p/m", now=NOW)
    assert type(error) is kind
    assert error.detail["paid"] == paid


@given(status=st.integers(400, 599), text=st.text(max_size=80), header=st.text(max_size=20))
def test_any_error_answer_becomes_a_model_error_that_says_whether_it_was_paid(
    status: int, text: str, header: str
) -> None:
    error = error_of(status, text, retry_after=header)
    assert error.detail["paid"] in {"no", "unknown"}
    assert len(str(error.detail.get("provider_says", ""))) <= 200


def test_deeply_nested_error_text_does_no_harm() -> None:
    assert isinstance(error_of(400, "[" * 100_000), BadRequestError)
