"""Texts that are not documents: each is refused with its code and place, quickly, and never by an exception."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.ir import InferFunction, LongType, load
from tests.support.cpu import cpu_s

HEAD = 'stratum: "1"\n'
LIMIT_S = 1.0 if sys.gettrace() is None else 5.0
"""CPU seconds; a coverage tracer makes Python several times slower."""

REFUSED: list[tuple[str, str | bytes, str, int, int]] = [
    ("ten megabytes", "a: " + "x" * 10_000_000, "E100", 1, 1),
    ("ten megabytes of bytes", b"a: " + b"x" * 10_000_000, "E100", 1, 1),
    ("a megabyte in two-byte characters", "a: " + "é" * 600_000, "E100", 1, 1),
    ("not UTF-8", b'stratum: "1"\nname: caf\xe9\n', "E101", 2, 10),
    ("UTF-16", 'stratum: "1"'.encode("utf-16"), "E101", 1, 1),
    ("NUL", HEAD + "name: a\x00b\n", "E101", 2, 8),
    ("bell", HEAD + "name: \x07\n", "E101", 2, 7),
    ("half a surrogate pair", HEAD + "name: \ud800\n", "E101", 2, 7),
    ("5,000 lists", "a: " + "[" * 5_000, "E102", 1, 67),
    ("5,000 maps", "a: " + "{a: " * 5_000, "E102", 1, 256),
    ("block nesting", "".join(" " * depth + "a:\n" for depth in range(100)), "E102", 65, 65),
    ("200,001 parts", "a: [" + "1," * 200_001 + "]", "E103", 1, 399_999),
    ("200,001 aliases", "a: &a 1\nb: [" + "*a," * 200_001 + "]", "E103", 2, 599_990),
    ("brackets in braces", HEAD + "contracts:\n  A: { x: list[int] }\n", "E104", 3, 15),
    ("tab in the indentation", HEAD + "name:\n\tx: 1\n", "E104", 3, 1),
    ("colon in a value", HEAD + "name: a: b\n", "E104", 2, 8),
    ("open quote", HEAD + 'name: "abc\n', "E104", 3, 1),
    ("open brace", HEAD + "contracts: {\n", "E104", 3, 1),
    ("two documents", HEAD + "---\nb: 2\n", "E109", 2, 1),
    ("nothing", "", "E117", 1, 1),
    ("only a comment", "# nothing\n", "E117", 1, 1),
    ("a list", "- a\n- b\n", "E117", 1, 1),
    ("a text", "hello", "E117", 1, 1),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_text_that_is_no_document_is_refused_at_its_place(
    text: str | bytes, code: str, line: int, column: int
) -> None:
    loaded = load(text)
    assert loaded.document is None
    assert [(found.code, found.line, found.column) for found in loaded.diagnostics] == [(code, line, column)]
    assert cpu_s(lambda: load(text), enough_s=LIMIT_S) < LIMIT_S


CAUSES: list[tuple[str, str, str]] = [
    ("list in braces", "contracts:\n  A: { x: list[int] }", "write list<int>"),
    ("question mark in braces", "contracts:\n  A: { x: int?: }", "optional<T>"),
    ("tabs", "name:\n\tx: 1", "indent with spaces"),
    ("colon in a value", "name: a: b", "quote the whole value"),
    ("template", "name: {{ x }} y", "no `{{ }}` templates"),
    ("comprehension", "name: [x for x in y] + z", 'quote the expression: "[... for x in ...]"'),
    ("text after a quoted value", 'name: "a" == b', "other kind of quotes"),
    ("nested list in braces", "contracts:\n  A: { x: list[list[int]] }", "write list<list<int>>"),
    ("index in braces", "name: { x: a == b[0] }", "ends a value at `[`; quote the expression"),
    ("expression in braces", "name: { x: len(a) : b : c }", "quote the expression inside { }"),
    ("reserved character", "name: @x", "starts with a character that YAML reserves"),
    ("open quote", "name: 'abc", "close the quote or bracket"),
    ("wrong indentation", "name:\n  - x\n y: 1", "check the indentation"),
]


@pytest.mark.parametrize(("text", "hint"), [row[1:] for row in CAUSES], ids=[row[0] for row in CAUSES])
def test_a_syntax_error_names_its_usual_cause(text: str, hint: str) -> None:
    (found,) = load(HEAD + text).diagnostics
    assert found.code == "E104"
    assert hint in found.suggestion


KEPT: list[tuple[str, str, str, int, int, str]] = [
    ("anchor", "name: &n x", "E105", 2, 7, "name"),
    ("anchor on a map", "contracts: &c {A: {x: int}}", "E105", 2, 12, "contracts"),
    ("alias", "name: *n", "E105", 2, 7, "name"),
    ("alias as a key", "*n : x", "E105", 2, 1, "$"),
    ("tag", "name: !!str x", "E106", 2, 7, "name"),
    ("expression that starts with !", "name: !a.b", "E106", 2, 7, "name"),
    ("tag on a key", "!t a: x", "E106", 2, 1, "$"),
    ("merge key", "<<: {a: 1}", "E107", 2, 1, "$"),
    ("key written twice", "name: a\nname: b", "E108", 3, 1, "$"),
    ("template as a value", "name: {{ x }}", "E118", 2, 8, "name"),
    ("infinity", "name: .inf", "E121", 2, 7, "name"),
    ("not a number", "name: .nan", "E121", 2, 7, "name"),
    ("overflow", "name: 1e999", "E121", 2, 7, "name"),
    ("integer over 64 bits", "name: 9223372036854775808", "E121", 2, 7, "name"),
    ("hexadecimal over 64 bits", "name: 0xffffffffffffffffffffffff", "E121", 2, 7, "name"),
    ("a million digits", "name: " + "9" * 100_000, "E121", 2, 7, "name"),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "path"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_what_yaml_allows_and_a_document_does_not_is_reported_once_and_the_rest_is_read(
    text: str, code: str, line: int, column: int, path: str
) -> None:
    loaded = load(HEAD + text + "\nflows: nothing\n")
    assert [
        (found.code, found.line, found.column, found.path)
        for found in loaded.diagnostics
        if found.code == code
    ] == [(code, line, column, path)]
    assert [found.path for found in loaded.diagnostics if found.code == "E112" and found.path == "flows"] == [
        "flows"
    ]
    assert loaded.document is not None


def test_a_key_written_twice_names_both_places() -> None:
    (found,) = load(HEAD + "name: a\n\nname: b\n").diagnostics
    assert (found.line, found.message) == (4, "the key `name` is written twice; the first is on line 2")


def test_an_alias_bomb_stops_at_its_faults() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert {found.code for found in load(bomb).diagnostics} == {"E105", "E110", "E111"}
    assert cpu_s(lambda: load(bomb), enough_s=LIMIT_S) < LIMIT_S


PLAIN: list[tuple[str, object]] = [
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("Off", "Off"),
    ("12:30:00", "12:30:00"),
    ("2026-01-31", "2026-01-31"),
    ("1_000", "1_000"),
    ("0b11", "0b11"),
    ("0o17", 15),
    ("0xff", 255),
    ("017", 17),
    ("+1", 1),
    ("-0", 0),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("-", "-"),
    (".", "."),
    ("~", None),
    ("Null", None),
    ("TRUE", True),
    ("False", False),
    ("'true'", "true"),
    ('"1"', "1"),
    ("9223372036854775807", 9223372036854775807),
]


@pytest.mark.parametrize(("written", "value"), [row for row in PLAIN if row[0] != "-"])
def test_an_unquoted_scalar_means_what_the_1_2_core_schema_says(written: str, value: object) -> None:
    text = HEAD + f"functions:\n  f: {{mode: infer, intent: x, output: {{enum: [{written}]}}}}\n"
    loaded = load(text)
    assert loaded.diagnostics == ()
    assert loaded.document is not None
    function = loaded.document.functions["f"]
    assert isinstance(function, InferFunction)
    assert isinstance(function.output, LongType)
    assert function.output.enum is not None
    (found,) = function.output.enum
    assert (found, type(found)) == (value, type(value))


def test_json_is_read_with_the_same_positions() -> None:
    text = '{"stratum": "1",\n\t"name": "\\ud83d\\ude00\\/\\u00e9", "flows": 1}'
    loaded = load(text)
    assert loaded.document is not None
    assert loaded.document.name == "\U0001f600/é"
    (found,) = loaded.diagnostics
    column = text.splitlines()[1].index("1") + 1
    assert (found.line, found.column, found.end_column) == (2, column, column + 1)


def test_characters_that_end_lines_in_yaml_1_1_only_are_text() -> None:
    loaded = load(HEAD + "name: a\u2028b\x85c\u2029d\nflows: 1\n")
    assert loaded.document is not None
    assert loaded.document.name == "a\u2028b\x85c\u2029d"
    (found,) = loaded.diagnostics
    assert (found.line, found.column) == (3, 8)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_once(end: str) -> None:
    (found,) = load(f'stratum: "1"{end}name: x{end}flows: 1{end}').diagnostics
    assert (found.line, found.column) == (3, 8)


def test_a_byte_order_mark_is_not_counted() -> None:
    (found,) = load(b'\xef\xbb\xbfstratum: "2"\n').diagnostics
    assert (found.code, found.line, found.column) == ("E122", 1, 10)


@given(st.text() | st.text(alphabet="{}[]:,-?!&*\"'|>#%@` \n\tab1."))
def test_no_text_makes_load_raise(text: str) -> None:
    loaded = load(text)
    assert loaded.diagnostics or loaded.document is not None


@given(st.binary(max_size=200))
def test_no_bytes_make_load_raise(data: bytes) -> None:
    loaded = load(data)
    assert loaded.diagnostics


def test_a_text_that_is_only_an_alias_is_reported_once() -> None:
    loaded = load("*a")
    assert loaded.document is None
    assert [found.code for found in loaded.diagnostics] == ["E105"]


ALIASES = """\
stratum: "1"
name: *a
contracts: { A: *a, B: { x: *a, y: { enum: [*a, 1], min: *a } } }
functions:
  f: *a
  g: { mode: *a, intent: *a, output: *a, ensure: [*a], given: *a, stable: *a, retries: *a, temperature: *a, budget: *a }
  h: { mode: compute, output: int, expression: { a: *a } }
flows:
  a: *a
  b: { output: int, steps: *a, return: *a, input: *a }
  c:
    output: int
    steps:
      - *a
      - { id: *a, for_each: *a, compute: *a, require: *a, on_error: *a, concurrency: *a, after: [*a] }
      - { id: x, await_human: { question: *a, show: *a, options: [*a], timeout: *a } }
      - { id: y, debate: { agents: *a, topic: *a, synthesize: *a } }
      - { id: z, parallel: { branches: { a: *a, b: { function: f, inputs: *a } }, require: *a } }
    return: 1
"""


def test_a_part_that_is_an_alias_is_reported_once_wherever_it_stands() -> None:
    loaded = load(ALIASES)
    assert {found.code for found in loaded.diagnostics} == {"E105"}
    assert len(loaded.diagnostics) == ALIASES.count("*a")
    assert loaded.document is not None


def test_of_very_many_unknown_keys_only_the_first_thousand_are_looked_at() -> None:
    text = 'stratum: "1"\n' + "".join(f"k{number}: 1\n" for number in range(5_000))
    assert len(load(text).diagnostics) == 1_000
