"""Documents the tests of this package share, built from a few lines each."""

from __future__ import annotations

import json
from textwrap import indent

from stratum_core.checks import check
from stratum_core.contracts import describe
from stratum_core.specs import Program

__all__ = ["FUNCTIONS", "document", "flow", "program", "step_types"]

FUNCTIONS = """\
contracts:
  Tone:
    label: { enum: [good, bad] }
    score: { type: float, min: 0, max: 1 }
    reason: string
  Side:
    position: string
functions:
  judge:
    mode: infer
    intent: Judge the tone of a text
    input: { text: opaque<string> }
    output: Tone
  guess:
    mode: infer
    intent: Judge the tone of a text
    input: { text: opaque<string> }
    output: Tone
    stable: false
  rate:
    mode: infer
    intent: Rate a text
    input: { text: opaque<string> }
    output: int[1..5]
  reply:
    mode: infer
    intent: Write a reply
    input: { text: opaque<string>, reason: string, hint: optional<string> }
    output: string
  tags:
    mode: infer
    intent: List the topics
    input: { text: opaque<string> }
    output: list<string>
  clean:
    mode: compute
    input: { text: string }
    output: string
    expression: text.strip()
  argue:
    mode: infer
    intent: Argue
    input: { topic: string, arguments: optional<json> }
    output: Side
  conclude:
    mode: infer
    intent: Conclude
    input: { topic: string, arguments: json, converged: bool }
    output: Side
"""


def flow(steps: str, *, returns: str = "1", output: str = "json", name: str = "main") -> str:
    """A flow with the given steps; `returns` is an expression."""
    return f"""\
  {name}:
    input: {{ text: opaque<string>, plain: string, texts: list<opaque<string>>, n: int, maybe: optional<string> }}
    output: {output}
    budget: {{ usd: 1 }}
    steps:
{indent(steps.strip(chr(10)), "      ")}
    return: {json.dumps(returns)}
"""


def document(*flows: str, functions: str = FUNCTIONS) -> str:
    """A whole document."""
    return 'stratum: "1"\n' + functions + "flows:\n" + "".join(flows)


def program(text: str) -> Program:
    """The program of a document that has no errors."""
    checked = check(text)
    assert checked.program is not None, [
        (found.code, found.path, found.message) for found in checked.diagnostics
    ]
    return checked.program


def step_types(steps: str) -> dict[str, str]:
    """The types of a flow's steps as later steps see them."""
    found = program(document(flow(steps))).flows["main"]
    return {step.id: describe(step.type) for step in found.steps}
