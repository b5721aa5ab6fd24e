"""A definition means the same, and has the same hashes, in Python and in a document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from stratum_core import Budget, ComputeFunction, compute, contract, infer, opaque, refine
from stratum_core.authoring._contract import record_of
from stratum_core.checks import check
from stratum_core.contracts import contract_hash
from stratum_core.ir import spec_hash
from stratum_core.llm import template_hash
from stratum_core.specs import ComputeSpec, FunctionSpec, InferSpec, Program
from tests.support.type_pairs import ContractPair, contract_pairs, type_pairs

CORPUS = Path(__file__).parents[2] / "corpus"
MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def program_of(document: dict[str, Any]) -> Program:
    checked = check(json.dumps({"stratum": "1", **document}))
    assert checked.program is not None, checked.diagnostics
    return checked.program


def infer_of(program: Program, name: str) -> InferSpec:
    spec = program.functions[name]
    assert isinstance(spec, InferSpec)
    return spec


async def judge(first: object, second: object) -> object: ...


@MANY
@given(contract_pairs())
def test_a_contract_is_the_same_record_with_the_same_hash(pair: ContractPair) -> None:
    function: dict[str, Any] = {"mode": "infer", "intent": "Judge.", "input": {}, "output": pair.name}
    program = program_of({"contracts": pair.forms(), "functions": {"judge": function}})
    written = program.contracts[pair.name]
    assert record_of(pair.model) == written
    assert getattr(pair.model, "contract_hash") == contract_hash(written)  # noqa: B009 - set by the decorator


@MANY
@given(st.data())
def test_a_function_has_the_function_and_template_hash_of_the_same_one_in_a_document(
    data: st.DataObject,
) -> None:
    pair = data.draw(contract_pairs())
    first = data.draw(type_pairs(pair))
    retries = data.draw(st.integers(0, 5))
    temperature = data.draw(st.sampled_from([None, 0, 0.5, 1]))
    max_tokens = data.draw(st.sampled_from([None, 50]))
    cache: Literal["none", "session", "global"] = data.draw(st.sampled_from(["none", "session", "global"]))
    function = {
        "mode": "infer",
        "intent": "Judge it.",
        "context": ["Be fair.", "Be short."],
        "input": {"first": first.form, "second": pair.name},
        "output": f"list<{pair.name}>",
        "given": ["1 < 2"],
        "ensure": ["len(result) > 0"],
        "budget": {"usd": 0.25, "ms": 5000, "calls": 9},
        "retries": retries,
        "cache": cache,
        "model": "openai/gpt-5-mini",
        "fallbacks": ["offline"],
        **({} if temperature is None else {"temperature": temperature}),
        **({} if max_tokens is None else {"max_tokens": max_tokens}),
    }
    written = infer_of(program_of({"contracts": pair.forms(), "functions": {"judge": function}}), "judge")
    judge.__annotations__ = {"first": first.annotation, "second": pair.model, "return": list[pair.model]}
    decorated = infer(
        intent="Judge it.",
        context=["Be fair.", "Be short."],
        given="1 < 2",
        ensure=lambda r: len(r) > 0,
        budget=Budget(usd=0.25, ms=5000, calls=9),
        retries=retries,
        cache=cache,
        model="openai/gpt-5-mini",
        fallbacks=["offline"],
        temperature=temperature,
        max_tokens=max_tokens,
    )(judge)
    assert decorated.spec.function_hash == written.function_hash
    assert template_hash(decorated.spec) == template_hash(written)


@contract
class Sentiment(BaseModel):
    label: Literal["positive", "negative"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    words: list[str] = Field(max_length=9, description="What says so.")


SENTIMENT = {
    "label": {"enum": ["positive", "negative"]},
    "confidence": "float[0..1]",
    "words": {"type": "list<string>", "max_length": 9, "description": "What says so."},
}


def test_lambdas_votes_and_refine_hash_like_their_text() -> None:
    document = program_of(
        {
            "contracts": {"Sentiment": SENTIMENT},
            "functions": {
                "longest": {"mode": "compute", "input": {"result": "Sentiment"}, "output": "int",
                            "expression": "max([len(w) for w in result.words])"},
                "classify": {
                    "mode": "infer", "intent": "Classify.", "input": {"text": "opaque<string>", "limit": "int"},
                    "output": {"type": "Sentiment", "description": "The judgement."},
                    "given": ["len(text) > 0"],
                    "ensure": ['result.confidence > 0.5 and result.label in ["positive", "negative"]'],
                    "quorum": 3, "agree_on": "label", "threshold": 2,
                    "refine": {"check": "longest", "until": "check < limit", "max_iterations": 3,
                               "feedback": '"shorter than " + str(limit)'},
                },
            },
        }
    )  # fmt: skip

    @compute
    def longest(result: Sentiment) -> int:
        return max([len(w) for w in result.words])

    labels = ("positive", "negative")

    @refine(
        check=longest,
        until=lambda _, check, limit: check < limit,
        feedback=lambda _, limit: "shorter than " + str(limit),
        max_iterations=3,
    )
    @infer(
        intent="Classify.",
        given=lambda text: len(text) > 0,
        ensure=lambda r: r.confidence > 0.5 and r.label in labels,
        quorum=3,
        agree_on="label",
        threshold=2,
    )
    async def classify(
        text: opaque[str], limit: int
    ) -> Annotated[Sentiment, Field(description="The judgement.")]: ...

    written = infer_of(document, "classify")
    assert classify.spec.ensure[0].canonical == written.ensure[0].canonical
    assert longest.spec.function_hash == document.functions["longest"].function_hash
    assert classify.spec.function_hash == written.function_hash


@compute
def total(xs: list[int], bonus: int) -> int:
    return sum(xs) + bonus


@compute
def best(xs: list[float]) -> Sentiment:
    return Sentiment(label="positive", confidence=max(xs), words=["a", "b"][:1])


@compute
def cleaned(text: str) -> str:
    parts = text.split()
    return " ".join(parts)


@pytest.mark.parametrize(
    ("function", "body"),
    [
        (
            total,
            {"input": {"xs": "list<int>", "bonus": "int"}, "output": "int", "expression": "sum(xs) + bonus"},
        ),
        (
            best,
            {
                "input": {"xs": "list<float>"},
                "output": "Sentiment",
                "expression": {
                    "label": '"positive"',
                    "confidence": "max(xs)",
                    "words": '["a", "b"][:1]',
                },
            },
        ),
    ],
)
def test_a_compute_function_that_only_returns_is_its_expression(
    function: ComputeFunction[..., object], body: dict[str, Any]
) -> None:
    document = program_of(
        {"contracts": {"Sentiment": SENTIMENT}, "functions": {"it": {"mode": "compute", **body}}}
    )
    assert function.spec.function_hash == document.functions["it"].function_hash


def test_a_compute_function_of_statements_hashes_as_registered_code_of_its_name() -> None:
    spec = cleaned.spec
    registered = ComputeSpec(
        name="x", inputs=spec.inputs, output=spec.output, expression=None, python="cleaned"
    )
    assert spec.function_hash == spec_hash(registered)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("ok/**/*.yaml")), ids=lambda path: path.stem)
def test_the_spec_of_every_document_hashes_as_the_document_says(path: Path) -> None:
    program = check(path.read_bytes()).program
    assert program is not None
    found = {name: _hash_of(spec) for name, spec in program.functions.items()}
    assert found == {name: spec.function_hash for name, spec in program.functions.items()}


def _hash_of(spec: FunctionSpec) -> str:
    return spec_hash(spec)


@pytest.mark.parametrize(
    "other",
    [
        lambda: Annotated[str, Field(max_length=5)],
        lambda: opaque[str],
        lambda: str | None,
        lambda: Annotated[str, Field(description="What was said.")],
    ],
)
def test_what_a_type_says_counts_in_the_hash(other: Callable[[], Any]) -> None:
    async def ask(text: str) -> str: ...

    plain = infer(intent="Ask.")(ask).spec.function_hash
    ask.__annotations__["text"] = other()
    assert infer(intent="Ask.")(ask).spec.function_hash != plain
