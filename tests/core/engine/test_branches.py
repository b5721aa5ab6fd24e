"""Whole runs of the corpus documents whose calls run together, with the offline model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import pytest

from stratum_core.contracts import JsonValue
from tests.core.engine._bench import Bench, ended, result_of

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[2] / "corpus" / "ok"


def _is_brief(value: Mapping[str, JsonValue]) -> bool:
    return list(value) == ["chances", "dangers", "figures", "length"]


def _is_headline(value: JsonValue) -> bool:
    return isinstance(value, str) and 15 <= len(value) <= 70


def _is_finding(value: Mapping[str, JsonValue]) -> bool:
    return list(value) == ["verdict", "text", "agreed"] and isinstance(value["agreed"], bool)


@pytest.mark.parametrize(
    ("name", "fits"),
    [("funding_brief", _is_brief), ("headline_race", _is_headline), ("claim_debate", _is_finding)],
)
def test_a_document_of_the_corpus_runs_to_its_result(
    bench: Bench, name: str, fits: Callable[[JsonValue], bool]
) -> None:
    for path in CORPUS.glob(f"{name}.*"):
        shutil.copy(path, bench.job.folder)
    request = cast("dict[str, JsonValue]", json.loads((CORPUS / f"{name}.inputs.json").read_text()))
    engine = bench.engine()
    plan = engine.plan(
        str(bench.job.folder / f"{name}.stratum.yaml"),
        flow=cast("str", request["flow"]),
        inputs=cast("Mapping[str, JsonValue]", request["inputs"]),
    )
    engine.decide(plan.plan_id, approved=True, channel="terminal")
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert (view.state, view.error) == ("completed", "")
    assert fits(result_of(view)), result_of(view)
    assert 0 < view.usd <= plan.at_most_usd
    assert all(attempt.state != "open" for attempt in bench.attempts(view.run_id))
    with bench.reader(view.run_id) as reader:
        assert reader.verify().ok
