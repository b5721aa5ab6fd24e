"""Writes tests/corpus/expressions.json: what every host agrees on.

Run it after a deliberate change of the language: `python tests/core/ir/expressions/make_conformance.py`. The sources
are the tables of the tests beside it; the file holds what this implementation says about them, checked by a test.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT))

from stratum_core.contracts import JsonValue, describe  # noqa: E402 - after the path
from stratum_core.errors import ExpressionError  # noqa: E402
from stratum_core.ir.expressions import compile_expression  # noqa: E402
from tests.core.ir.expressions import _samples, test_evaluate, test_findings, test_foreign, test_types  # noqa: E402

FILE = ROOT / "tests" / "corpus" / "expressions.json"


def sources() -> list[str]:
    """Return every source of the tables, once, in a stable order."""
    tables = (
        test_types.TYPES,
        test_types.OPAQUE,
        test_types.NARROWED,
        test_evaluate.GIVES,
        test_evaluate.FAILS,
        test_foreign.SPELLINGS,
        [text for text, _, _ in test_findings.FINDINGS],
    )
    return list(dict.fromkeys(text for table in tables for text in table))


def case(source: str) -> dict[str, JsonValue]:
    """Return what this implementation says about a source: codes, or type, canonical text and value or error."""
    result = compile_expression(source, _samples.SCOPE)
    if result.expression is None:
        return {"source": source, "codes": [finding.code for finding in result.findings]}
    checked: dict[str, JsonValue] = {
        "source": source,
        "type": describe(result.type),
        "canonical": result.expression.canonical,
    }
    try:
        return {**checked, "value": result.expression.evaluate(_samples.VALUES)}
    except ExpressionError as error:
        return {**checked, "error": error.code}


def document() -> dict[str, JsonValue]:
    """Return the whole file."""
    fields = {field.name: describe(field.type) for field in _samples.RESULT.fields}
    items = {field.name: describe(field.type) for field in _samples.ITEM.fields}
    return {
        "about": "What every host agrees on: source, then codes, or type, canonical text and value or error.",
        "contracts": {"Result": fields, "Item": items},
        "scope": {name: describe(kind) for name, kind in _samples.SCOPE.items()},
        "values": dict(_samples.VALUES),
        "cases": [case(source) for source in sources()],
    }


def text() -> str:
    """Return the file's text: one case on a line."""
    whole = document()
    cases = whole.pop("cases")
    assert isinstance(cases, list)
    head = json.dumps(whole, ensure_ascii=False, indent=1)[:-2]
    lines = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in cases)
    return f'{head},\n "cases": [\n  {lines}\n ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
