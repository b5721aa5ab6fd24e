"""Figures, defaults and names that pages state, held against the code they speak of."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from stratum_core.approval import Policy, channel_class
from stratum_core.checks import check
from stratum_core.contracts import IntType, StringType
from stratum_core.ir import MAX_BYTES, VERBS
from stratum_core.ir._yaml import MAX_DEPTH as DOCUMENT_DEPTH
from stratum_core.ir._yaml import MAX_NODES as DOCUMENT_PARTS
from stratum_core.ir.expressions import _limits as expressions
from stratum_core.llm import TRANSPORT_RETRIES, default_max_tokens
from stratum_core.runtime import DEFAULT_CONCURRENCY
from stratum_core.specs import InferSpec
from stratum_mcp.cli._exit import EXIT_CODES, Exit
from tests.support.pages import ROOT, section, table_rows

IR = (ROOT / "docs" / "ir.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
LATER_VERBS = {"parallel", "race", "debate", "await_human"}
LATER_PARTS = {"refine", "quorum", "cache", "fallbacks", "stable: false", "python:"}

SMALL = """\
stratum: "1"
functions:
  judge:
    mode: infer
    intent: Judge the tone
    input: { text: string }
    output: { enum: [good, bad] }
flows:
  main:
    input: { texts: list<string> }
    output: list<string>
    budget: { usd: 1 }
    steps:
      - { id: tones, for_each: input.texts, function: judge, inputs: { text: item } }
    return: tones
"""


def _flat(text: str) -> str:
    """Return a text with line breaks as spaces."""
    return " ".join(text.split())


def test_what_is_left_out_has_the_defaults_the_pages_state() -> None:
    program = check(SMALL).program
    assert program is not None
    judge, step = program.functions["judge"], program.flows["main"].steps[0]
    assert isinstance(judge, InferSpec)
    assert step.for_each is not None
    assert (judge.retries, judge.budget, judge.model) == (3, None, None)
    assert (step.for_each.require, step.for_each.on_error, step.on_error) == ("all", "drop", "fail")
    assert (step.for_each.concurrency, DEFAULT_CONCURRENCY) == (None, 8)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (IR, "`retries` (default 3)"),
        (IR, "`concurrency: N` (default 8)"),
        (IR, "`on_error: drop` (default)"),
        (IR, "`require: all` (default)"),
        (IR, "tokens}` (default none)"),
    ],
)
def test_a_page_states_the_default(text: str, statement: str) -> None:
    assert statement in _flat(text)


@pytest.mark.parametrize(
    "statement",
    [
        f"At most {MAX_BYTES // 1024**2} MiB, {DOCUMENT_DEPTH} levels, {DOCUMENT_PARTS:,} parts.",
        f"{expressions.MAX_CHARS:,} characters, {expressions.MAX_DEPTH} levels, {expressions.MAX_NODES:,} nodes",
        f"text up to {expressions.MAX_TEXT_CHARS:,} characters, lists up to {expressions.MAX_ITEMS:,} items",
        f"At most `retries + 1 + {TRANSPORT_RETRIES}` requests leave for one call",
        f"between {default_max_tokens(IntType())} and {default_max_tokens(StringType(max_length=10**6)):,})",
    ],
)
def test_the_reference_states_the_limits_of_the_code(statement: str) -> None:
    assert statement in _flat(IR)


def test_the_reference_tells_which_verbs_run() -> None:
    status = {re.findall(r"`(\w+)`", verb)[0]: last for verb, _, last in table_rows(IR, "verb")}
    assert set(status) == set(VERBS)
    assert {verb for verb, last in status.items() if last == "not yet executable"} == LATER_VERBS


@pytest.mark.parametrize("text", [README, (ROOT / "CHANGELOG.md").read_text("utf-8")])
def test_every_page_tells_the_same_parts_that_do_not_run_yet(text: str) -> None:
    (told,) = (part for part in re.split(r"\n\n|\n(?=[-*])", text) if "not yet executable" in _flat(part))
    named = {name for code in re.findall(r"`([^`]+)`", told) for name in re.split(r" (?!false)", code)}
    assert named >= LATER_VERBS | LATER_PARTS


def test_the_settings_table_names_exactly_the_variables_the_code_reads() -> None:
    told = {
        name
        for cell, _ in table_rows(section(ROOT / "README.md", "Settings"), "variable")
        for name in re.findall(r"STRATUM_[A-Z_]+", cell)
    }
    read = _variables(ROOT / "stratum_core") | _variables(ROOT / "stratum_mcp")
    on_the_other_page = set(re.findall(r"STRATUM_[A-Z_]+", (ROOT / "docs" / "cli.md").read_text("utf-8")))
    assert (told, on_the_other_page) == (read, read)


def _variables(package: Path) -> set[str]:
    return {
        node.value
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"STRATUM_[A-Z_]+", node.value)
    }


def test_the_policy_page_states_the_defaults_and_every_channel() -> None:
    page = (ROOT / "docs" / "policy.md").read_text("utf-8")
    policy = Policy()
    assert f"plan_ttl_hours: {policy.plan_ttl_hours:g} " in page
    assert f"approval_ttl_minutes: {policy.approval_ttl_minutes:g} " in page
    channels = {name for cell, _ in table_rows(page, "channel") for name in re.findall(r"`(\w+)`", cell)}
    assert channels == {"dialog", "terminal", "policy", "flag"}
    assert {channel_class(name) for name in ("dialog", "terminal", "policy", "flag")} == {"local"}


def test_the_help_states_every_exit_code() -> None:
    assert [int(code) for code in re.findall(r"^ +(\d+) ", EXIT_CODES, re.MULTILINE)] == [
        code.value for code in Exit
    ]
