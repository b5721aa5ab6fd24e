"""Emit: a module of a person as a document, and what no document can say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stratum_core.authoring._emit import Emitted, emit_module
from stratum_core.checks import check
from stratum_core.ir import ir_hash, load
from tests.core.codegen._made import DOCUMENTS, imported, made

_BY_HAND = '''
"""A module as people write it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from stratum_core import Budget, HumanReviewContext, await_human, compute, contract, each, flow, infer, opaque, parallel
from stratum_core.functions import sort_by


@contract
class Tone(BaseModel):
    label: Literal["good", "bad"] | None = None
    score: float = Field(gt=0, le=1, description="how sure")
    words: list[Annotated[int, Field(ge=1)]]


LIMIT = 0.5


@infer(intent="Judge", ensure=lambda r: r.score > LIMIT, budget=Budget(usd="0.25", calls=3))
async def judge(text: opaque[str], hint: str | None = None) -> Tone:
    """Judge one text."""
    ...


@infer(intent="Odd", ensure=lambda r: r.score > float(str(LIMIT)[:9].zfill(3)))
async def odd(text: str) -> Tone: ...


@compute
def shown(tone: Tone) -> str:
    return "sure" if tone.score > 0.9 else "unsure"


@compute
def counted(tone: Tone) -> int:
    total = 0
    for word in tone.words:
        total += word
    return total


@flow(budget=Budget(usd=1))
async def one(text: str) -> str:
    tone = await judge(text)
    word = await shown(tone)
    vote = None
    if tone.score < 0.7:
        vote = await await_human(
            HumanReviewContext(question="Is it?", artifacts={"tone": tone.label}), str, timeout=timedelta(hours=2)
        )
    return word if vote is None else vote.value


@flow
async def many(texts: list[str]) -> list[Tone]:
    tones = await each((judge(text=text) for text in texts), require=0.5)
    first, second = await parallel(one(texts[0]), one(texts[1]))
    kept = [tone for tone in tones if first != second]
    return sort_by(kept, "score")


@flow
async def mapped(texts: list[str]) -> int:
    tones = await parallel(*[judge(text) for text in texts], concurrency=3)
    return len(tones)


@flow
async def ending(text: str) -> str:
    tone = await judge(text)
    return await shown(tone) if tone.score > 0.5 else "none"


@flow
async def looping(texts: list[str]) -> int:
    total = 0
    for text in texts:
        tone = await judge(text)
        total += len(tone.words)
    return total


@flow
async def needing(text: str) -> int:
    tone = await odd(text=text)
    return len(tone.words)
'''


def _emitted(text: str, folder: Path) -> Emitted:
    return emit_module(imported(text, folder, "by_hand"))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_generated_module_is_emitted_as_its_document(name: str, tmp_path: Path) -> None:
    emitted = emit_module(imported(made(DOCUMENTS[name]), tmp_path, name))

    document = load(emitted.text).document
    assert emitted.unsaid == ()
    assert document is not None
    assert ir_hash(document) == check(DOCUMENTS[name]).program.ir_hash  # pyright: ignore[reportOptionalMemberAccess]


def test_what_can_be_said_is_a_valid_document(tmp_path: Path) -> None:
    emitted = _emitted(_BY_HAND, tmp_path)

    program = check(emitted.text).program
    assert program is not None
    assert list(program.functions) == ["judge", "shown"]
    assert list(program.flows) == ["one", "many", "mapped"]
    assert (emitted.contracts, emitted.functions, emitted.flows) == (1, 2, 3)
    assert "description: Judge one text." in emitted.text
    assert "result.score > 0.5" in emitted.text
    assert "timeout: 2h" in emitted.text
    assert "require: 50%" in emitted.text
    assert "concurrency: 3" in emitted.text


def test_what_cannot_be_said_is_listed_with_its_line_and_the_reason(tmp_path: Path) -> None:
    emitted = _emitted(_BY_HAND, tmp_path)
    lines = _BY_HAND.splitlines()

    told = {one.name: (lines[one.line - 1], one.why) for one in emitted.unsaid}
    assert sorted(told) == ["counted", "ending", "looping", "needing", "odd"]
    assert told["ending"][1] == (
        "`await shown(tone)` is not always reached here; give it a name in an `if` of its own"
    )
    assert told["counted"][1].startswith("its body is Python: it has statements")
    assert told["looping"][0].strip().startswith("for text")
    assert "is not" in told["looping"][1] or "`for`" in told["looping"][1]
    assert told["needing"][1] == "it calls `odd`, which has no form in a document"
    assert "zfill" in told["odd"][1]


def test_two_contracts_of_one_name_are_told(tmp_path: Path) -> None:
    text = """
from pydantic import BaseModel
from stratum_core import contract, infer


@contract
class A(BaseModel):
    x: int


First = A


@contract
class A(BaseModel):
    y: int


@infer(intent="x")
async def f(a: First) -> A: ...
"""
    emitted = _emitted(text, tmp_path)

    assert next(one.why for one in emitted.unsaid) == "two different contracts have this name"


def test_a_module_with_nothing_to_say_gives_nothing(tmp_path: Path) -> None:
    emitted = _emitted("x = 1\n", tmp_path)

    assert emitted == Emitted(text="", unsaid=(), contracts=0, functions=0, flows=0)


def test_limits_without_a_place_are_told(tmp_path: Path) -> None:
    text = """
from typing import Annotated
from pydantic import BaseModel, Field
from stratum_core import contract, flow, infer


@contract
class A(BaseModel):
    xs: list[Annotated[str, Field(min_length=2)]]


@infer(intent="x")
async def f(xs: list[Annotated[list[int], Field(max_length=2)]]) -> int: ...


@infer(intent="x")
async def g(n: int) -> dict[str, Annotated[int, Field(ge=1)]]: ...


@flow
async def main(n: int) -> int:
    a = await f(xs=[[n]])
    return a
"""
    emitted = _emitted(text, tmp_path)

    assert {one.name for one in emitted.unsaid} == {"A", "f", "main"}
    assert "map<int[1..]>" in emitted.text


@pytest.mark.slow
def test_the_process_that_imports_answers_with_one_value_whatever_the_module_does(tmp_path: Path) -> None:
    def run(text: str) -> dict[str, object]:
        (tmp_path / "it.py").write_text(text, "utf-8")
        command = [sys.executable, "-m", "stratum_core.authoring._emitter", str(tmp_path / "it.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        found: dict[str, object] = json.loads(done.stdout)
        return found

    assert run("print('noise')\n")["flows"] == 0
    assert run("raise RuntimeError('no')\n") == {"failed": "RuntimeError: no"}
    assert "failed" in run("def f(:\n")
