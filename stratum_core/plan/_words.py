"""Words: names, numbers and conditions as a person would say them.

Everything here is made by rule from the document's own names and values; nothing is looked up. What an agent wrote
is quoted, cut and cleaned, so that it can neither pose as the planner's words nor move the text of a dialog.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from stratum_core.contracts import FloatType, IntType, ListType, RecordType, Type
from stratum_core.plan._sizes import bare

__all__ = [
    "and_list",
    "clean",
    "condition_words",
    "count_words",
    "duration_words",
    "name_words",
    "number_words",
    "plural",
    "quoted",
    "threshold_words",
    "type_of",
    "verb_of",
]

MAX_QUOTED_CHARS = 110
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DOUBLED = re.compile(r"^(.*[aeiou])([bcdghjkmnpqrtvwxy])\2ed$")
_Types = Mapping[str, Type]

_COMPARED: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "",
    ast.NotEq: "not ",
    ast.Lt: "below ",
    ast.LtE: "at most ",
    ast.Gt: "above ",
    ast.GtE: "at least ",
}
_MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ONE: Mapping[int, str] = {1: "one second", 60: "one minute", 3_600: "one hour"}
_DECISION = ("value", "reviewer", "rationale", "decided_at")
"""The fields of what a person decided."""
_ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "plus",
    ast.Sub: "minus",
    ast.Mult: "times",
    ast.Div: "divided by",
}
_SEEN_THROUGH = frozenset(
    {"lower", "upper", "strip", "str", "float", "int", "round", "default", "most_likely"}
)


@lru_cache(maxsize=1024)
def clean(text: str, *, most: int = MAX_QUOTED_CHARS) -> str:
    """Return text on one line without control, bidi and other invisible characters, cut at a word."""
    visible = "".join(
        " " if mark.isspace() else mark
        for mark in text
        if mark.isspace() or unicodedata.category(mark)[0] != "C"
    )
    line = " ".join(visible.split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    space = head.rfind(" ")
    return (head[:space] if space > most // 2 else head).rstrip(" ,;:.") + "…"


def quoted(text: str, *, most: int = MAX_QUOTED_CHARS) -> str:
    """Return somebody else's words between quotes that they cannot close."""
    inner = clean(text, most=most).replace('"', "'").replace("“", "'").replace("”", "'")
    return f'"{inner}"'


def name_words(name: str) -> str:
    """Return an identifier as words: `review_text` and `reviewText` are "review text"."""
    words = _CAMEL.sub(" ", name).replace("_", " ").split()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)


def plural(words: str) -> bool:
    """Return whether words name several things, by the ending of the one that counts (`years of age`)."""
    head = words.partition(" of ")[0]
    return head.endswith("s") and not head.endswith(("ss", "us", "is"))


