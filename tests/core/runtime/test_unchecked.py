"""Programs that did not come from a checked document: what the checks rule out is still said plainly at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from stratum_core.budget import Budget
from stratum_core.contracts import BoolType, JsonValue, Type
from stratum_core.runtime import RunOutcome, run_program
from stratum_core.specs import ComputeSpec, Expression, InferSpec, Program
from tests.core.runtime._trial import HeldClient, Trial, compiled

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string }
  same: { mode: compute, input: { note: string }, output: string, expression: note }
flows:
  main:
    input: { note: string }
    output: string
    steps:
      - { id: a, function: shout, inputs: { note: input.note } }
      - { id: b, function: same, inputs: { note: a } }
    return: b
"""


@dataclass(frozen=True, slots=True)
class Maybe:
    """An expression that says neither true nor false."""

    source: str = "maybe"
    canonical: str = "maybe"
    type: Type = field(default_factory=BoolType)
    names: frozenset[str] = frozenset()
    reads: frozenset[tuple[str, ...]] = frozenset()

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        del values
        return "maybe"


async def run(function: InferSpec | ComputeSpec) -> tuple[RunOutcome, int]:
    """Run the document with one function replaced; return how it ended and how many calls were made."""
    program = compiled(DOCUMENT)
    changed: Program = replace(program, functions={**program.functions, function.name: function})
    client = HeldClient(lambda _: {"value": "LOUD"}, held=False)
    context = replace(Trial(document=DOCUMENT, client=client).context(), program=changed)
    outcome = await run_program(context, flow="main", inputs={"note": "loud"}, budget=Budget())
    return outcome, len(client.requests)


@pytest.mark.parametrize(("part", "calls"), [("given", 0), ("ensure", 1)])
async def test_a_condition_that_is_neither_true_nor_false_fails_its_call(part: str, calls: int) -> None:
    shout = compiled(DOCUMENT).functions["shout"]
    assert isinstance(shout, InferSpec)
    maybe: tuple[Expression, ...] = (Maybe(),)
    outcome, made = await run(
        replace(shout, given=maybe) if part == "given" else replace(shout, ensure=maybe)
    )
    assert (outcome.state, made) == ("failed", calls)
    assert outcome.error.startswith("`maybe` gave 'maybe', not true or false")


async def test_a_computed_function_without_its_expression_is_not_executable() -> None:
    same = compiled(DOCUMENT).functions["same"]
    assert isinstance(same, ComputeSpec)
    outcome, _ = await run(replace(same, expression=None))
    assert outcome.error == "b: the plan holds no registered function ''; plan again"
