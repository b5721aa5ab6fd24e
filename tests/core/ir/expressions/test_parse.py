"""The two ways to read a text: plain texts are parsed at once, and give just what the scanner's way gives."""

from __future__ import annotations

import ast
import random
import time

import pytest

from stratum_core.ir.expressions import _parse, canonical, compile_expression
from stratum_core.ir.expressions._parse import Parsed, parse

PIECES = (
    *(
        "a",
        "b.c",
        "_x1",
        "and",
        "or",
        "not",
        "in",
        "is",
        "None",
        "True",
        "if",
        "else",
        "for",
        "lambda",
        "await",
    ),
    *(
        "0",
        "1",
        "2.5",
        ".5",
        "1.",
        "01",
        "1e5",
        "0x1",
        "1_0",
        "9223372036854775808",
        "AND",
        "NOT",
        "null",
        "len",
    ),
    *(
        '"t"',
        "'q'",
        '""',
        "f'x'",
        "'a' 'b'",
        '"\\n"',
        "é",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "...",
        ".",
    ),
    *(
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "<",
        "<=",
        "<>",
        "<<",
        ">",
        ">=",
        "=",
        "==",
        "!=",
        "!",
        ":=",
        "->",
    ),
    *(" ", "  ", "\t", "\n", "\\", "@", "#", "&&", "|"),
)


def said(parsed: Parsed) -> tuple[object, ...]:
    tree = None if parsed.tree is None else ast.dump(parsed.tree, include_attributes=True)
    return tree, parsed.findings, len(parsed.refused), parsed.edits


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_text_that_is_parsed_at_once_gives_what_the_scanner_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable test
    texts = {
        chance.choice(["", " "]).join(chance.choice(PIECES) for _ in range(chance.randint(1, 7)))
        for _ in range(15_000)
    }
    at_once = {text: said(parse(text)) for text in texts if _parse._parse_at_once(text) is not None}

    def never(_: str) -> None: ...

    monkeypatch.setattr(_parse, "_parse_at_once", never)

    assert len(at_once) > 200
    for text, found in at_once.items():
        assert said(parse(text)) == found, text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4_000 + '"',
        "a.b" * 1_300 + "'",
        "1" * 4_000 + "x",
        '"a' * 2_000,
        "(" * 4_000,
        "a " * 2_000 + "!",
    ],
)
def test_a_text_that_is_nearly_plain_is_refused_at_once(text: str) -> None:
    start = time.process_time()

    assert canonical(text) is None
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("text", ["{a @ b}", "(a ** b, 1)", "(a << b, 1)", "[(+a, ~a)]"])
def test_no_fix_is_made_of_an_operator_the_language_does_not_have(text: str) -> None:
    found = compile_expression(text, {}).findings

    assert found
    assert all(finding.replacement is None or "..." not in finding.replacement for finding in found)
    assert not any(finding.replacement and "-a" in finding.replacement for finding in found)
