"""Garbage and hostile texts: only findings come out, quickly."""

from __future__ import annotations

import random

import pytest

from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions import Finding, canonical, compile_expression
from tests.core.ir.expressions._samples import BOUND_S, SCOPE, VALUES
from tests.support.cpu import cpu_s

PIECES = (
    *(
        "result",
        ".",
        "n",
        "label",
        "tags",
        "xs",
        "m",
        "j",
        "vote",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        '"a"',
        "'",
        '"',
        "1",
        "0.5",
    ),
    *(
        " and ",
        " or ",
        "not ",
        "&&",
        "||",
        "!",
        "==",
        "===",
        "<",
        " in ",
        " is ",
        " for t in ",
        " if ",
        " else ",
        "?",
        ":",
    ),
    *(
        "??",
        "?.",
        "=>",
        ",",
        "+",
        "-",
        "*",
        "/",
        "%",
        "//",
        "**",
        "len(",
        "all(",
        "any(",
        ".map(",
        ".filter(x => ",
        "x",
    ),
    *(
        "lambda ",
        "None",
        "null",
        "$",
        "$.",
        "${{",
        "}}",
        "{{",
        "\\",
        "\n",
        "#",
        "é",
        "\ud800",
        "\x00",
        "matches(",
        ".join(",
    ),
    *(
        ".replace(",
        "default(",
        "zip(",
        "top(",
        "1e999",
        "0x1",
        "f'",
        'r"',
        "\u201cx\u201d",
        "@",
        "await ",
        ":=",
        "\u00a0",
        "ﬁ",
        "😀",
    ),
)


def _sound(text: str, finding: Finding) -> bool:
    return 0 <= finding.start <= finding.end <= len(text) and bool(finding.message)


def test_garbage_gives_findings_inside_the_text_and_never_another_exception() -> None:
    dice = random.Random(7)  # noqa: S311 - a repeatable test, not a secret
    readable = [piece for piece in PIECES if piece.isascii() and not set(piece) & set("\\#\n\x00'\"")]
    for attempt in range(6_000):
        pieces = PIECES if attempt % 3 == 0 else readable
        text = "".join(dice.choice(pieces) for _ in range(dice.randint(1, 30 if attempt % 2 else 8)))
        result = compile_expression(text, SCOPE)
        assert all(_sound(text, finding) for finding in result.findings), (text, result.findings)
        assert (result.expression is None) == any(
            finding.severity == "error" for finding in result.findings
        ), text
        spelled = canonical(text)
        assert spelled is None or canonical(spelled) == spelled, text
        if result.expression is not None:
            try:
                result.expression.evaluate(VALUES, fuel=10_000)
            except ExpressionError as error:
                assert error.message  # noqa: PT017 - either outcome is fine


HOSTILE = {
    "open round brackets": "(" * 4_000,
    "open square brackets": "[" * 4_000,
    "nested brackets": "(" * 2_000 + "1" + ")" * 2_000,
    "nested lists": "[" * 60 + "]" * 60,
    "nested indexes": "xs[" * 1_000 + "0" + "]" * 1_000,
    "nested calls": "abs(" * 800 + "1" + ")" * 800,
    "a long sum": "1+" * 2_000 + "1",
    "many negations": "not " * 1_000 + "True",
    "many signs": "-" * 4_000 + "1",
    "many foreign negations": "!" * 4_000 + "x",
    "a long conjunction": "True and " * 400 + "True",
    "a long foreign conjunction": "i&&" * 1_300 + "i",
    "a long path": "result" + ".n" * 2_000,
    "a long optional path": "result" + "?.n" * 1_300,
    "nested conditionals": "1 if True else " * 250 + "1",
    "nested foreign conditionals": "i?1:" * 1_000 + "1",
    "foreign conditionals in brackets": "(i?" * 60 + "1" + ":1)" * 60,
    "many fallbacks": "i??" * 1_300 + "i",
    "nested arrows": "xs.map(x=>" * 60 + "x" + ")" * 60,
    "chained arrows": "xs" + ".filter(x=>x)" * 300,
    "nested templates": "{{" * 30 + "i" + "}}" * 30,
    "nested comprehensions": "[x for x in " * 60 + "xs" + "]" * 60,
    "nested lambdas": "lambda r: " * 400 + "1",
    "many clauses": "[x " + "for x in xs " * 330 + "]",
    "a huge integer": "9" * 4_096,
    "a huge exponent": "1e" + "9" * 4_000,
    "a power tower": "9**9**9**9",
    "too long": "i" * 4_097,
    "far too long": "1+" * 5_000_000 + "1",
    "quotes": '"' * 4_095,
    "escapes": '"' + "\\" * 4_000,
    "null bytes": "\x00" * 4_000,
    "half a surrogate pair": "\ud800",
    "half a surrogate pair in a literal": '"\ud800"',
    "an escaped half": '"\\ud800"',
    "other digits": "١ + ٢",
    "line breaks": "\n" * 4_000,
    "form feeds": "\f1",
    "a billion laughs": "[" + ",".join(["xs"] * 900) + "]",
    "format strings": 'f"{i:>9999999999}"',
    "attribute tricks": "s.__class__.__mro__[1].__subclasses__()",
    "method tricks": 's.format("{0.__class__}")',
    "a pattern too large": r'matches(s, "((a{1,100}){1,100}){1,100}")',
    "deep pattern groups": 'find_all(s, "' + "(" * 200 + "a" + ")" * 200 + '")',
    "an open pattern": 'find_all(s, "[")',
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_text_gives_findings_within_a_second(name: str) -> None:
    text = HOSTILE[name]
    result = compile_expression(text, SCOPE)
    assert result.findings or result.expression is not None
    assert all(_sound(text, finding) for finding in result.findings)
    assert cpu_s(lambda: compile_expression(text, SCOPE), enough_s=BOUND_S) < BOUND_S


@pytest.mark.parametrize(
    "name", sorted(set(HOSTILE) - {"nested lists", "nested comprehensions", "a billion laughs"})
)
def test_a_hostile_text_has_an_error(name: str) -> None:
    result = compile_expression(HOSTILE[name], SCOPE)
    allowed = {"a long conjunction", "form feeds"}
    assert name in allowed or any(finding.severity == "error" for finding in result.findings)
