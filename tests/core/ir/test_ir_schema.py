"""The published schema takes what `load` takes and refuses bad shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from stratum_core.ir import Document, dump, ir_schema, load
from tests.core.ir._faults import FAULTS, HEAD
from tests.core.ir._samples import REVIEWS, corpus, small
from tests.core.ir.test_dump import DOCUMENTS
from tests.support.schemas import check_schema, fits

SCHEMA = ir_schema()
BEYOND_A_SCHEMA = {
    "field named like a keyword",
    "step id is a keyword",
    "enum value twice",
    "drop without for_each",
    "fail with for_each",
    "share over 100",
    "options twice",
    "no options",
    "return as a comprehension",
}


def data_of(text: str) -> Any:  # noqa: ANN401  # whatever the text holds
    return yaml.load(text, Loader=yaml.SafeLoader)  # the safe one


def test_the_schema_is_a_schema_and_plain_json() -> None:
    check_schema(SCHEMA)
    assert json.loads(json.dumps(ir_schema())) == ir_schema()
    assert ir_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_every_document_of_the_corpus_fits_the_schema(path: Any) -> None:  # noqa: ANN401
    document = load(path.read_bytes()).document
    assert document is not None
    assert fits(SCHEMA, data_of(dump(document)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_a_generated_document_fits_the_schema(document: Document) -> None:
    assert fits(SCHEMA, data_of(dump(document)))


@pytest.mark.parametrize(
    ("name", "text"),
    [(row[0], row[1]) for row in FAULTS if row[0] not in BEYOND_A_SCHEMA],
    ids=lambda value: value[:30],
)
def test_a_bad_shape_does_not_fit_the_schema(name: str, text: str) -> None:
    assert not fits(SCHEMA, data_of(text))


def test_unknown_keys_do_not_fit_at_any_level() -> None:
    for text in (
        HEAD + "other: 1",
        HEAD + "functions: { f: { mode: infer, prompt: x, intent: x, output: int } }",
        HEAD + "contracts: { A: { x: { type: int, minimum: 1 } } }",
        small("- { id: a, compute: 1, if: x }"),
        REVIEWS.replace("usd: 5.00", "usd: 5, euro: 3"),
    ):
        assert not fits(SCHEMA, data_of(text))


def test_alternatives_that_load_takes_fit_the_schema() -> None:
    for text in (
        HEAD,
        HEAD + "contracts:\nfunctions:\nflows:\n",
        HEAD + "functions: { f: { mode: infer, intent: x, context: y, output: int, ensure: a, input: } }",
        small("- { id: a, function: f, inputs: , after: b }"),
        small("- { id: a, for_each: [1], compute: true, require: 95 %, concurrency: auto }"),
    ):
        assert load(text).diagnostics == ()
        assert fits(SCHEMA, data_of(text))