def and_list(parts: Sequence[str], *, word: str = "and") -> str:
    """Join parts as in a sentence."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def count_words(count: int) -> str:
    """Return a small number as a word."""
    return _COUNTS[count] if 0 < count < len(_COUNTS) else f"{count:,}"


def duration_words(seconds: int) -> str:
    """Return a time in its largest whole unit; a single day is 24 hours."""
    if seconds in _ONE:
        return _ONE[seconds]
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % size == 0 and seconds > size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds:,} seconds"


def verb_of(name: str) -> str | None:
    """Return the verb of a past participle with a doubled last letter; other endings are not certain enough."""
    found = _DOUBLED.match(name)
    return found[1] + found[2] if found else None


def number_words(value: float, kind: Type) -> str:
    """Return a number, as a percentage where its type runs from 0 to 1."""
    kind = bare(kind)
    if isinstance(kind, FloatType) and kind.min == 0 and kind.max == 1:
        return f"{round(value * 100, 6):g} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def type_of(node: ast.expr, types: _Types) -> Type:
    """Return the type of a name, a field or an item, or one that says nothing."""
    match node:
        case ast.Name(id=name):
            return types.get(name, _ANY)
        case ast.Attribute(value=owner, attr=name):
            kind = bare(type_of(owner, types))
            part = kind.field(name) if isinstance(kind, RecordType) else None
            return part.type if part is not None else _ANY
        case ast.Subscript(value=owner):
            kind = bare(type_of(owner, types))
            return kind.item if isinstance(kind, ListType) else _ANY
        case ast.Call(func=ast.Name(id="len" | "count")):
            return IntType()
        case _:
            return _ANY


def condition_words(node: ast.expr, types: _Types) -> str:
    """Return a condition as a clause: `the label is "x" and the score is at least 90 %`."""
    match node:
        case ast.BoolOp(op=op, values=values):
            word = "and" if isinstance(op, ast.And) else "or"
            return f" {word} ".join(condition_words(value, types) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _negated(operand, types)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _comparison(left, op, right, types)
        case ast.Compare(left=left, ops=ops, comparators=rights):
            pairs = zip([left, *rights[:-1]], ops, rights, strict=True)
            return " and ".join(_comparison(a, op, b, types) for a, op, b in pairs)
        case ast.Name() | ast.Attribute():
            return f"{quoted(_noun(node, types))} is yes"
        case ast.Constant(value=bool() as value):
            return "always" if value else "never"
        case ast.Call(
            func=ast.Name(id="any" | "all" as how), args=[ast.GeneratorExp() | ast.ListComp() as part]
        ):
            return _for_some(how, part, types)
        case ast.Call(func=ast.Name(id="matches"), args=[text, *_]):
            return _holds(text, "matches a pattern", "match a pattern", types)
        case ast.Call(func=ast.Attribute(value=text, attr="startswith" | "endswith" as how), args=[part]):
            verb = "starts with" if how == "startswith" else "ends with"
            return f"{_subject(text, types)} {verb} {_operand(part, _ANY, types)}"
        case _:
            return f"the rule {quoted(ast.unparse(node), most=60)} holds"


def threshold_words(node: ast.expr, types: _Types) -> str | None:
    """Return a single threshold as "NAME below N", to stand after "with"; None for any other condition."""
    match node:
        case ast.Compare(
            left=ast.Name() | ast.Attribute() as left, ops=[op], comparators=[ast.Constant() as right]
        ):
            value = right.value
            if (
                type(op) not in _COMPARED
                or isinstance(op, (ast.Eq, ast.NotEq))
                or isinstance(value, (bool, str))
            ):
                return None
            return f"{_noun(left, types)} {_COMPARED[type(op)]}{_operand(right, type_of(left, types), types)}"
        case _:
            return None


def _negated(node: ast.expr, types: _Types) -> str:
    """Return the negation of a condition."""
    match node:
        case ast.Name() | ast.Attribute():
            return f"{quoted(_noun(node, types))} is no"
        case ast.Call(func=ast.Name(id="matches"), args=[text, *_]):
            return _holds(text, "does not match a pattern", "do not match a pattern", types)
        case _:
            return f"it is not so that {condition_words(node, types)}"


def _for_some(how: str, part: ast.GeneratorExp | ast.ListComp, types: _Types) -> str:
    """Return `any(... for x in xs)` and `all(...)` in words."""
    clause = part.generators[0]
    inner = dict(types)
    if isinstance(clause.target, ast.Name):
        kind = bare(type_of(clause.iter, types))
        inner[clause.target.id] = kind.item if isinstance(kind, ListType) else _ANY
    which = "any" if how == "any" else "every one"
    return f"{condition_words(part.elt, inner)} for {which} of {_subject(clause.iter, types)}"


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, types: _Types) -> str:
    """Return one comparison in words, its constant last."""
    if isinstance(left, ast.Constant) and not isinstance(right, ast.Constant) and type(op) in _MIRRORED:
        left, op, right = right, _MIRRORED[type(op)](), left
    if isinstance(op, (ast.Is, ast.IsNot)):
        noun = _noun(left, types)
        if isinstance(op, ast.Is):
            return f"there {'are' if plural(noun) else 'is'} no {noun}"
        article = "an" if noun[:1] in "aeiou" else "a"
        return f"there are {noun}" if plural(noun) else f"there is {article} {noun}"
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(left, op, right, types)
    kind = type_of(left, types)
    if isinstance(right, ast.Constant) and isinstance(right.value, bool):
        truth = right.value is isinstance(op, ast.Eq)
        return f"{quoted(_noun(left, types))} is {'yes' if truth else 'no'}"
    counted = _emptiness(left, op, right, types)
    if counted:
        return counted
    words = _COMPARED.get(type(op), "")
    if isinstance(left, ast.Attribute) and _noun(left, types) == _noun(right, types):
        whose = f"{_subject(left, types)} of {_subject(left.value, types)}"
        return (
            f"{whose} {'are' if plural(_noun(left, types)) else 'is'} {words}{_operand(right, kind, types)}"
        )
    return f"{_holds(left, 'is', 'are', types)} {words}{_operand(right, kind, types)}"


def _emptiness(left: ast.expr, op: ast.cmpop, right: ast.expr, types: _Types) -> str:
    """Return `len(x) > 0`, `xs == 0` and their like as "there are x"."""
    match left, op, right:
        case (
            ast.Call(func=ast.Name(id="len"), args=[part]),
            ast.Gt() | ast.NotEq() | ast.Eq(),
            ast.Constant(value=0),
        ):
            noun = _noun(part, types)
            there = "there are" if plural(noun) else "there is"
            return f"{there} {'no ' if isinstance(op, ast.Eq) else ''}{noun}"
        case ast.Name() | ast.Attribute(), ast.Eq(), ast.Constant(value=0) if plural(_noun(left, types)):
            return f"there are no {_noun(left, types)}"
        case _:
            return ""


def _membership(left: ast.expr, op: ast.cmpop, right: ast.expr, types: _Types) -> str:
    """Return `in` in words: one of several values, or a part of a text or list."""
    negative = isinstance(op, ast.NotIn)
    if isinstance(right, ast.List):
        values = [_operand(item, type_of(left, types), types) for item in right.elts]
        verb = _holds(left, "is", "are", types)
        return (
            f"{verb} {'neither ' if negative and len(values) > 1 else 'not ' if negative else ''}"
            + and_list(values, word="nor" if negative else "or")
        )
    verb = "does not contain" if negative else "contains"
    return f"{_subject(right, types)} {verb} {_operand(left, _ANY, types)}"


def _holds(node: ast.expr, singular: str, several: str, types: _Types) -> str:
    """Return a subject with the verb that agrees with it."""
    noun = _noun(node, types)
    return f"{_subject(node, types)} {several if plural(noun) and not _is_count(node) else singular}"


def _subject(node: ast.expr, types: _Types) -> str:
    """Return what a clause is about."""
    noun = _noun(node, types)
    return noun if noun.startswith(("the ", '"')) else f"the {noun}"


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)


def _noun(node: ast.expr, types: _Types) -> str:
    """Return the last name of a path, or what an operation is called."""
    match node:
        case ast.Attribute(value=owner, attr="value") if _is_decision(owner, types):
            return "answer"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name_words(name)
        case ast.Subscript(value=owner):
            return _noun(owner, types)
        case ast.Call(func=ast.Name(id="len" | "count"), args=[part, *_]):
            return _count_noun(part, types)
        case ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(left=left, op=ast.Sub(), right=right)]):
            return f"the difference between {_subject(left, types)} and {_subject(right, types)}"
        case ast.Call(func=ast.Name(id="sum" | "min" | "max" as how), args=[part]):
            words = {"sum": "sum", "min": "lowest", "max": "highest"}[how]
            return f"the {words} of {_noun(part, types)}"
        case ast.Call(func=ast.Name(id=name), args=[part, *_]) if name in _SEEN_THROUGH:
            return _noun(part, types)
        case ast.Call(func=ast.Attribute(value=part, attr=name)) if name in _SEEN_THROUGH:
            return _noun(part, types)
        case ast.ListComp(elt=ast.Attribute(attr=name)) | ast.GeneratorExp(elt=ast.Attribute(attr=name)):
            return name_words(name)
        case ast.ListComp(generators=[clause]) | ast.GeneratorExp(generators=[clause]):
            return _noun(clause.iter, types)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return f"{_operand(left, _ANY, types)} {_ARITHMETIC[type(op)]} {_operand(right, _ANY, types)}"
        case _:
            return quoted(ast.unparse(node), most=40)


def _is_decision(node: ast.expr, types: _Types) -> bool:
    """Return whether a value is what a person decided."""
    kind = bare(type_of(node, types))
    return isinstance(kind, RecordType) and kind.field_names == _DECISION


def _count_noun(part: ast.expr, types: _Types) -> str:
    """Return what `len` and `count` give: of a list the number of its items, of a text its length."""
    noun = _noun(part, types)
    if plural(noun):
        return f"the number of {noun}"
    if isinstance(bare(type_of(part, types)), ListType):
        return f"the number of items of {noun}"
    return f"the length of the {noun}"


def _operand(node: ast.expr, kind: Type, types: _Types) -> str:
    """Return a value or a name to compare with."""
    match node:
        case ast.Constant(value=str() as text):
            return quoted(text, most=40)
        case ast.Constant(value=bool() as truth):
            return "true" if truth else "false"
        case ast.Constant(value=int() | float() as number):
            return number_words(number, kind)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return number_words(-number, kind)
        case ast.Constant():
            return "nothing"
        case _:
            return _subject(node, types)


_ANY: Type = RecordType(fields=())
