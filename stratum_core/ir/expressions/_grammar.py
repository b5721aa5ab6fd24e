"""Grammar: the syntax nodes this language has, and the two or three spellings it folds into one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._limits import MAX_DEPTH, MAX_NODES
from stratum_core.ir.expressions._render import COMPARISONS, OPERATORS, render
from stratum_core.ir.expressions._tree import operands

__all__ = ["check_grammar", "normalised", "span"]

_COMPREHENSION_HINT = (
    "one `for` and at most one `if`: [f(x) for x in items if condition]; use flatten(...) for lists of lists"
)
_ALWAYS_ALLOWED = frozenset({ast.BoolOp, ast.IfExp, ast.Name, ast.Attribute, ast.List})
_LITERALS = frozenset({str, int, float, bool, type(None)})
_INVERTED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def span(node: ast.expr) -> tuple[int, int]:
    """Return the character offsets of a node."""
    return node.col_offset, node.end_col_offset or node.col_offset


def check_grammar(
    tree: ast.expr, nodes: Sequence[ast.expr]
) -> tuple[tuple[Finding, ...], frozenset[ast.AST]]:
    """Return what is not part of the language, and the nodes concerned; does not look inside those.

    Args:
        tree: As it was parsed.
        nodes: Its descendants.
    """
    excess = _excess(tree) if len(nodes) > MAX_DEPTH else ""
    if excess:
        advice = "move the logic to a compute function"
        return (_finding("E200", tree, f"the expression {excess}", advice),), frozenset()
    if all(map(_is_faultless, nodes)):
        return (), frozenset()
    findings: list[Finding] = []
    refused: set[ast.AST] = set()
    stack: list[tuple[ast.expr, ast.AST | None]] = [(tree, None)]
    while stack:
        node, parent = stack.pop()
        fault = None if type(node) in _ALWAYS_ALLOWED else _fault(node, parent)
        if fault is None:
            stack.extend((child, node) for child in operands(node))
        else:
            findings.append(fault)
            refused.add(node)
    return tuple(sorted(findings, key=lambda finding: finding.start)), frozenset(refused)


def _is_faultless(node: ast.expr) -> bool:
    """Return whether nothing is wrong with a node, wherever it stands; a generator depends on its parent."""
    kind = type(node)
    if kind in _ALWAYS_ALLOWED or (isinstance(node, ast.Constant) and type(node.value) in _LITERALS):
        return True
    return kind is not ast.GeneratorExp and _fault(node, None) is None


def _excess(tree: ast.expr) -> str:
    """Say which limit the tree exceeds; empty when none. Not recursive: the tree may be deeper than the stack."""
    nodes = 0
    level: list[ast.expr] = [tree]
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            return f"has more than {MAX_NODES:,} parts"
        level = [child for node in level for child in operands(node)]
        if not level:
            return ""
    return f"is nested deeper than {MAX_DEPTH}"


def _finding(
    code: str, node: ast.expr, message: str, suggestion: str = "", replacement: str | None = None
) -> Finding:
    start, end = span(node)
    return Finding(
        code=code,
        severity="error",
        message=message,
        start=start,
        end=end,
        suggestion=suggestion,
        replacement=replacement,
    )


def _fault(node: ast.expr, parent: ast.AST | None) -> Finding | None:
    """Return what is wrong with the node itself."""
    match node:
        case ast.Compare():
            return _compare_fault(node)
        case ast.Call():
            return _call_fault(node)
        case ast.BinOp(op=op):
            return None if type(op) in OPERATORS else _operator_fault(node, op)
        case ast.UnaryOp(op=op):
            return _unary_fault(node, op)
        case ast.Constant(value=value):
            known = value is None or isinstance(value, (str, int, float))
            return None if known else _finding("E203", node, "this literal is not part of the language")
        case ast.Subscript():
            stepped = isinstance(node.slice, ast.Slice) and node.slice.step is not None
            return (
                _finding("E203", node, "slices have no step", "write items[first:stop]") if stepped else None
            )
        case _:
            return _compound_fault(node, parent)


def _compound_fault(node: ast.expr, parent: ast.AST | None) -> Finding | None:
    """Return what is wrong with a node that builds or calls."""
    match node:
        case ast.Dict():
            return _record_fault(node)
        case ast.ListComp(generators=clauses):
            return _clause_fault(node, clauses)
        case ast.GeneratorExp(generators=clauses):
            if not (isinstance(parent, ast.Call) and len(parent.args) == 1 and parent.args[0] is node):
                return _finding(
                    "E204", node, "a generator stands only as the one argument of a function", "use [ ]"
                )
            return _clause_fault(node, clauses)
        case _:
            return _foreign_node(node)


def _operator_fault(node: ast.BinOp, op: ast.operator) -> Finding:
    """Explain an operator the language does not have."""
    if isinstance(op, ast.Pow):
        left, right = node.left, node.right
        square = isinstance(right, ast.Constant) and right.value == 2  # noqa: PLR2004 - x ** 2
        simple = square and isinstance(left, (ast.Name, ast.Attribute))
        text = f"{render(left)} * {render(left)}" if simple else None
        return _finding(
            "E203", node, "`**` is not part of the language", "write x * x", f"({text})" if text else None
        )
    return _finding(
        "E203", node, "bitwise operators are not part of the language", "conditions use `and`, `or`, `not`"
    )


def _unary_fault(node: ast.UnaryOp, op: ast.unaryop) -> Finding | None:
    if isinstance(op, ast.UAdd):
        return _finding(
            "E203", node, "the sign `+` is not part of the language", "remove it", render(node.operand)
        )
    if isinstance(op, ast.Invert):
        return _finding("E203", node, "`~` is not part of the language", "conditions use `not`")
    return None


def _compare_fault(node: ast.Compare) -> Finding | None:
    """`is` compares with None only."""
    for op, right in zip(node.ops, node.comparators, strict=True):
        if type(op) not in COMPARISONS:
            return _finding("E203", node, "this comparison is not part of the language")
        if isinstance(op, (ast.Is, ast.IsNot)) and not (
            isinstance(right, ast.Constant) and right.value is None
        ):
            sign = "==" if isinstance(op, ast.Is) else "!="
            simple = len(node.ops) == 1
            text = f"{render(node.left)} {sign} {render(right)}" if simple else None
            return _finding("E203", node, "`is` compares with None only", f"use {sign}", text)
    return None


def _call_fault(node: ast.Call) -> Finding | None:
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        return _finding("E203", node, "only functions and methods can be called")
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        return _finding("E207", node, "arguments are given by position", "remove the names and stars")
    return None


def _record_fault(node: ast.Dict) -> Finding | None:
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    if len(keys) != len(node.keys):
        bare = [key.id if isinstance(key, ast.Name) else "" for key in node.keys]
        text = None
        if all(bare):
            pairs = zip(bare, node.values, strict=True)
            text = "{" + ", ".join(f'"{key}": {render(value)}' for key, value in pairs) + "}"
        return _finding("E206", node, "the keys of a record are text literals", 'write {"key": value}', text)
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        return _finding("E206", node, f"the key `{twice}` stands twice", "remove one")
    return None


def _clause_fault(node: ast.expr, clauses: list[ast.comprehension]) -> Finding | None:
    """A comprehension has one `for`, at most one `if` and plain names."""
    clause = clauses[0]
    if len(clauses) > 1:
        return _finding("E204", node, "a comprehension has one `for`", _COMPREHENSION_HINT)
    if len(clause.ifs) > 1:
        return _finding("E204", node, "a comprehension has one `if`", "join the conditions with `and`")
    if clause.is_async:
        return _finding("E203", node, "`async` is not part of the language")
    names = clause.target.elts if isinstance(clause.target, ast.Tuple) else [clause.target]
    if not all(isinstance(name, ast.Name) for name in names):
        return _finding("E204", node, "a comprehension names its items with plain names", _COMPREHENSION_HINT)
    return None


def _foreign_node(node: ast.expr) -> Finding:
    """Explain a node of Python that the language does not have."""
    match node:
        case ast.Lambda():
            text = _lambda_body(node)
            return _finding("E208", node, "`lambda` is not part of the language", "write its body", text)
        case ast.Tuple(elts=items) | ast.Set(elts=items):
            kind = "tuples" if isinstance(node, ast.Tuple) else "sets"
            text = "[" + ", ".join(render(item) for item in items) + "]"
            certain = text if "..." not in text else None
            return _finding("E206", node, f"{kind} are not part of the language", "write a list", certain)
        case ast.SetComp() | ast.DictComp():
            return _finding(
                "E204", node, "only list comprehensions are part of the language", "write [ ] or set([ ])"
            )
        case ast.NamedExpr():
            return _finding(
                "E203", node, "`:=` is not part of the language", "compute the value in a step of its own"
            )
        case ast.Starred():
            return _finding(
                "E207", node, "`*` before a value is not part of the language", "join lists with +"
            )
        case _:
            return _finding("E203", node, "this is not part of the language")


def _lambda_body(node: ast.Lambda) -> str | None:
    """Return the body with the only parameter called `result`, as conditions see it."""
    parameters = [argument.arg for argument in node.args.args]
    if len(parameters) != 1:
        return None
    for name in ast.walk(node.body):
        if isinstance(name, ast.Name) and name.id == parameters[0]:
            name.id = "result"
    text = render(node.body)
    return None if "..." in text else text


def normalised(tree: ast.expr, nodes: Sequence[ast.expr]) -> ast.expr:
    """Fold `not a in b` into `a not in b` and `x == None` into `x is None`; positions stay."""
    negated = False
    for node in nodes:
        if isinstance(node, ast.Compare):
            _fold_none(node)
        elif isinstance(node, ast.UnaryOp):
            negated = negated or isinstance(node.op, ast.Not)
    if not negated:
        return tree
    folded: ast.AST = _Negations().visit(tree)
    return folded if isinstance(folded, ast.expr) else tree


def _fold_none(node: ast.Compare) -> None:
    """Replace `== None` by `is None`."""
    for index, right in enumerate(node.comparators):
        if isinstance(right, ast.Constant) and right.value is None:
            op = node.ops[index]
            node.ops[index] = (
                ast.Is() if isinstance(op, ast.Eq) else ast.IsNot() if isinstance(op, ast.NotEq) else op
            )


class _Negations(ast.NodeTransformer):
    """Moves `not` into the comparison it negates."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            inverted = _INVERTED.get(type(inner.ops[0]))
            if inverted is not None:
                folded = ast.Compare(left=inner.left, ops=[inverted()], comparators=inner.comparators)
                return ast.copy_location(folded, node)
        return node
