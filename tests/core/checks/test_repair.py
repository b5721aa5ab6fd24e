"""Repair: every certain fix made, nothing else touched."""

from __future__ import annotations

import pytest

from stratum_core.checks import check, repair
from tests.core.checks._support import BadDocument, bad_documents

DOCUMENTS = {document.name: document for document in bad_documents()}
BROKEN = """\
stratum: "1"   # the version
# what a note is
contracts:
  Note: { text: string, score: {type: int, min: 1, max: 5} }
functions:
  judge:
    mode: infer
    prompt: Judge the note   # an agent wrote this
    input: { text: string }
    output: Note
    ensure: ["result.scor > 1 && result.score < 5"]
    max_retries: 2
flows:
  main:
    input: { text: string }
    output: Note
    budget: { usd: 1 }
    steps:
      - { id: note, function: juge, inputs: { text: $.input.text } }
    return: note
"""


def test_every_fault_with_a_certain_fix_is_mended_and_comments_and_layout_stay() -> None:
    mended = repair(BROKEN)
    assert (mended.checked.ok, mended.checked.diagnostics) == (True, ())
    expected = (
        BROKEN.replace("prompt:", "intent:")
        .replace("max_retries", "retries")
        .replace("scor >", "score >")
        .replace("&&", "and")
        .replace("juge", "judge")
        .replace("$.input", "input")
    )
    assert mended.text == expected
    assert len(mended.applied) == 6


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_other_line_ends_and_a_byte_order_mark_stay(line_end: str) -> None:
    text = "\ufeff" + BROKEN.replace("stratum:", "statum:").replace("\n", line_end)
    mended = repair(text)
    assert mended.checked.ok
    assert mended.text.startswith('\ufeffstratum: "1"')
    assert mended.text.count(line_end) == text.count(line_end)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_repair_ends_leaves_no_certain_fix_and_does_nothing_the_second_time(name: str) -> None:
    document: BadDocument = DOCUMENTS[name]
    mended = repair(document.text, limits=document.limits)
    assert [found for found in mended.checked.diagnostics if found.fix is not None] == []
    assert repair(mended.text, limits=document.limits).applied == ()
    errors = [found for found in document.check() if found.severity == "error"]
    left = [found for found in mended.checked.diagnostics if found.severity == "error"]
    assert len(left) <= len(errors) or any(found.fix for found in errors)


def test_a_document_without_findings_is_left_alone() -> None:
    text = repair(BROKEN).text
    assert check(text).ok
    assert (repair(text).text, repair(text).applied) == (text, ())


def test_a_chain_of_fixes_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratum_core.checks._repair._MAX_ROUNDS", 1)
    mended = repair(BROKEN)
    assert mended.text != BROKEN
    assert mended.checked.diagnostics == check(mended.text).diagnostics
