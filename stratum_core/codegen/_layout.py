"""Layout: a syntax tree as lines that fit, the way formatters break them.

What fits on its line stays on it. Calls and collections otherwise get one line for each part, with a comma behind the
last so that formatters keep them; operators stand at the beginning of a line. Written for trees that this package
makes, and held to `ruff format` by its tests; text that no break can shorten stays long.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from stratum_core.codegen._flat import (
    AND,
    ATOM,
    COMPARE,
    CONDITIONAL,
    NOT,
    OPERATORS,
    OR,
    flat,
    level_of,
    operator,
)
from stratum_core.codegen._text import WIDTH, literal_parts

__all__ = ["statement"]

_STEP = 4


def statement(head: str, value: ast.expr, tail: str = "", *, indent: int = 0) -> str:
    """Return a statement: what stands before its expression, the expression, and what stands behind.

    Args:
        head: Such as `return ` or `name = `; without the indentation.
        value: The expression.
        tail: Such as `:`.
        indent: Columns before the statement.
    """
    pad = " " * indent
    return f"{pad}{head}{_value(value, indent, indent + len(head), len(tail))}{tail}"


def _value(node: ast.expr, indent: int, column: int, tail: int) -> str:
    """Lay out a node that stands in no brackets of its own: a break needs some."""
    text = flat(node)
    if column + len(text) + tail <= WIDTH:
        return text
    if isinstance(node, ast.Lambda):
        head = f"{flat(ast.Lambda(args=node.args, body=ast.Name(id='', ctx=ast.Load()))).rstrip()} "
        return head + _value(node.body, indent, column + len(head), tail)
    if _has_brackets(node):
        return _bracketed(node, indent, column, tail)
    inner = indent + _STEP
    lines = _operands(node, inner)
    if lines == [text] and column + len(text) <= inner + len(text):
        return text  # brackets would win nothing
    pad = " " * inner
    return "(\n" + "\n".join(pad + line for line in lines) + "\n" + " " * indent + ")"


def _has_brackets(node: ast.expr) -> bool:
    """Return whether a node ends in brackets that can be opened."""
    match node:
        case ast.Await(value=value) | ast.Starred(value=value):
            return _has_brackets(value)
        case ast.Call(args=args, keywords=keywords):
            return bool(args or keywords)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return bool(items)
        case ast.Dict(keys=keys):
            return bool(keys)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return True
        case ast.Subscript(slice=index):
            return not isinstance(index, (ast.Slice, ast.Constant))
        case _:
            return False


def _bracketed(node: ast.expr, indent: int, column: int, tail: int) -> str:
    """Lay out a node with brackets of its own; the first line starts at `column`."""
    text = flat(node)
    if column + len(text) + tail <= WIDTH:
        return text
    pad, inner = " " * indent, indent + _STEP
    match node:
        case ast.Await(value=value):
            return "await " + _bracketed(value, indent, column + 6, tail)
        case ast.Starred(value=value):
            return "*" + _bracketed(value, indent, column + 1, tail)
        case ast.Call(func=func, args=[ast.GeneratorExp() as made], keywords=[]):
            return f"{flat(func, ATOM)}(\n{_comprehension(made, inner)}\n{pad})"
        case ast.Call(func=func, args=args, keywords=keywords):
            parts = [_item("", argument, inner) for argument in args]
            parts += [_item(f"{keyword.arg}=", keyword.value, inner) for keyword in keywords]
            return f"{flat(func, ATOM)}({_lines(parts, pad)})"
        case ast.Subscript(value=value, slice=ast.Tuple(elts=items)):
            return f"{flat(value, ATOM)}[{_lines([_item('', item, inner) for item in items], pad)}]"
        case ast.Subscript(value=value, slice=index):
            return f"{flat(value, ATOM)}[\n{_item('', index, inner)}\n{pad}]"
        case _:
            return _collection(node, pad, inner)


def _collection(node: ast.expr, pad: str, inner: int) -> str:
    """Lay out a collection or a comprehension over several lines."""
    match node:
        case ast.List(elts=items):
            return f"[{_lines([_item('', item, inner) for item in items], pad)}]"
        case ast.Tuple(elts=items):
            return f"({_lines([_item('', item, inner) for item in items], pad)})"
        case ast.Set(elts=items):
            return f"{{{_lines([_item('', item, inner) for item in items], pad)}}}"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            parts = [_item(f"{flat(key)}: ", value, inner) for key, value in pairs if key is not None]
            return f"{{{_lines(parts, pad)}}}"
        case ast.ListComp():
            return f"[\n{_comprehension(node, inner)}\n{pad}]"
        case ast.SetComp():
            return f"{{\n{_comprehension(node, inner)}\n{pad}}}"
        case ast.GeneratorExp():
            return f"(\n{_comprehension(node, inner)}\n{pad})"
        case _:
            return flat(node)


def _lines(parts: Sequence[str], pad: str) -> str:
    """Put parts on lines of their own, each with its comma."""
    return "\n" + "".join(f"{part},\n" for part in parts) + pad


def _item(head: str, node: ast.expr, indent: int) -> str:
    """Lay out one part of a call or collection, from the start of its line; a comma follows."""
    pad = " " * indent
    if not head and not _has_brackets(node) and not _is_text(node):
        lines = _operands(node, indent, tail=1)
        return "\n".join(pad + line for line in lines)
    return f"{pad}{head}{_value(node, indent, indent + len(head), 1)}"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp, indent: int) -> str:
    """Lay out the inside of a comprehension: on one line, or one for each clause."""
    clause = node.generators[0]
    pad = " " * indent
    target = clause.target
    names = ", ".join(flat(part) for part in target.elts) if isinstance(target, ast.Tuple) else flat(target)
    head = f"for {names} in "
    whole = " ".join(
        [flat(node.elt), head + flat(clause.iter, OR), *(f"if {flat(test, OR)}" for test in clause.ifs)]
    )
    if indent + len(whole) <= WIDTH:
        return pad + whole
    source = _source(clause.iter, indent, indent + len(head))
    lines = [_value(node.elt, indent, indent, 0), head + source]
    lines += ["if " + _condition(test, indent) for test in clause.ifs]
    return "\n".join(pad + line for line in lines)


def _source(node: ast.expr, indent: int, column: int) -> str:
    """Lay out what a comprehension runs over."""
    text = flat(node, OR)
    fits = column + len(text) <= WIDTH
    return text if fits or level_of(node) < OR else _value(node, indent, column, 0)


def _condition(test: ast.expr, indent: int) -> str:
    """Lay out the condition of a comprehension, which breaks without brackets of its own."""
    return _operand(test, OR, indent, 3, 0)


def _operands(node: ast.expr, indent: int, *, head: int = 0, tail: int = 0) -> list[str]:
    """Return the lines of a node inside brackets, without the indentation of the first line of each."""
    text = flat(node)
    if indent + head + len(text) + tail <= WIDTH:
        return [text]
    match node:
        case ast.BoolOp(op=op, values=values):
            word, level = ("and ", AND) if isinstance(op, ast.And) else ("or ", OR)
            first, *rest = values
            return [
                _operand(first, level + 1, indent, head, 0),
                *(word + _operand(value, level + 1, indent, len(word), tail) for value in rest),
            ]
        case ast.IfExp():
            return _choices(node, indent, tail)
        case ast.BinOp(op=op):
            level = OPERATORS[type(op)][1]
            return _chain(node, level, indent, head, tail)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            pairs = zip(ops, rest, strict=True)
            return [
                _operand(left, COMPARE + 1, indent, head, 0),
                *(
                    f"{operator(op)} " + _operand(right, COMPARE + 1, indent, len(operator(op)) + 1, tail)
                    for op, right in pairs
                ),
            ]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ["not " + _operand(operand, NOT, indent, head + 4, tail)]
        case ast.Constant(value=str() as value):
            return literal_parts(value, WIDTH - indent - tail)
        case _:
            return [_bracketed(node, indent, indent + head, tail) if _has_brackets(node) else text]


def _choices(node: ast.IfExp, indent: int, tail: int) -> list[str]:
    """Return the lines of a conditional expression; one in its `else` goes on at the same depth."""
    lines = [_operand(node.body, OR, indent, 0, 0), "if " + _operand(node.test, OR, indent, 3, 0)]
    if isinstance(node.orelse, ast.IfExp):
        first, *rest = _choices(node.orelse, indent, tail)
        return [*lines, f"else {first}", *rest]
    return [*lines, "else " + _operand(node.orelse, CONDITIONAL, indent, 5, tail)]


def _chain(node: ast.expr, level: int, indent: int, head: int, tail: int) -> list[str]:
    """Return the lines of operators that bind equally tightly."""
    if isinstance(node, ast.BinOp) and OPERATORS[type(node.op)][1] == level:
        word = OPERATORS[type(node.op)][0] + " "
        right = word + _operand(node.right, level + 1, indent, len(word), tail)
        return [*_chain(node.left, level, indent, head, 0), right]
    return [_operand(node, level, indent, head, 0)]


def _operand(node: ast.expr, outer: int, indent: int, head: int, tail: int) -> str:
    """Lay out one operand, in brackets where it binds less tightly."""
    text = flat(node, outer)
    if indent + head + len(text) + tail <= WIDTH:
        return text
    if level_of(node) < outer:
        inner = " " * (indent + _STEP)
        lines = _operands(node, indent + _STEP)
        return "(\n" + "".join(f"{inner}{line}\n" for line in lines) + " " * indent + ")"
    return ("\n" + " " * indent).join(_operands(node, indent, head=head, tail=tail))
