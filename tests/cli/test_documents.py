"""Commands that cost nothing: validate, plan, estimate, schema, guide, and the help."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

import pytest

from stratum_core.contracts import JsonValue
from stratum_mcp.cli._bindings import read_bindings
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import DOCUMENT, Job


def test_the_help_names_every_verb_and_exit_code(stratum: Callable[..., Done]) -> None:
    done = stratum("--help")
    assert done.code == 0
    verbs = (
        "demo", "validate", "fmt", "plan", "estimate", "approve", "execute", "resume", "cancel", "runs", "show",
        "schema", "guide", "serve", "install", "uninstall",
    )  # fmt: skip
    assert [verb for verb in verbs if f"  {verb} " not in done.out] == []
    assert [code for code in (0, 1, 2, 3, 4, 5, 6, 70) if f"\n    {code} " not in done.out] == []
    assert "run-worker" not in done.out


def test_every_verb_that_answers_has_json_for_machines(stratum: Callable[..., Done]) -> None:
    for verb in (
        "demo",
        "validate",
        "plan",
        "estimate",
        "approve",
        "execute",
        "resume",
        "cancel",
        "runs",
        "show",
    ):
        assert "--json" in stratum(verb, "--help").out


def test_a_valid_document_ends_with_0(stratum: Callable[..., Done], job: Job) -> None:
    assert stratum("validate", job.spec.name).code == 0
    record = stratum("validate", job.spec.name, "--json").record()
    assert (record["ok"], record["diagnostics"], len(record["ir_hash"])) == (True, [], 64)


def test_a_document_may_come_from_stdin(
    stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(DOCUMENT))
    assert stratum("validate", "-").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("stratum: 2"))
    assert "<text>:1:" in stratum("validate", "-").out


def test_a_plan_is_shown_in_words_with_how_to_approve_it(stratum: Callable[..., Done]) -> None:
    done = stratum(*plan_arguments())
    assert done.code == 0
    assert "5 notes from notes.csv" in done.out
    assert "At most $" in done.out
    typed = r"(?:STRATUM_STATE_DIR=\S+ )?(?:\S*/)?stratum approve plan_[0-9a-f]{12}"
    assert re.search(rf"^To approve it, a person runs: {typed}$", done.out, re.MULTILINE)


def test_options_reach_the_plan(stratum: Callable[..., Done], job: Job) -> None:
    done = stratum(
        *plan_arguments("--flow", "all_notes", "--column", "notes.id=row", "--rows", "2", "--cap", "0.001", "--json"),
        "--out", "tones.csv", "--model", "offline", "--no-background",
    )  # fmt: skip
    plan = done.record()
    assert (plan["items"], plan["at_most_usd"], plan["simulated"]) == (2, 0.001, True)
    assert "tones.csv" in plan["summary"]
    assert "keeps running" not in plan["summary"]


def test_an_estimate_is_shown_with_its_basis(stratum: Callable[..., Done]) -> None:
    plan = stratum(*plan_arguments("--json")).record()
    done = stratum("estimate", plan["plan_id"])
    assert done.code == 0
    assert "worst case $" in done.out
    assert "Basis: " in done.out
    fewer = stratum("estimate", plan["plan_id"], "--rows", "1", "--json").record()
    assert fewer["worst_case_usd"] < stratum("estimate", plan["plan_id"], "--json").record()["worst_case_usd"]
    batch = stratum("estimate", plan["plan_id"], "--batch", "--json").record()
    assert "batch prices" in batch["basis"]


def test_schema_is_json_and_the_guide_is_text(stratum: Callable[..., Done]) -> None:
    assert stratum("schema").record()["$schema"]
    assert 'stratum: "1"' in stratum("guide").out
    assert 'stratum: "1"' in stratum("guide", "--json").record()["guide"]


def test_a_document_cannot_steer_the_terminal(stratum: Callable[..., Done], job: Job) -> None:
    hostile = DOCUMENT.replace("judged: len(tones)", 'judged: "len(tones) + missing\u202ename"')
    job.spec.write_text(hostile + "# \x9b2J\n", "utf-8")
    for arguments in (("validate", job.spec.name), tuple(plan_arguments())):
        done = stratum(*arguments)
        assert done.code == 1
        assert [mark for mark in ("\u202e", "\x9b", "\x1b[2J") if mark in done.out + done.err] == []


@pytest.mark.parametrize(
    ("inputs", "columns", "bound"),
    [
        (["a=b.csv"], [], {"a": {"file": "b.csv"}}),
        (["a=b.csv"], ["a.x=Y z", "a.w=row"], {"a": {"file": "b.csv", "columns": {"x": "Y z", "w": "row"}}}),
        (["a=3", 'b="t"', "c=[1, 2]", "d=null"], [], {"a": 3, "b": "t", "c": [1, 2], "d": None}),
        (['a={"file": "x.json"}'], ["a.f=g=h"], {"a": {"file": "x.json", "columns": {"f": "g=h"}}}),
        (["a=NaN", "b=./3"], [], {"a": {"file": "NaN"}, "b": {"file": "./3"}}),
    ],
)
def test_what_reads_as_json_is_a_value_and_anything_else_a_file(
    inputs: list[str], columns: list[str], bound: dict[str, JsonValue]
) -> None:
    assert read_bindings(inputs, columns) == bound
