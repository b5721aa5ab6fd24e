"""Rules for calls: which functions and methods there are, what they take, and what they give."""

from __future__ import annotations

import ast

from stratum_core.contracts import (
    AnyType,
    BoolType,
    IntType,
    JsonType,
    ListType,
    MapType,
    RecordType,
    StringType,
    Type,
    join,
    optional,
)
from stratum_core.ir.expressions._call_types import FUNCTION_RULES
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._functions import (
    FUNCTION_ALIASES,
    FUNCTION_ARITY,
    FUNCTION_HINTS,
    FUNCTION_NAMES,
    METHOD_ALIASES,
    METHOD_ARITY,
    METHOD_NAMES,
)
from stratum_core.ir.expressions._render import render
from stratum_core.ir.expressions._shape import Shape, is_text_shape, is_unknown, mark, say, shape

__all__ = ["check_call"]

_CONTAINS = frozenset({"includes", "contains", "has"})
_TEXT_RESULTS = frozenset({"lower", "upper", "strip", "replace"})
_REGEX_CALLS = frozenset({"search", "match", "fullmatch"})


def check_call(context: Context, node: ast.Call) -> Type:
    """Return the type of a function or method call."""
    if isinstance(node.func, ast.Name):
        return _function(context, node, node.func.id)
    if isinstance(node.func, ast.Attribute):
        return _method(context, node, node.func)
    return AnyType()


def _function(context: Context, node: ast.Call, name: str) -> Type:
    """Check a function call."""
    if name not in FUNCTION_NAMES:
        return _unknown_function(context, node, name)
    low, high = FUNCTION_ARITY[name]
    if not low <= len(node.args) <= high:
        return _arity(context, node, name, low, high)
    return FUNCTION_RULES[name](context, node)


def _arity(context: Context, node: ast.Call, name: str, low: int, high: int) -> Type:
    for argument in node.args:
        context.type_of(argument)
    wanted = str(low) if low == high else f"{low} to {high}"
    message = f"`{name}` takes {wanted} argument{'' if wanted == '1' else 's'}, not {len(node.args)}"
    return context.report("E213", node, message)


def _unknown_function(context: Context, node: ast.Call, name: str) -> Type:
    """Explain a function the language does not have."""
    arguments = ", ".join(render(argument) for argument in node.args)
    if name in FUNCTION_ALIASES:
        text = f"{FUNCTION_ALIASES[name]}({arguments})"
        for argument in node.args:
            context.type_of(argument)
        return context.report(
            "E221",
            node,
            f"`{name}(...)` is written `{FUNCTION_ALIASES[name]}(...)`",
            f"write {text}",
            replacement=text,
        )
    if name == "has" and len(node.args) == 1:
        text = f"{render(node.args[0])} is not None"
        return context.report(
            "E221", node, "`has(x)` is written `x is not None`", f"write {text}", replacement=f"({text})"
        )
    for argument in node.args:
        context.type_of(argument)
    close = nearest(name, FUNCTION_NAMES)
    hint = FUNCTION_HINTS.get(name)
    advice = hint or (f"did you mean `{close}`? " if close else "") + "functions: " + ", ".join(
        sorted(FUNCTION_NAMES)
    )
    text = f"{close}({arguments})" if close and hint is None else None
    return context.report("E212", node, f"there is no function `{name}`", advice, replacement=text)


def _method(context: Context, node: ast.Call, function: ast.Attribute) -> Type:
    """Check a method call."""
    name, receiver = function.attr, function.value
    if (
        isinstance(receiver, ast.Name)
        and receiver.id == "re"
        and context.named("re") is None
        and name in _REGEX_CALLS
    ):
        return _regex_call(context, node)
    found = context.value(receiver, f"`.{name}()`")
    if is_unknown(found.bare):
        for argument in node.args:
            context.value(argument, f"`.{name}()`")
        return _dynamic_method(context, node, name, found)
    foreign = _foreign_method(context, node, function, found)
    if foreign is not None:
        return foreign
    if name not in METHOD_NAMES or not _applies(name, found.bare):
        return _unknown_method(context, node, function, found)
    low, high = METHOD_ARITY[name]
    if not low <= len(node.args) <= high:
        return _arity(context, node, f".{name}", low, high)
    return _method_result(context, node, name, found)


def _regex_call(context: Context, node: ast.Call) -> Type:
    """Explain Python's `re`."""
    text = None
    if len(node.args) == 2:  # noqa: PLR2004 - re.search(pattern, text)
        text = f"matches({render(node.args[1])}, {render(node.args[0])})"
    return context.report(
        "E221", node, "`re` is not part of the language", 'write matches(text, "pattern")', replacement=text
    )


def _dynamic_method(context: Context, node: ast.Call, name: str, found: Shape) -> Type:
    """Check a method of a json value: the name and the arity only."""
    if isinstance(found.bare, AnyType):
        return AnyType()
    if name not in METHOD_NAMES:
        return _no_method(context, node, name, "json")
    low, high = METHOD_ARITY[name]
    if not low <= len(node.args) <= high:
        return _arity(context, node, f".{name}", low, high)
    if name in {"startswith", "endswith"}:
        return BoolType()
    if name == "count":
        return IntType(min=0)
    if name in _TEXT_RESULTS or name == "join":
        return found.again(StringType())
    if name in {"split", "keys"}:
        return found.again(ListType(item=StringType()))
    return found.again(ListType(item=JsonType()) if name == "values" else JsonType())


