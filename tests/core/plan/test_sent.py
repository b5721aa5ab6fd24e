"""What the plan says leaves the machine, followed through every verb."""

from __future__ import annotations

import pytest

from stratum_core.checks import check
from stratum_core.plan._sent import sent_names

DOCUMENT = """\
stratum: "1"
contracts:
  Side: { position: string }
functions:
  judge: { mode: infer, intent: Judge, input: { text: opaque<string> }, output: Side }
  rate: { mode: infer, intent: Rate, input: { text: opaque<string> }, output: Side }
  argue: { mode: infer, intent: Argue, input: { topic: string, arguments: optional<json> }, output: Side }
  conclude: { mode: infer, intent: End, input: { topic: string, arguments: json, converged: bool }, output: Side }
flows:
  main:
    input: { letter: string, note: string }
    output: json
    steps:
      - id: it
        VERB
    return: it
"""
MODELS = {"judge": "a", "rate": "b", "argue": "c", "conclude": "d"}
BRANCHES = (
    "one: { function: judge, inputs: { text: input.letter } },"
    " two: { function: rate, inputs: { text: input.note } }"
)


@pytest.mark.parametrize(
    ("verb", "sent"),
    [
        ("function: judge\n        inputs: { text: input.letter }", {"a": ("letter",)}),
        (f"parallel: {{ branches: {{ {BRANCHES} }} }}", {"a": ("letter",), "b": ("note",)}),
        (f"race: {{ branches: {{ {BRANCHES} }} }}", {"a": ("letter",), "b": ("note",)}),
        (
            "debate: { agents: [argue, argue], topic: input.note, synthesize: conclude }",
            {"c": ("note", "earlier answers"), "d": ("note", "earlier answers")},
        ),
        ("await_human: { question: Why?, show: { letter: input.letter } }", {}),
        ("compute: input.letter", {}),
    ],
)
def test_every_verb_names_the_data_each_model_is_sent(verb: str, sent: dict[str, tuple[str, ...]]) -> None:
    program = check(DOCUMENT.replace("VERB", verb)).program
    assert program is not None
    assert sent_names(program, program.flows["main"], MODELS) == sent


def test_a_value_computed_from_data_in_a_branch_is_still_data() -> None:
    same = "  same: { mode: compute, input: { text: string }, output: string, expression: text }\nflows:"
    verb = "parallel: { branches: { one: { function: same, inputs: { text: input.letter } } } }"
    after = "      - { id: two, function: judge, inputs: { text: it.one } }\n    return: two"
    text = DOCUMENT.replace("VERB", verb).replace("flows:", same).replace("    return: it", after)
    program = check(text).program
    assert program is not None
    assert sent_names(program, program.flows["main"], MODELS) == {"a": ("one",)}
