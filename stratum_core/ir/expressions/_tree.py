"""Tree: the operands of a syntax node, found quickly and without recursion."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["descendants", "operands", "target_names"]


def _slice_parts(node: ast.expr) -> list[ast.expr]:
    """Return an index, or the ends of a slice."""
    if isinstance(node, ast.Slice):
        return [part for part in (node.lower, node.upper, node.step) if part is not None]
    return [node]


def _call_parts(node: ast.Call) -> list[ast.expr]:
    """Return the arguments, and for a method or anything odd what is called."""
    if isinstance(node.func, ast.Name) and not node.keywords:
        return node.args
    called = [] if isinstance(node.func, ast.Name) else [node.func]
    return [*called, *node.args, *(keyword.value for keyword in node.keywords)]


def _clause_parts(node: ast.ListComp | ast.GeneratorExp) -> list[ast.expr]:
    """Return the item, and what each clause walks over and tests."""
    return [node.elt, *(part for clause in node.generators for part in (clause.iter, *clause.ifs))]


_OPERANDS: Mapping[type[ast.AST], Callable[[Any], list[ast.expr]]] = {
    ast.Attribute: lambda node: [node.value],
    ast.BinOp: lambda node: [node.left, node.right],
    ast.BoolOp: lambda node: node.values,
    ast.Call: _call_parts,
    ast.Compare: lambda node: [node.left, *node.comparators],
    ast.Constant: lambda _: [],
    ast.Dict: lambda node: [part for part in (*node.keys, *node.values) if part is not None],
    ast.GeneratorExp: _clause_parts,
    ast.IfExp: lambda node: [node.test, node.body, node.orelse],
    ast.List: lambda node: node.elts,
    ast.ListComp: _clause_parts,
    ast.Name: lambda _: [],
    ast.Subscript: lambda node: [node.value, *_slice_parts(node.slice)],
    ast.UnaryOp: lambda node: [node.operand],
}


def operands(node: ast.AST) -> list[ast.expr]:
    """Return the direct operands of a node: neither the name of a function nor the names a comprehension gives."""
    find = _OPERANDS.get(type(node))
    if find is not None:
        return find(node)
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not isinstance(child, ast.Slice):
            found.append(child)
        else:
            found.extend(operands(child))
    return found


def descendants(tree: ast.expr) -> list[ast.expr]:
    """Return a node and everything it is made of."""
    found = [tree]
    for node in found:
        found.extend(operands(node))
    return found


def target_names(node: ast.AST) -> list[ast.Name]:
    """Return the names that a comprehension gives to its items."""
    if not isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return []
    targets = (clause.target for clause in node.generators)
    parts = (
        part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])
    )
    return [part for part in parts if isinstance(part, ast.Name)]
