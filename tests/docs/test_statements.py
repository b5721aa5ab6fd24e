"""Figures, defaults and names that pages state, held against the code they speak of."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import indent
from typing import get_args

import pytest

from stratum_core.approval import Channel, Policy, channel_class
from stratum_core.checks import check
from stratum_core.contracts import IntType, StringType
from stratum_core.ir import MAX_BYTES, VERBS
from stratum_core.ir._yaml import MAX_DEPTH as DOCUMENT_DEPTH
from stratum_core.ir._yaml import MAX_NODES as DOCUMENT_PARTS
from stratum_core.ir.expressions import _limits as expressions
from stratum_core.llm import TRANSPORT_RETRIES, default_max_tokens
from stratum_core.plan import PlanOptions
from stratum_core.runtime import AUTO_START
from stratum_core.specs import InferSpec
from stratum_mcp.cli._exit import EXIT_CODES, Exit
from tests.support.pages import ROOT, pages, section, table_rows

IR = (ROOT / "docs" / "ir.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
FUNCTION_PARTS = {"quorum", "refine", "fallbacks", "cache", "stable: false", "python:"}
STEP_PARTS = {"when", "for_each", "require", "on_error", "validate"}

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
    assert (step.for_each.concurrency, AUTO_START) == (None, 8)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (IR, "`retries` (default 3)"),
        (
            IR,
            "`concurrency: N`, or `auto` (default: 8 at first, then as many as the model takes, at most 64)",
        ),
        (IR, "`on_error: drop` (default)"),
        (IR, "`require: all` (default)"),
        (IR, "tokens, calls}` (default none)"),
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


def test_the_reference_tells_of_every_verb_and_modifier() -> None:
    verbs = [found[0] for row in table_rows(IR, "verb") if (found := re.findall(r"^`(\w+)`", row[0]))]
    assert list(dict.fromkeys(verbs)) == list(VERBS)
    modifiers = {
        name for row in table_rows(IR, "modifier, on any verb") for name in re.findall(r"`(\w+):", row[0])
    }
    assert modifiers == STEP_PARTS | {"concurrency", "after"}
    keys = {name for row in table_rows(IR, "key") for name in re.findall(r"`(\w+):", row[0])}
    assert keys == {"quorum", "agree_on", "threshold", "refine", "fallbacks", "cache", "stable"}


def test_every_page_tells_that_the_whole_language_runs() -> None:
    told = section(ROOT / "README.md", "What runs today")
    assert {*re.findall(r"`([^`]+)`", told)} >= {*VERBS} | STEP_PARTS | FUNCTION_PARTS
    for page in pages():
        assert "not yet executable" not in _flat(page.read_text("utf-8")).lower(), page.name


@pytest.mark.parametrize(
    ("statement", "right", "wrong"),
    [
        (
            "N votes (2 to 15)",
            "quorum: 15\nagree_on: label\nthreshold: 8",
            "quorum: 16\nagree_on: label\nthreshold: 9",
        ),
        (
            "`max_iterations` times (default 5, at most 50)",
            'refine: {until: "True", feedback: "1", max_iterations: 50}',
            'refine: {until: "True", feedback: "1", max_iterations: 51}',
        ),
    ],
)
def test_the_reference_states_the_bounds_of_a_function(statement: str, right: str, wrong: str) -> None:
    assert statement in _flat(IR)
    assert "E114" not in _codes(right)
    assert "E114" in _codes(wrong)


def _codes(modifiers: str) -> set[str]:
    """Return the diagnostics of the document whose function has these lines, too."""
    lines = indent(f"{modifiers}\nintent:", "    ")
    return {found.code for found in check(SMALL.replace("    intent:", lines)).diagnostics}


def test_the_servers_page_names_every_option_of_a_plan() -> None:
    page = _flat((ROOT / "docs" / "mcp.md").read_text("utf-8"))
    (told,) = re.findall(r"\*\*`options`\*\* of `plan`: (.*?)\.", page)
    assert {*re.findall(r"`(\w+)`", told)} - {"run_id"} == PlanOptions().to_json().keys()


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
    assert channels == set(get_args(Channel))
    assert {name for name in get_args(Channel) if channel_class(name) == "remote"} == {"remote"}


def test_the_help_states_every_exit_code() -> None:
    assert [int(code) for code in re.findall(r"^ +(\d+) ", EXIT_CODES, re.MULTILINE)] == [
        code.value for code in Exit
    ]
