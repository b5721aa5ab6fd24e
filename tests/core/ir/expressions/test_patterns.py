"""Patterns: `matches` and `find_all` agree with other engines where those are safe, and stay bounded where not."""

from __future__ import annotations

import random
import re
import time

import pytest

from stratum_core.contracts import StringType
from stratum_core.errors import FuelExhausted
from stratum_core.ir.expressions import compile_expression
from tests.core.ir.expressions._samples import BOUND_S, value

PATTERNS = 1_500


class Patterns:
    """Makes random patterns of the common syntax."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable test, not a secret

    def make(self, depth: int) -> str:
        kind = self.random.random() if depth < 4 else 0
        if kind < 0.3:
            return self.random.choice(
                ["a", "b", "[ab]", "[^a]", "[a-cx]", ".", "\\w", "\\d", "\\s", "\\W", "x", "\\."]
            )
        if kind < 0.5:
            return self.make(depth + 1) + self.make(depth + 1)
        if kind < 0.62:
            return f"(?:{self.make(depth + 1)}|{self.make(depth + 1)})"
        if kind < 0.70:
            return self.random.choice(["\\b", "\\B", "^"]) + self.make(depth + 1)
        if kind < 0.73:
            return self.make(depth + 1) + "$"
        return f"({self.make(depth + 1)}){self.random.choice(['*', '+', '?', '{1,2}', '+?', '*?', '{2}', '{1,}'])}"


def test_find_all_and_matches_agree_with_the_standard_library_on_short_texts() -> None:
    patterns, tried = Patterns(seed=3), 0
    while tried < PATTERNS:
        pattern = patterns.make(0)
        standard = re.compile(pattern)
        text = (
            "".join(patterns.random.choice("abx1 .\n") for _ in range(patterns.random.randint(0, 14))) + "a"
        )
        if any(match.group() == "" for match in standard.finditer(text)):
            continue  # where empty matches stand is a matter of taste; find_all leaves them out
        tried += 1
        scope = {"t": StringType()}
        literal = '"' + pattern.replace("\\", "\\\\") + '"'
        found = compile_expression(f"find_all(t, {literal})", scope).expression
        tested = compile_expression(f"matches(t, {literal})", scope).expression
        assert found is not None
        assert tested is not None
        assert found.evaluate({"t": text}) == [match.group() for match in standard.finditer(text)], (
            pattern,
            text,
        )
        assert tested.evaluate({"t": text}) is (standard.search(text) is not None), (pattern, text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"find_all('#one and #two', '#\\w+')", ["#one", "#two"]),
        (r"find_all('A1 b2', '(?i)[a-b]\\d')", ["A1", "b2"]),
        (r"find_all('a-b]c', '[]-]')", ["-", "]"]),
        (r"find_all('a-b', '[a\\-]+')", ["a-"]),
        (r"find_all('x\ty', '\\t')", ["\t"]),
        (r"find_all('größe naïve', '\\w+')", ["größe", "naïve"]),
        (r"find_all('aaa', 'a{2}')", ["aa"]),
        (r"find_all('aaa', 'a*')", ["aaa"]),
        (r"find_all('bbb', 'a*')", []),
        (r"find_all('abab', '(?:ab)+')", ["abab"]),
        (r"find_all('12 345', '\\d{2,}')", ["12", "345"]),
        (r"find_all('a.b', '\\D\\.\\S')", ["a.b"]),
        (r"find_all('', 'a')", []),
    ],
)
def test_find_all_gives_whole_matches_from_left_to_right(text: str, found: list[str]) -> None:
    assert value(text) == found


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?P<n>a)",
            "a)",
            "(a",
            "[a",
            "*a",
            "\\\\1",
            "a\\\\",
            "[[:alpha:]]",
            "[a&&b]",
            "a{x}",
            "a{",
        ),
        *("\\\\p{L}", "[a-\\\\d]", "\\\\b{start}", "(" * 40 + "a" + ")" * 40, "a" * 501, "(a{1,90}){1,90}"),
    ],
)
def test_a_pattern_that_find_all_does_not_know_is_refused_before_the_run(pattern: str) -> None:
    result = compile_expression(f'find_all(s, "{pattern}")', {"s": StringType()})
    assert [finding.code for finding in result.findings] == ["E218"]
    assert result.findings[0].suggestion


@pytest.mark.parametrize("pattern", ["a.*b|a", "(a|b)*a(a|b){12}c", "(a*)*b", "(a+)+$", "a+b"])
def test_a_search_that_would_take_too_long_ends_with_its_fuel(pattern: str) -> None:
    expression = compile_expression(f'find_all(s, "{pattern}")', {"s": StringType()}).expression
    assert expression is not None
    started = time.process_time()
    with pytest.raises(FuelExhausted):
        expression.evaluate({"s": "aab" * 1_000 + "a" * 200_000 + "!"}, fuel=1_000_000)
    assert time.process_time() - started < BOUND_S


def test_states_are_dropped_when_there_are_too_many() -> None:
    expression = compile_expression('find_all(s, "(a|b)*a(a|b){9}c")', {"s": StringType()}).expression
    assert expression is not None
    dice = random.Random(5)  # noqa: S311 - a repeatable test, not a secret
    text = "".join(dice.choice("ab") for _ in range(2_000)) + "abbbbbbbbbc"
    found = expression.evaluate({"s": text}, fuel=10**9)
    assert found == [text]


def test_a_pattern_that_is_too_large_when_written_out_says_how_large() -> None:
    (finding,) = compile_expression('matches(s, "(a{1,90}){1,90}")', {"s": StringType()}).findings
    assert "states with its repeats written out" in finding.message
