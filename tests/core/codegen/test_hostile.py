"""Hostile texts: nothing a document's author wrote leaves its literal, comment or docstring."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.codegen import read_module
from stratum_core.codegen._text import WIDTH, comment, docstring, literal, literal_parts
from stratum_core.ir import ir_hash
from tests.core.codegen._made import imported, made, parts_of

ATTACKS = (
    '"""\nimport os; os.system("id")\n"""',
    "'''\nraise SystemExit\n'''",
    '\\"""\nraise SystemExit\n',
    'ends with a quote"',
    "ends with a backslash\\",
    "{__import__('os').system('id')} %s {0}",
    ">>> raise SystemExit",
    "noqa # noqa # type: ignore # fmt: off # pyright: basic",
    "coding: utf-7",
    "after: everything",
    "\u202egnirts\u202c \u2028 line \u0085 \x7f separators",
    "\U0001f600 \u05d0\u05d1 \ufeff zero\u200bwidth",
    "# after: x",
    "a" * 300 + '"' * 5,
)


def _document(text: str) -> str:
    """Return a document with one text in every place that takes one."""
    quoted = json.dumps(text, ensure_ascii=False)
    return json.dumps(
        {
            "stratum": "1",
            "name": text[:60],
            "description": text,
            "contracts": {
                "Note": {
                    "text": {"type": "opaque<string>", "description": text},
                    "kind": {"enum": [text, "other"], "description": text},
                }
            },
            "functions": _functions(text, quoted),
            "flows": {
                "main": {
                    "description": text,
                    "input": {"note": "string"},
                    "output": {"type": "string", "description": text},
                    "steps": [
                        {
                            "id": "a",
                            "description": text,
                            "function": "judge",
                            "inputs": {"note": "input.note"},
                        },
                        {
                            "id": "b",
                            "description": text,
                            "await_human": {
                                "question": text,
                                "show": {"shown": quoted},
                                "options": [text, "no"],
                            },
                        },
                    ],
                    "return": f"{quoted} if a.kind == {quoted} else b.value",
                }
            },
        }
    )


def _functions(text: str, quoted: str) -> dict[str, object]:
    """Return the document's functions: the text in their words, and as a literal in their conditions."""
    return {
        "judge": {
            "mode": "infer",
            "description": text,
            "intent": text,
            "context": [text, text],
            "input": {"note": {"type": "string", "description": text}},
            "output": "Note",
            "given": [f"note != {quoted}"],
            "ensure": [
                f"result.kind != {quoted}",
                f"not matches(result.text, {quoted[:1]}a{quoted[:1]})",
            ],
            "model": text.replace("\n", " ")[:40],
        },
        "same": {
            "mode": "compute",
            "description": text,
            "input": {"note": "string"},
            "output": "string",
            "expression": f"note + {quoted}",
        },
    }


def _shape(text: str) -> str:
    """Return the structure of a module: every text in it counts as the same."""

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant(value="") if isinstance(node.value, str) else node

        def visit_Lambda(self, node: ast.Lambda) -> ast.Constant:
            """A condition stands as a lambda or, where that is long, as its text."""
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            assert names <= {"note", "result"}
            return ast.Constant(value="")

    return ast.dump(Blank().visit(ast.parse(text)))


_PLAIN = _shape(made(_document("harmless")))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_text_changes_nothing_but_texts(text: str) -> None:
    assert _shape(made(_document(text), made_from=text)) == _PLAIN


@pytest.mark.parametrize("text", ATTACKS)
def test_a_hostile_text_is_the_same_text_afterwards(text: str, tmp_path: Path) -> None:
    document, program = parts_of(_document(text))
    module = made(_document(text))

    assert ir_hash(read_module(module)) == program.ir_hash == ir_hash(document)
    own = imported(module, tmp_path, "hostile")
    assert own.judge.spec.intent == text
    assert own.judge.spec.context == (text, text)


@pytest.mark.parametrize("text", ATTACKS)
def test_no_comment_of_a_hostile_text_is_a_directive(text: str) -> None:
    module = made(_document(text), made_from=text)
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(module).readline)
        if token.type == tokenize.COMMENT
    ]
    said = " ".join(comments)
    for directive in ("# noqa", "# type:", "# fmt:", "# pyright:", "# after:"):
        assert directive not in said
    assert tokenize.detect_encoding(io.BytesIO(module.encode()).readline)[0] == "utf-8"
    assert all(line.isprintable() for line in module.splitlines())


@given(st.text())
def test_a_literal_evaluates_to_its_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).isprintable()


@given(st.text(), st.integers(min_value=10, max_value=90))
def test_the_parts_of_a_literal_evaluate_to_its_text(text: str, width: int) -> None:
    parts = literal_parts(text, width)

    assert "".join(ast.literal_eval(part) for part in parts) == text
    assert max(map(len, parts)) <= max(width, 250)


@given(st.text())
def test_a_comment_and_a_docstring_stay_what_they_are(text: str) -> None:
    for line in comment(text, "    "):
        assert line.startswith("    # ")
        assert line.isprintable()
        assert "#" not in line[5:]
    shown = ast.parse("\n".join(["def f() -> None:", *docstring(text, "    ")]))
    (function,) = shown.body
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1
    assert ">>>" not in (ast.get_docstring(function) or "")
    assert WIDTH == 88
