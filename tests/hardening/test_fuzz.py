"""Mutated documents and wild values: every use case of the engine answers, soon, and writes nothing anywhere else.

The long form is `python -m bench fuzz --minutes N --seed S`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import _fuzz
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError
from tests.support.jobs import DOCUMENT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
IDS = st.text(max_size=40) | st.sampled_from(
    [
        "../../etc/passwd",
        "run_" + "0" * 300,
        "plan_\x00",
        "run_../x",
        "plan_%2e%2e",
        "",
        ".",
        "run_é",
        "run_\ud800",
    ]
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    place = tmp_path_factory.mktemp("fuzz")
    (place / "project").mkdir()
    return Engine(
        Settings(state_dir=place / "state", roots=(place / "project",), environ={}, default_model="offline")
    )


@pytest.mark.slow
def test_mutated_documents_are_answered_without_a_crash_a_hang_or_a_stray_file() -> None:
    found = _fuzz.run(seed=20_26, documents=150)
    assert found.to_json().get("first", "") == ""
    assert (found.documents, found.answers, found.ok) == (150, 600, True)


def test_the_same_seed_makes_the_same_documents_and_others_differ() -> None:
    made = [_fuzz.mutated(DOCUMENT.encode(), random.Random(seed)) for seed in (1, 1, 2)]  # noqa: S311 - a seed
    assert made[0] == made[1] != made[2]


def test_a_crash_a_hang_and_a_stray_file_are_found(tmp_path: Path) -> None:
    def crash() -> None:
        raise KeyError("x")

    why, took_s = _fuzz._answered(crash)
    assert "KeyError: 'x'" in why
    assert took_s < 1
    (tmp_path / "state").mkdir()
    (tmp_path / "stray").touch()
    assert [path.name for path in _fuzz._outside(tmp_path)] == ["stray"]


@settings(max_examples=60, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(inputs=st.dictionaries(st.text(max_size=8) | st.just("notes"), JSON, max_size=3), options=JSON)
def test_any_inputs_and_options_are_planned_or_refused_in_our_own_words(
    engine: Engine, inputs: dict[str, JsonValue], options: JsonValue
) -> None:
    named = options if isinstance(options, dict) else {"rows": options}
    planned = None
    with suppress(StratumError):
        planned = engine.plan(DOCUMENT, inputs=inputs, options=named)
    assert planned is None or engine.show_plan(planned.plan_id) == planned


@settings(max_examples=60, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(id=IDS)
def test_any_id_is_refused_by_every_use_case_that_takes_one(engine: Engine, id: str) -> None:
    before = sorted(engine.settings.state_dir.rglob("*"))
    asked: tuple[Callable[[str], object], ...] = (
        *(engine.show_plan, engine.question, engine.approval, engine.estimate, engine.execute, engine.prepare),
        *(engine.show_run, engine.resume, engine.cancel, engine.run_report, engine.audit.verify),
        *(engine.answers.trail, engine.audit.trail, engine.money.question, engine.money.standing),
        lambda text: engine.decide(text, approved=True, channel="terminal"),
        lambda text: engine.plan(DOCUMENT, inputs={"notes": []}, options={"reuse": text or "x"}),
    )  # fmt: skip
    for ask in asked:
        with pytest.raises(StratumError):
            ask(id)
    assert sorted(engine.settings.state_dir.rglob("*")) == before
