"""A program that runs typed functions loads none of what only documents, plans and surfaces need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]

OF_OTHER_STAGES = [
    "litellm",
    "mcp",
    "stratum_core.approval",
    "stratum_core.checks",
    "stratum_core.codegen._module",
    "stratum_core.codegen._read_module",
    "stratum_core.engine",
    "stratum_core.exporters",
    "stratum_core.ir._load",
    "stratum_core.ir._schema",
    "stratum_core.plan",
    "yaml",
]

OF_CALLS = [
    "filelock",
    "litellm",
    "psutil",
    "stratum_core.authoring._session",
    "stratum_core.journal",
    "stratum_core.llm",
    "stratum_core.runtime",
]

PROGRAM = """
from typing import Literal

from pydantic import BaseModel

from stratum_core import Budget, compute, configure, contract, flow, infer, parallel, run


@contract
class Mood(BaseModel):
    label: Literal["positive", "negative", "neutral"]
    confidence: float


@infer(intent="Judge the mood of the review.", ensure=lambda result: result.confidence >= 0)
async def judge(review: str) -> Mood: ...


@compute
def percent(part: int, whole: int) -> float:
    return 100 * part / whole


@flow(budget=Budget(usd=1))
async def unhappy(reviews: list[str]) -> float:
    moods = await parallel(*[judge(review) for review in reviews])
    return await percent(len([mood for mood in moods if mood.label == "negative"]), len(moods))


configure(default_model="offline")
assert run(unhappy(["I love it", "It broke after a day, awful"])) == 50.0
"""


def loaded_by(program: str, folder: Path, looked_for: Sequence[str]) -> list[str]:
    """Return which of the modules a process has loaded at the end of a program."""
    file = folder / "program.py"
    told = f"import json, sys\nprint(json.dumps([name for name in {looked_for!r} if name in sys.modules]))\n"
    file.write_text(program + told, "utf-8")
    done = subprocess.run([sys.executable, file], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def test_importing_what_a_program_needs_loads_no_plan_no_check_and_no_reader_of_documents(
    tmp_path: Path,
) -> None:
    program = "from stratum_core import Budget, contract, flow, infer, run\n"
    assert loaded_by(program, tmp_path, OF_OTHER_STAGES) == []


def test_a_whole_program_loads_none_of_them_either(tmp_path: Path) -> None:
    assert loaded_by(PROGRAM, tmp_path, OF_OTHER_STAGES) == []


def test_what_calls_need_is_loaded_with_the_first_call(tmp_path: Path) -> None:
    """Decorating checks everything, and `configure` sets everything, without the runtime and the clients of models."""
    defined = PROGRAM.partition("assert run(")[0].replace(
        "parallel, ", ""
    )  # it makes calls, so it comes with them
    assert loaded_by(defined, tmp_path, OF_CALLS) == []
    assert "stratum_core.runtime" in loaded_by(PROGRAM, tmp_path, OF_CALLS)