def _foreign_method(context: Context, node: ast.Call, function: ast.Attribute, found: Shape) -> Type | None:
    """Explain the methods of other languages."""
    name = function.attr
    if name in METHOD_ARITY:
        return None
    text = render(function.value)
    arguments = [render(argument) for argument in node.args]
    listed = ", ".join(arguments)
    rewritten: str | None = None
    if name in METHOD_ALIASES and is_text_shape(found.bare):
        rewritten = f"{text}.{METHOD_ALIASES[name]}({listed})"
    elif name in {"size", "length"} and not arguments:
        rewritten = f"len({text})"
    elif name in _CONTAINS and len(arguments) == 1:
        rewritten = f"({arguments[0]} in {text})"
    elif name in {"test", "matches"} and len(arguments) == 1:
        rewritten = f"matches({text}, {arguments[0]})"
    elif name in {"isEmpty", "is_empty"} and not arguments:
        rewritten = f"(len({text}) == 0)"
    elif name == "toString" and not arguments:
        rewritten = f"str({text})"
    if rewritten is None:
        return None
    for argument in node.args:
        context.type_of(argument)
    shown = rewritten.removeprefix("(").removesuffix(")") if rewritten.startswith("(") else rewritten
    return context.report(
        "E221", node, f"`.{name}(...)` is written `{shown}`", f"write {shown}", replacement=rewritten
    )


def _applies(name: str, bare: Type) -> bool:
    """Return whether a type has the method."""
    if name in {"get", "keys", "values"}:
        return isinstance(bare, MapType)
    return is_text_shape(bare) or (name == "count" and isinstance(bare, ListType))


def _no_method(context: Context, node: ast.Call, name: str, kind: str) -> Type:
    close = nearest(name, METHOD_NAMES)
    advice = f"did you mean `.{close}()`? " if close and close != name else ""
    return context.report(
        "E212", node, f"{kind} has no method `{name}`", f"{advice}methods: {', '.join(sorted(METHOD_NAMES))}"
    )


def _unknown_method(context: Context, node: ast.Call, function: ast.Attribute, found: Shape) -> Type:
    """Explain a method that the type does not have."""
    name, text, bare = function.attr, render(function.value), found.bare
    for argument in node.args:
        context.type_of(argument)
    if name == "join" and isinstance(bare, ListType) and len(node.args) <= 1:
        separator = render(node.args[0]) if node.args else '", "'
        rewritten = f"{separator}.join({text})"
        message = "`join` is called on the separator"
        return context.report("E212", node, message, f"write {rewritten}", replacement=rewritten)
    if name == "get" and isinstance(bare, RecordType) and node.args:
        key = node.args[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            rewritten = f"{text}.{key.value}"
            message = f"`{say(bare)}` is a record, not a map"
            return context.report("E212", node, message, f"write {rewritten}", replacement=rewritten)
    return _no_method(context, node, name, f"`{text}` is {say(bare)}; it")


def _method_result(context: Context, node: ast.Call, name: str, found: Shape) -> Type:
    """Return what a method gives; its name, receiver and arity fit."""
    bare = found.bare
    if isinstance(bare, MapType):
        return _map_method(context, node, name, bare, opaque=found.opaque)
    if name == "join":
        return _join(context, node, found)
    opaque = found.opaque
    for argument in node.args:
        given = context.value(argument, f"`.{name}()`")
        opaque = opaque or given.opaque
        if name == "count" and isinstance(bare, ListType):
            if not is_unknown(given.bare) and join(given.bare, shape(bare.item).bare) is None:
                context.report("E214", argument, f"the list holds {say(bare.item)}, not {say(given.bare)}")
        elif not is_text_shape(given.bare) and not is_unknown(given.bare):
            message = f"`.{name}()` takes text; `{render(argument)}` is {say(given.bare)}"
            context.report("E214", argument, message)
    if name in {"startswith", "endswith"}:
        return BoolType()
    if name == "count":
        return IntType(min=0)
    return mark(
        ListType(item=mark(StringType(), opaque=opaque)) if name == "split" else StringType(),
        opaque=opaque and name != "split",
    )


def _map_method(context: Context, node: ast.Call, name: str, bare: MapType, *, opaque: bool) -> Type:
    """Return what `get`, `keys` and `values` give."""
    if name == "keys":
        return ListType(item=mark(StringType(), opaque=opaque))
    if name == "values":
        return ListType(item=mark(bare.value, opaque=opaque))
    key = context.value(node.args[0], "`.get()`").bare
    if not is_text_shape(key) and not is_unknown(key):
        context.report("E214", node.args[0], f"the keys of a map are text, not {say(key)}")
    if len(node.args) == 1:
        return mark(optional(bare.value), opaque=opaque)
    fallback = context.type_of(node.args[1])
    joined = join(bare.value, fallback)
    if joined is None:
        message = f"the map holds {say(bare.value)}; the fallback is {say(fallback)}"
        return context.report("E214", node.args[1], message)
    return mark(joined, opaque=opaque)


def _join(context: Context, node: ast.Call, found: Shape) -> Type:
    """Check `separator.join(texts)`."""
    argument = node.args[0]
    given = context.value(argument, "`.join()`")
    if is_unknown(given.bare):
        return mark(StringType(), opaque=found.opaque or given.opaque)
    item = shape(given.bare.item) if isinstance(given.bare, ListType) else None
    if item is None or item.nullable or not (is_text_shape(item.bare) or is_unknown(item.bare)):
        text = render(argument)
        message = f"`.join()` takes a list of text; `{text}` is {say(given.bare)}"
        advice = (
            f"write {render(node.func)}([str(x) for x in {text}])"
            if item is not None and not item.nullable
            else ""
        )
        return context.report("E214", argument, message, advice)
    return mark(StringType(), opaque=found.opaque or given.opaque or item.opaque)
