"""One line: a syntax tree as the text a formatter would leave alone, however long it is."""

from __future__ import annotations

import ast

from stratum_core.codegen._text import literal

__all__ = [
    "AND",
    "ATOM",
    "COMPARE",
    "CONDITIONAL",
    "NOT",
    "OPERATORS",
    "OR",
    "clause_parts",
    "flat",
    "level_of",
    "operator",
]

CONDITIONAL, OR, AND, NOT, COMPARE, PIPE, SUM, TERM, UNARY, AWAIT, ATOM = range(1, 12)

OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.BitOr: ("|", PIPE),
    ast.Add: ("+", SUM),
    ast.Sub: ("-", SUM),
    ast.Mult: ("*", TERM),
    ast.Div: ("/", TERM),
    ast.FloorDiv: ("//", TERM),
    ast.Mod: ("%", TERM),
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
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
_GROUPED_DIGITS = 10_000


def operator(op: ast.cmpop) -> str:
    """Return how a comparison is written."""
    return _COMPARISONS[type(op)]


def level_of(node: ast.expr) -> int:
    """Return how tightly a node binds; more is tighter."""
    match node:
        case ast.IfExp() | ast.Lambda():
            return CONDITIONAL
        case ast.BoolOp(op=op):
            return AND if isinstance(op, ast.And) else OR
        case ast.UnaryOp(op=op):
            return NOT if isinstance(op, ast.Not) else UNARY
        case ast.Compare():
            return COMPARE
        case ast.BinOp(op=op):
            return OPERATORS[type(op)][1]
        case ast.Await():
            return AWAIT
        case _:
            return ATOM


def flat(node: ast.expr, outer: int = 0) -> str:
    """Return a node on one line, in brackets where it binds less tightly than `outer`."""
    text = _text(node)
    return f"({text})" if level_of(node) < outer else text


def _text(node: ast.expr) -> str:
    """Return the text of a node that binds less tightly than an atom."""
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return f"{flat(body, OR)} if {flat(test, OR)} else {flat(orelse, CONDITIONAL)}"
        case ast.Lambda(args=args, body=body):
            names = ", ".join(argument.arg for argument in args.args)
            return f"lambda {names}: {flat(body)}" if names else f"lambda: {flat(body)}"
        case ast.BoolOp(op=op, values=values):
            word, level = (" and ", AND) if isinstance(op, ast.And) else (" or ", OR)
            return word.join(flat(value, level + 1) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"not {flat(operand, NOT)}"
        case ast.UnaryOp(operand=operand):
            return f"-{flat(operand, UNARY)}"
        case ast.Compare(left=left, ops=ops, comparators=rest):
            pairs = (
                f" {operator(op)} {flat(right, COMPARE + 1)}" for op, right in zip(ops, rest, strict=True)
            )
            return flat(left, COMPARE + 1) + "".join(pairs)
        case ast.BinOp(left=left, op=op, right=right):
            word, level = OPERATORS[type(op)]
            return f"{flat(left, level)} {word} {flat(right, level + 1)}"
        case ast.Await(value=value):
            return f"await {flat(value, ATOM)}"
        case _:
            return _atom(node)


def _atom(node: ast.expr) -> str:
    """Return the text of an atom that is no collection."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Attribute(value=value, attr=attr):
            return f"{_receiver(value)}.{attr}"
        case ast.Subscript(value=value, slice=index):
            return f"{_receiver(value)}[{_index(index)}]"
        case ast.Call(func=func, args=[ast.GeneratorExp(generators=[clause]) as made], keywords=[]):
            return f"{_receiver(func)}({_clause(made.elt, clause)})"
        case ast.Call(func=func, args=args, keywords=keywords):
            parts = [flat(argument) for argument in args]
            parts += [f"{keyword.arg}={flat(keyword.value)}" for keyword in keywords]
            return f"{_receiver(func)}({', '.join(parts)})"
        case ast.Starred(value=value):
            return f"*{flat(value, ATOM)}"
        case _:
            return _collection(node)


def _collection(node: ast.expr) -> str:
    """Return the text of a collection or a comprehension."""
    match node:
        case ast.List(elts=items):
            return f"[{', '.join(flat(item) for item in items)}]"
        case ast.Set(elts=items):
            return f"{{{', '.join(flat(item) for item in items)}}}"
        case ast.Tuple(elts=items):
            inner = ", ".join(flat(item) for item in items)
            return f"({inner},)" if len(items) == 1 else f"({inner})"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return (
                "{"
                + ", ".join(f"{flat(key)}: {flat(value)}" for key, value in pairs if key is not None)
                + "}"
            )
        case ast.ListComp(elt=item, generators=[clause]):
            return f"[{_clause(item, clause)}]"
        case ast.SetComp(elt=item, generators=[clause]):
            return f"{{{_clause(item, clause)}}}"
        case ast.GeneratorExp(elt=item, generators=[clause]):
            return f"({_clause(item, clause)})"
        case _:
            raise AssertionError(ast.dump(node))  # the makers of trees use no other node


def _constant(value: object) -> str:
    """Return a constant; long whole numbers in groups of three digits."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= _GROUPED_DIGITS:
        return f"{value:_}"
    return "..." if value is Ellipsis else repr(value)


def _receiver(node: ast.expr) -> str:
    """Return what stands before a dot or a bracket."""
    is_number = isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
    return f"({flat(node)})" if is_number else flat(node, ATOM)


def _index(node: ast.expr) -> str:
    """Return what stands inside square brackets."""
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        return ", ".join(flat(item) for item in node.elts)
    if not isinstance(node, ast.Slice):
        return flat(node)
    bounds = [part for part in (node.lower, node.upper) if part is not None]
    gap = "" if all(_is_simple(part) for part in bounds) else " "
    low = "" if node.lower is None else flat(node.lower) + gap
    high = "" if node.upper is None else gap + flat(node.upper)
    return f"{low}:{high}"


def _is_simple(node: ast.expr) -> bool:
    """Return whether a formatter leaves no space beside a slice's colon for this bound."""
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, (ast.Name, ast.Constant))


def _clause(item: ast.expr, clause: ast.comprehension) -> str:
    """Return the inside of a comprehension."""
    return " ".join(clause_parts(item, clause))


def clause_parts(item: ast.expr, clause: ast.comprehension) -> list[str]:
    """Return a comprehension's element, its `for` and its conditions."""
    target = clause.target
    names = ", ".join(flat(name) for name in target.elts) if isinstance(target, ast.Tuple) else flat(target)
    tests = [f"if {flat(test, OR)}" for test in clause.ifs]
    return [flat(item), f"for {names} in {flat(clause.iter, OR)}", *tests]
