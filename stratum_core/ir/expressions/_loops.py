"""Loops: one `for` over a list, with the cost of its body charged at every turn."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from stratum_core.contracts import JsonValue, StoredList, stored
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._meter import Meter, kind_name, room_for
from stratum_core.ir.expressions._tree import descendants

__all__ = ["Run", "build_list", "build_loop", "items_of", "work"]

Run: TypeAlias = Callable[[Meter], JsonValue]

_LITERAL_COST = 6


def items_of(value: JsonValue) -> Sequence[JsonValue]:
    """Return the items of a list value.

    Raises:
        ExpressionError: It is no list.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise ExpressionError(f"a list is needed, not {kind_name(value)}")


def work(node: ast.expr) -> int:
    """Return the fuel of evaluating a node once, beside what depends on sizes."""
    parts = descendants(node)
    return len(parts) + _LITERAL_COST * sum(
        isinstance(part, (ast.Dict, ast.List, ast.ListComp)) for part in parts
    )


def build_list(item: ast.expr, clause: ast.comprehension, build: Callable[[ast.expr], Run]) -> Run:
    """Return a closure that gives the list of a comprehension; over a stored list, a long one is stored as well."""
    source, turns = build(clause.iter), _build_turns(item, clause, build)

    def run(meter: Meter) -> JsonValue:
        items = items_of(source(meter))
        made = turns(meter, items)
        return stored(made) if isinstance(items, StoredList) else list(made)

    return run


def build_loop(
    item: ast.expr, clause: ast.comprehension, build: Callable[[ast.expr], Run]
) -> Callable[[Meter], Iterator[JsonValue]]:
    """Return a closure that yields the items of a comprehension one by one."""
    source, turns = build(clause.iter), _build_turns(item, clause, build)
    return lambda meter: turns(meter, items_of(source(meter)))


def _build_turns(
    item: ast.expr, clause: ast.comprehension, build: Callable[[ast.expr], Run]
) -> Callable[[Meter, Sequence[JsonValue]], Iterator[JsonValue]]:
    """Return a closure that yields what a comprehension makes of each item of a list."""
    value = build(item)
    tests = [build(test) for test in clause.ifs]
    cost = 1 + work(item) + sum(work(test) for test in clause.ifs)
    targets = clause.target.elts if isinstance(clause.target, ast.Tuple) else [clause.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    single = names[0] if not isinstance(clause.target, ast.Tuple) else None

    def turns(meter: Meter, items: Sequence[JsonValue]) -> Iterator[JsonValue]:
        values, made = meter.values, 0
        for element in items:
            meter.charge(cost)
            if single is not None:
                values[single] = element
            elif isinstance(element, Mapping):
                values.update(zip(names, element.values(), strict=True))
            for test in tests:
                verdict = test(meter)
                if verdict is not True:
                    if verdict is not False:
                        raise ExpressionError(f"a condition must be bool, not {kind_name(verdict)}")
                    break
            else:
                made += 1
                room_for(made, text=False)
                yield value(meter)

    return turns
