"""The list of steps in a plan: equal ones once, a true count of what is cut, and no question to a person lost."""

from __future__ import annotations

from collections.abc import Sequence

from stratum_core.plan import PlanContext, build_plan
from stratum_core.plan._steps import merged, work_lines
from stratum_core.plan._tell import Told

DOCUMENT = """
stratum: "1"
functions:
{functions}
flows:
  main:
    input: {{ text: string }}
    output: json
    steps:
{steps}
    return: "{{'done': s0}}"
"""
ASK = '      - { id: sure, await_human: { question: "Send everything?" } }'


def summary_of(context: PlanContext, functions: Sequence[str], steps: Sequence[str]) -> list[str]:
    text = DOCUMENT.format(functions="\n".join(functions), steps="\n".join(steps))
    return build_plan(text, inputs={"text": "a"}, context=context).summary.splitlines()


def asked(number: int, intent: str = "Look at part") -> str:
    return f"  f{number}: {{ mode: infer, intent: '{intent} {number}', input: {{ text: string }}, output: string }}"


def call(number: int, function: int) -> str:
    return f"      - {{ id: s{number}, function: f{function}, inputs: {{ text: input.text }} }}"


def line(text: str, depth: int = 0, *, steps: int = 1, asks: bool = False) -> Told:
    return Told(depth=depth, text=text, steps=steps, asks=asks)


def head(lead: str, depth: int = 0) -> Told:
    return Told(depth=depth, lead=lead, steps=0)


def test_a_question_to_a_person_is_told_behind_any_number_of_other_steps(context: PlanContext) -> None:
    lines = summary_of(context, [asked(n) for n in range(16)], [*(call(n, n) for n in range(16)), ASK])

    told = [text for text in lines if text.startswith("- ")]
    assert told[-1] == '- ask you: "Send everything?" (in your own words)'
    assert told[-2] == f"- and {16 - len(told) + 2} more steps"
    assert told[0] == '- "look at part 0"'
    assert len(lines) == 20


def test_equal_steps_that_follow_each_other_are_told_once_with_their_number(context: PlanContext) -> None:
    calls = [call(n, 0) for n in range(16)]

    assert '- "look at part 0", 16 times' in summary_of(context, [asked(0)], [*calls, ASK])
    assert not any("more step" in text for text in summary_of(context, [asked(0)], [*calls, ASK]))
    assert 'I\'ll "look at part 0", 16 times.' in summary_of(context, [asked(0)], calls)


def test_steps_are_counted_and_not_the_lines_they_are_told_in() -> None:
    debate = [Told(depth=0, text="let two sides argue", opens=True)]
    debate += [line(f"side {n}", 1, steps=0) for n in range(4)] + [line("then conclude", steps=0)]

    assert work_lines([line("one"), *debate, line("two")], 8)[-1] == "- and 1 more step"
    assert work_lines([line("one"), *debate, line("two")], 4) == ["I'll:", "- one", "- and 2 more steps"]
    assert work_lines([line("one"), line("two"), *debate], 6)[-1] == "- and more"


def test_a_line_that_stands_for_several_steps_counts_as_all_of_them() -> None:
    told = merged([*(line(f"step {n}") for n in range(4)), *(line("again") for _ in range(5))])

    assert work_lines(told, 6) == ["I'll:", *(f"- step {n}" for n in range(4)), "- again, 5 times"]
    assert work_lines(told, 5) == ["I'll:", *(f"- step {n}" for n in range(3)), "- and 6 more steps"]


def test_a_question_keeps_the_condition_it_stands_under() -> None:
    told = [
        *(line(f"step {n}") for n in range(9)),
        head("for each of the letters"),
        line("draft", 1),
        head("when the tone is harsh", 1),
        line("soften", 2),
        line('ask you: "Send it?"', 2, asks=True),
        line("file it"),
    ]

    assert work_lines(told, 7) == [
        "I'll:",
        "- step 0",
        "- step 1",
        "- and 10 more steps",
        "- for each of the letters:",
        "  - when the tone is harsh:",
        '    - ask you: "Send it?"',
    ]


def test_the_question_of_a_debate_stands_with_the_debate() -> None:
    told = [
        *(line(f"step {n}") for n in range(9)),
        Told(depth=0, text="let two sides argue", opens=True),
        line("side", 1, steps=0),
        line("if they do not agree, ask you to decide", steps=0, asks=True),
        line("then conclude", steps=0),
    ]

    assert work_lines(told, 5) == [
        "I'll:",
        "- step 0",
        "- and 8 more steps",
        "- let two sides argue:",
        "- if they do not agree, ask you to decide",
    ]


def test_questions_that_have_no_room_are_counted_apart() -> None:
    told = [line(f'ask you: "{n}?"', asks=True) for n in range(12)]

    assert work_lines(told, 5) == [
        "I'll:",
        '- ask you: "0?"',
        '- ask you: "1?"',
        '- ask you: "2?"',
        "- and 9 more steps; 9 of them ask you something",
    ]


def test_a_head_is_not_told_without_what_is_under_it() -> None:
    told = [line("one"), head("when it rains"), *(line(f"inner {n}", 1) for n in range(9))]

    assert work_lines(told, 4) == ["I'll:", "- one", "- and 9 more steps"]
    assert work_lines(told, 1) == ["I'll:", "- and 10 more steps"]
    assert work_lines([head("for each"), *told[2:]], 4)[0] == "For each, I'll:"
    assert work_lines([], 4) == []
