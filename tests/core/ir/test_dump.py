"""Documents are written so that they load as what they were."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratum_core.ir import (
    AwaitHuman,
    Branch,
    BudgetForm,
    ComputeFunction,
    Contract,
    Debate,
    Document,
    Flow,
    InferFunction,
    LongType,
    Parallel,
    Race,
    Refine,
    Step,
    dump,
    load,
)
from tests.core.ir._samples import REVIEWS, corpus, small

WORDS = st.sampled_from(["a", "b1", "c_d", "Total", "yes_no"])
IDS = st.sampled_from(["a", "b1", "c_d"])
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: not text.isspace()
)
TRICKY = TEXT | st.sampled_from(
    [
        "yes",
        "no",
        "null",
        "~",
        "true",
        "0o17",
        "0x1F",
        "1e3",
        ".5",
        "1_000",
        "12:30",
        "2026-01-01",
        "- a",
        "a: b",
        "#c",
        "a\nb",
        "a\n",
        " a",
        "a ",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "{a}",
        "[a]",
        "'a'",
        '"a"',
        ".inf",
        "9" * 30,
        "a\x85b",
    ]
)
LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=5,
)
EXPRESSIONS = (
    TRICKY
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-5, 5)
    | st.lists(LITERALS, min_size=2, max_size=3)
)
ARGUMENTS = st.dictionaries(WORDS, EXPRESSIONS | st.none(), max_size=3)
MAYBE_EXPRESSION = EXPRESSIONS | st.none()
TYPES = TRICKY | st.builds(
    LongType,
    type=TRICKY,
    min=st.none() | st.integers(-9, 9) | st.floats(-9, 9),
    max_length=st.none() | st.integers(0, 9),
    pattern=st.none() | TRICKY,
    enum=st.none() | st.lists(TRICKY, min_size=1, max_size=3, unique=True).map(tuple),
    description=st.just("") | TRICKY,
)
TYPED = st.dictionaries(WORDS, TYPES, max_size=3)
BUDGETS = st.none() | st.builds(
    BudgetForm, usd=st.floats(0.01, 9), ms=st.none() | st.integers(1, 9), tokens=st.none() | st.integers(1, 9)
)
TEXTS = st.lists(TRICKY, max_size=2).map(tuple)
CONDITIONS = st.lists(EXPRESSIONS, max_size=2).map(tuple)
INFERS = st.builds(
    InferFunction,
    description=st.just("") | TRICKY,
    intent=TRICKY,
    context=TEXTS,
    input=TYPED,
    output=TYPES,
    ensure=CONDITIONS,
    model=st.none() | TRICKY,
    temperature=st.none() | st.floats(0, 2),
    budget=BUDGETS,
    retries=st.integers(0, 10),
    cache=st.sampled_from(("none", "session", "global")),
    stable=st.booleans(),
    quorum=st.none() | st.integers(2, 15),
    refine=st.none() | st.builds(Refine, check=st.none() | TRICKY, until=EXPRESSIONS, feedback=EXPRESSIONS),
)
RETURNS = EXPRESSIONS | ARGUMENTS
COMPUTES = st.builds(
    ComputeFunction, input=TYPED, output=TYPES, given=CONDITIONS, expression=RETURNS
) | st.builds(ComputeFunction, output=TYPES, python=TRICKY)
BRANCHES = st.dictionaries(
    WORDS,
    st.builds(Branch, function=TRICKY, inputs=ARGUMENTS) | st.builds(Branch, flow=TRICKY),
    min_size=2,
    max_size=3,
)
COMMON = {"id": IDS, "description": st.just("") | TRICKY, "when": MAYBE_EXPRESSION, "after": TEXTS}
STEPS = st.one_of(
    st.builds(
        Step,
        **COMMON,
        verb=st.just("function"),
        function=TRICKY,
        inputs=ARGUMENTS,
        on_error=st.sampled_from(("fail", "none")),
    ),
    st.builds(
        Step,
        **COMMON,
        verb=st.just("flow"),
        flow=TRICKY,
        for_each=EXPRESSIONS,
        concurrency=st.none() | st.integers(1, 9),
        require=st.sampled_from(("all", 0, 3, "95%", "0.5%")),
        on_error=st.sampled_from(("drop", "none", "keep")),
        validate_=MAYBE_EXPRESSION,
    ),
    st.builds(Step, **COMMON, verb=st.just("compute"), compute=EXPRESSIONS),
    st.builds(
        Step,
        **COMMON,
        verb=st.just("parallel"),
        parallel=st.builds(
            Parallel,
            branches=BRANCHES,
            require=st.sampled_from(("all", "any", 0, 2)),
            validate_=MAYBE_EXPRESSION,
        ),
    ),
    st.builds(Step, **COMMON, verb=st.just("race"), race=st.builds(Race, branches=BRANCHES)),
    st.builds(
        Step,
        **COMMON,
        verb=st.just("debate"),
        debate=st.builds(
            Debate,
            agents=st.lists(TRICKY, min_size=2, max_size=3).map(tuple),
            topic=EXPRESSIONS,
            rounds=st.integers(1, 8),
            synthesize=TRICKY,
            unresolved=st.sampled_from(("synthesize", "human", "fail")),
        ),
    ),
    st.builds(
        Step,
        **COMMON,
        verb=st.just("await_human"),
        await_human=st.builds(
            AwaitHuman,
            question=TRICKY,
            show=st.dictionaries(TRICKY, EXPRESSIONS | st.none(), max_size=2),
            options=st.lists(TRICKY, min_size=1, max_size=3, unique=True).map(tuple),
            timeout=st.sampled_from((None, "90s", "7d")),
            on_timeout=st.just("fail") | TRICKY,
        ),
    ),
    st.builds(
        Step,
        **COMMON,
        verb=st.just("await_human"),
        await_human=st.builds(AwaitHuman, question=TRICKY, type=st.none() | TYPES),
    ),
)
FLOWS = st.builds(
    Flow,
    input=TYPED,
    output=TYPES,
    budget=BUDGETS,
    steps=st.lists(STEPS, min_size=1, max_size=3).map(tuple),
    return_=RETURNS,
)
DOCUMENTS = st.builds(
    Document,
    name=st.just("") | TRICKY,
    description=st.just("") | TRICKY,
    contracts=st.dictionaries(
        WORDS, st.builds(Contract, fields=st.dictionaries(WORDS, TYPES, min_size=1, max_size=3)), max_size=2
    ),
    functions=st.dictionaries(WORDS, INFERS | COMPUTES, max_size=2),
    flows=st.dictionaries(WORDS, FLOWS, max_size=2),
)


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_every_document_of_the_corpus_loads_as_it_was(path: object) -> None:
    document = load(getattr(path, "read_bytes")()).document  # noqa: B009
    assert document is not None
    assert load(dump(document)).document == document


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_a_generated_document_loads_as_it_was(document: Document) -> None:
    text = dump(document)
    loaded = load(text)
    assert loaded.diagnostics == ()
    assert loaded.document == document
    assert dump(document) == text


def test_the_text_has_one_layout_without_defaults() -> None:
    document = load(REVIEWS).document
    assert document is not None
    text = dump(document)
    assert text.splitlines()[:4] == ["stratum: '1'", "name: review-triage", "contracts:", "  Review:"]
    assert "    require: 95%" in text
    for word in ("on_error", "retries", "stable", "verb", "after"):
        assert word not in text


def test_equal_values_are_written_out_each_time() -> None:
    document = load(small("- { id: a, compute: [[1], [1]] }")).document
    assert document is not None
    text = dump(document)
    assert "&" not in text
    assert load(text).document == document


def test_a_reader_of_yaml_1_1_reads_the_same_texts() -> None:
    document = Document(name="no", description="12:30:00")
    assert yaml.safe_load(dump(document)) == {"stratum": "1", "name": "no", "description": "12:30:00"}


def test_a_document_with_diagnostics_is_not_written() -> None:
    document = load(small("- x")).document
    assert document is not None
    with pytest.raises(ValueError, match="has diagnostics"):
        dump(document)
