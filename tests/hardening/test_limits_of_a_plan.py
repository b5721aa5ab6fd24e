"""Each limit of docs/limits.md on documents and data, hit: the answer names it, and comes before anything is paid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import InputError, PlanError, StratumError
from tests.support.jobs import DOCUMENT

FLOW = """\
stratum: "1"
flows:
  main:
    input: { xs: list<int> }
    output: json
    steps:
      - { id: a, compute: 'WORDS' }
    return: a
"""


def _of_function(words: str) -> str:
    return DOCUMENT.replace("    output: Tone\n", f"    output: Tone\n    {words}\n")


def _of_type(words: str) -> str:
    return DOCUMENT.replace("id: int", f"id: {words}")


DOCUMENTS = {
    "levels of a document": (f'stratum: "1"\nflows: {"[" * 65}{"]" * 65}', "nested over 64 levels"),
    "parts of a document": (f'stratum: "1"\nflows: [{"1," * 200_001}1]', "200,000"),
    "characters of an expression": (FLOW.replace("WORDS", "1" + " + 1" * 1_050), "the limit is 4,096"),
    "levels of an expression": (FLOW.replace("WORDS", f"{'(' * 65}1{')' * 65}"), "nested deeper than 64"),
    "parts of an expression": (FLOW.replace("WORDS", f"[{'1,' * 1_001}1]"), "1,000"),
    "loops of a comprehension": (FLOW.replace("WORDS", "[1 for a in input.xs for b in input.xs]"), "one `for`"),
    "levels of a type": (_of_type(f"{'list<' * 17}int{'>' * 17}"), "nested over 16 levels"),
    "values of an enum": (_of_type(f"{{ enum: [{', '.join(f'e{n}' for n in range(1_001))}] }}"), "at most 1000"),
    "characters of a pattern": (_of_type(f'{{ type: string, pattern: "{"a" * 1_001}" }}'), "at most 1000"),
    "retries of a call": (_of_function("retries: 11"), "from 0 to 10"),
    "tokens of an answer": (_of_function("max_tokens: 1000001"), "from 1 to 1,000,000"),
    "votes of a quorum": (_of_function("quorum: 16"), "from 2 to 15"),
    "iterations of a refinement": (_of_function("refine: { until: 'True', max_iterations: 51 }"), "from 1 to 50"),
    "items in flight": (DOCUMENT.replace("require: 0 }", "require: 0, concurrency: 1025 }"), "from 1 to 1,024"),
    "flows in a circle": (
        DOCUMENT.replace("function: judge, inputs: { text: item.text }", "flow: all_notes, inputs: { notes: [] }"),
        "calls itself",
    ),
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "project").mkdir()
    policy = Policy(max_rows=2)
    return Engine(
        Settings(
            state_dir=tmp_path / "state",
            roots=(tmp_path / "project",),
            environ={},
            default_model="offline",
            policy=policy,
        )
    )


@pytest.mark.parametrize("limit", DOCUMENTS)
def test_a_document_beyond_a_limit_is_refused_with_that_limit(engine: Engine, limit: str) -> None:
    text, words = DOCUMENTS[limit]
    found = engine.validate(text)
    assert not found.ok
    assert words in " ".join(str(one["message"]) for one in found.diagnostics)


def _refused(engine: Engine, inputs: dict[str, JsonValue]) -> StratumError:
    with pytest.raises((InputError, PlanError)) as raised:
        engine.plan(DOCUMENT, inputs=inputs)
    return raised.value


def test_a_document_a_file_and_rows_beyond_their_limits_are_refused(engine: Engine, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "long.yaml").write_text(DOCUMENT + "#" * (1 << 20), "utf-8")
    with pytest.raises(InputError, match="more than 1,048,577 bytes"):
        engine.validate("long.yaml")
    (project / "large.csv").touch()
    os.truncate(project / "large.csv", 64_000_001)
    assert "more than 64,000,000 bytes" in str(_refused(engine, {"notes": {"file": "large.csv"}}))
    row: JsonValue = {"id": 1, "text": "x"}
    assert "more than 2 rows" in str(_refused(engine, {"notes": [row] * 3}))
