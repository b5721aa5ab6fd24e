"""A provider's key stays in the environment: nothing that is written down or handed back holds it."""

from __future__ import annotations

import json

from tests.core.engine._bench import Bench, ended

KEY = "sk-" + "never" * 8


def test_a_key_in_the_environment_is_in_no_file_and_no_answer(bench: Bench) -> None:
    engine = bench.engine(OPENAI_API_KEY=KEY)
    run = engine.execute(bench.approved(engine).plan_id)
    run = ended(engine, run.run_id)
    assert run.state == "completed"
    files = [path for path in bench.job.state_dir.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in json.dumps([run.to_json(), engine.run_report(run.run_id)], default=str)
