"""Canonical text: the one spelling of an expression, which is shown and hashed.

It is valid Python and valid input: parsing it gives the same tree, and rendering that gives the same text.
"""

from __future__ import annotations

import ast

from stratum_core.ir.expressions._scan import quote

__all__ = ["COMPARISONS", "OPERATORS", "render"]

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_CONDITIONAL, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _UNARY, _POSTFIX = range(1, 10)


def render(node: ast.expr) -> str:
    """Return the canonical text of a parsed expression."""
    return _render(node, 0)


def _render(node: ast.expr, outer: int) -> str:
    """Render with brackets when the node binds less tightly than `outer` asks."""
    kind = type(node)
    if isinstance(node, ast.Name):
        return node.id
    if kind not in _LOOSE:
        return _primary(node)
    text, level = _loose(node)
    return f"({text})" if level < outer else text


_LOOSE = frozenset({ast.BoolOp, ast.IfExp, ast.UnaryOp, ast.BinOp, ast.Compare})
"""Nodes that may need brackets."""


def _loose(node: ast.expr) -> tuple[str, int]:
    """Return the text of a node and how tightly it binds."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"{_render(left, _SUM)} {COMPARISONS[type(op)]} {_render(right, _SUM)}", _COMPARE
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            rest = (
                f" {COMPARISONS[type(op)]} {_render(right, _SUM)}"
                for op, right in zip(ops, comparators, strict=True)
            )
            return _render(left, _SUM) + "".join(rest), _COMPARE
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts = (_render(body, _OR), _render(test, _OR), _render(orelse, _CONDITIONAL))
            return "{} if {} else {}".format(*parts), _CONDITIONAL
        case ast.BoolOp(op=op, values=values):
            level, word = (_AND, " and ") if isinstance(op, ast.And) else (_OR, " or ")
            return word.join(_render(value, level + 1) for value in values), level
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"not {_render(operand, _NOT)}", _NOT
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_render(operand, _UNARY)}", _UNARY
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            level = _SUM if isinstance(op, (ast.Add, ast.Sub)) else _TERM
            return f"{_render(left, level)} {OPERATORS[type(op)]} {_render(right, level + 1)}", level
        case _:
            return "...", _POSTFIX  # a part that already has a finding


def _primary(node: ast.expr) -> str:
    """Render a node that never needs brackets."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=value):
            return quote(value) if isinstance(value, str) else repr(value)
        case ast.Attribute(value=value, attr=attr):
            return f"{_receiver(value)}.{attr}"
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper)):
            first, last = ("" if part is None else _render(part, 0) for part in (lower, upper))
            return f"{_receiver(value)}[{first}:{last}]"
        case ast.Subscript(value=value, slice=index):
            return f"{_receiver(value)}[{_render(index, 0)}]"
        case ast.Call(func=func, args=args):
            return f"{_receiver(func)}({_arguments(args)})"
        case ast.List(elts=items):
            return "[" + ", ".join(_render(item, 0) for item in items) + "]"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return (
                "{" + ", ".join(f"{_render(k, 0)}: {_render(v, 0)}" for k, v in pairs if k is not None) + "}"
            )
        case ast.ListComp(elt=item, generators=[clause]):
            return f"[{_clause(item, clause)}]"
        case ast.GeneratorExp(elt=item, generators=[clause]):
            return f"({_clause(item, clause)})"
        case _:
            return "..."  # a part that already has a finding


def _receiver(node: ast.expr) -> str:
    """Render what stands before a dot or bracket; a number there needs brackets of its own."""
    text = _render(node, _POSTFIX)
    is_number = isinstance(node, ast.Constant) and not isinstance(node.value, str)
    return f"({text})" if is_number else text


def _arguments(args: list[ast.expr]) -> str:
    """Render call arguments; a lone generator shares the brackets of its call."""
    match args:
        case [ast.GeneratorExp(elt=item, generators=[clause])]:
            return _clause(item, clause)
        case _:
            return ", ".join(_render(argument, 0) for argument in args)


def _clause(item: ast.expr, clause: ast.comprehension) -> str:
    """Render the inside of a comprehension."""
    target = clause.target
    names = (
        ", ".join(_render(name, 0) for name in target.elts)
        if isinstance(target, ast.Tuple)
        else _render(target, 0)
    )
    tests = "".join(f" if {_render(test, _OR)}" for test in clause.ifs)
    return f"{_render(item, 0)} for {names} in {_render(clause.iter, _OR)}{tests}"
