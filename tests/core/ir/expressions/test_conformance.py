"""The conformance file says what this implementation does, and other hosts can read it."""

from __future__ import annotations

import json

from tests.core.ir.expressions.make_conformance import FILE, text


def test_the_conformance_file_holds_what_every_table_of_the_tests_says() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), (
        "run tests/core/ir/expressions/make_conformance.py and read the change"
    )


def test_the_conformance_file_covers_values_errors_and_findings() -> None:
    cases = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    assert len(cases) >= 300
    assert sum("value" in case for case in cases) > 150
    assert sum("error" in case for case in cases) > 40
    assert sum("codes" in case for case in cases) > 150
