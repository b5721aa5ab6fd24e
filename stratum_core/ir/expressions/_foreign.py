"""Foreign spellings: JavaScript, CEL and template habits, each explained with the text that replaces it.

They are not a second grammar. `foreign_spellings` finds, on tokens, what the parser cannot read and returns findings
whose replacements, all applied, give an expression of this language with the same meaning. Spellings that parse but
name something unknown (`true`, `.length`, `.includes(x)`) are found by the checker, which knows the types.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._scan import Token, quote

__all__ = ["apply_edits", "foreign_spellings", "looks_foreign"]

_WORDS = {"&&": "and", "||": "or", "===": "==", "!==": "!=", "<>": "!=", "=": "==", "&": "and", "|": "or"}
_COMPARING = frozenset({"==", "!=", "===", "!==", "<", "<=", ">", ">=", "<>"})
_BINDING_BEFORE_NOT = _COMPARING | frozenset({"+", "-", "*", "/", "//", "%", "in"})
_CLAUSE_WORDS = frozenset({"for", "if", "else"})
_LOGIC = frozenset({"&&", "||", "and", "or", "&", "|", "not"})
_ARROWS = {
    "every": "all({body} for {name} in {items})",
    "all": "all({body} for {name} in {items})",
    "some": "any({body} for {name} in {items})",
    "any": "any({body} for {name} in {items})",
    "exists": "any({body} for {name} in {items})",
    "filter": "[{name} for {name} in {items} if {body}]",
    "map": "[{body} for {name} in {items}]",
    "find": "first([{name} for {name} in {items} if {body}])",
}
_STRUCTURAL = frozenset({"!", "?", "??", "?.", "=>", "$"})
_MAX_STRUCTURAL = 16
"""More spellings that span other tokens are reported without a rewriting, which would nest too deeply."""
_SUSPICIOUS = frozenset({*_WORDS, "!", "?", "??", "?.", "=>", "$", "AND", "OR", "NOT"})


@dataclass(frozen=True, slots=True)
class _Construct:
    """A span of tokens and the text that says the same here."""

    first: int
    last: int
    text: str
    message: str
    code: str = "E221"
    certain: bool = True


def apply_edits(text: str, edits: Iterable[Finding]) -> str:
    """Return `text` with every replacement made; edits do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        if edit.replacement is not None:
            text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def looks_foreign(tokens: tuple[Token, ...]) -> bool:
    """Return whether a closer look can find anything: nearly every expression is spelled as it should be."""
    before = ""
    for token in tokens:
        text = "" if token.kind == "text" else token.text
        if (
            text in _SUSPICIOUS
            or (text == "{" and before == "{")
            or (before == "." and keyword.iskeyword(text))
        ):
            return True
        before = text
    return False


def foreign_spellings(text: str, tokens: tuple[Token, ...], pairs: Mapping[int, int]) -> tuple[Finding, ...]:
    """Return the outermost foreign spellings in document order; they do not overlap."""
    structural = [token for token in tokens if token.kind == "op" and token.text in _STRUCTURAL]
    if len(structural) > _MAX_STRUCTURAL:
        first = structural[0]
        message = f"`{first.text}` is not part of the language; this text has {len(structural)} such signs"
        suggestion = (
            "write conditions with `and`, `or`, `not`, `a if condition else b`, or use a compute function"
        )
        return (
            Finding(
                code="E221",
                severity="error",
                message=message,
                start=first.start,
                end=first.end,
                suggestion=suggestion,
            ),
        )
    reader = _Reader(text, tokens, pairs)
    found = reader.constructs(0, len(tokens))
    return tuple(reader.finding(construct) for construct in found)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The tokens of one expression and how their brackets pair."""

    text: str
    tokens: tuple[Token, ...]
    pairs: Mapping[int, int]

    def finding(self, construct: _Construct) -> Finding:
        """Return the finding of a construct, padded so that words do not run together."""
        start, end = self.tokens[construct.first].start, self.tokens[construct.last].end
        replacement = construct.text
        before, after = self.text[max(0, start - 1) : start], self.text[end : end + 1]
        if replacement[:1].isalnum() and (before.isalnum() or before in tuple("_)]}\"'")):
            replacement = " " + replacement
        if replacement[-1:].isalnum() and (after.isalnum() or after in tuple("_(\"'[")):
            replacement += " "
        return Finding(
            code=construct.code,
            severity="error",
            message=construct.message,
            start=start,
            end=end,
            suggestion=f"write `{construct.text.strip()}`" if construct.certain else construct.text,
            replacement=replacement if construct.certain else None,
        )

    def is_op(self, index: int, *spelled: str) -> bool:
        """Return whether the token at `index` is one of these operators."""
        return (
            0 <= index < len(self.tokens)
            and self.tokens[index].kind == "op"
            and self.tokens[index].text in spelled
        )

    def words(self, index: int) -> str:
        """Return the token's text unless it is a text literal."""
        return "" if self.tokens[index].kind == "text" else self.tokens[index].text

    def translated(self, first: int, stop: int) -> str:
        """Return the source of the tokens `[first, stop)` with its foreign spellings replaced."""
        if first >= stop:
            return ""
        base = self.tokens[first].start
        edits = [self.finding(construct) for construct in self.constructs(first, stop)]
        pieces: list[str] = []
        position = base
        for edit in edits:
            pieces += [self.text[position : edit.start], edit.replacement or self.text[edit.start : edit.end]]
            position = edit.end
        return "".join([*pieces, self.text[position : self.tokens[stop - 1].end]]).strip()

    def skip(self, index: int) -> int:
        """Return the index after a token or a bracketed group."""
        return self.pairs[index] + 1 if self.is_op(index, "(", "[", "{") else index + 1

    def constructs(self, first: int, stop: int) -> list[_Construct]:
        """Return the outermost foreign constructs among the tokens `[first, stop)`."""
        found: list[_Construct] = []
        part = index = first
        while index < stop:
            if self.is_op(index, ","):
                found += self.part(part, index)
                part = index + 1
            index = self.skip(index)
        return found + self.part(part, stop)

    def part(self, first: int, stop: int) -> list[_Construct]:
        """Return the constructs of one comma-separated part."""
        top = self.top_level(first, stop)
        question = next((index for index in top if self.is_op(index, "?")), None)
        if question is not None:
            return self.around(first, stop, self.ternary(first, stop, question, top))
        fallback = next((index for index in top if self.is_op(index, "??")), None)
        if fallback is not None:
            return self.around(first, stop, self.fallback(first, stop, fallback, top))
        return self.sequence(first, stop)

    def top_level(self, first: int, stop: int) -> list[int]:
        """Return the token indexes that stand in no inner bracket."""
        found: list[int] = []
        index = first
        while index < stop:
            found.append(index)
            index = self.skip(index)
        return found

    def around(self, first: int, stop: int, construct: _Construct | None) -> list[_Construct]:
        """Return a construct with the ones before and after it."""
        if construct is None:
            return self.sequence(first, stop)
        before = self.sequence(first, construct.first)
        return [*before, construct, *self.part(construct.last + 1, stop)]

    def ternary(self, first: int, stop: int, question: int, top: list[int]) -> _Construct | None:
        """Read `condition ? a : b`."""
        open_count, colon = 0, None
        for index in top:
            if index > question and self.is_op(index, "?"):
                open_count += 1
            elif index > question and self.is_op(index, ":"):
                if not open_count:
                    colon = index
                    break
                open_count -= 1
        if colon is None:
            return None
        bounds = [index + 1 for index in top if index < question and self.ends_clause(index)]
        start = max([first, *bounds])
        ends = [index for index in top if index > colon and self.words(index) in _CLAUSE_WORDS]
        end = min([stop, *ends])
        if not (start < question and question + 1 < colon and colon + 1 < end):
            return None
        condition, first_value = self.grouped(start, question), self.grouped(question + 1, colon)
        text = f"{first_value} if {condition} else {self.translated(colon + 1, end)}"
        whole = start == first and end == stop
        return _Construct(
            start, end - 1, text if whole else f"({text})", "`? :` is written `a if condition else b`"
        )

    def ends_clause(self, index: int) -> bool:
        """Return whether a condition cannot reach left over this token."""
        return self.is_op(index, ":") or self.words(index) in _CLAUSE_WORDS

    def grouped(self, first: int, stop: int) -> str:
        """Translate a part, in brackets when it holds a conditional itself."""
        text = self.translated(first, stop)
        top = self.top_level(first, stop)
        inner = any(self.is_op(index, "?") or self.words(index) == "if" for index in top)
        return f"({text})" if inner else text

    def fallback(self, first: int, stop: int, at: int, top: list[int]) -> _Construct | None:
        """Read `a ?? b`."""
        bounds = [i + 1 for i in top if i < at and (self.ends_clause(i) or self.words(i) in _LOGIC)]
        ends = [i for i in top if i > at and (self.ends_clause(i) or self.words(i) in _LOGIC)]
        start, end = max([first, *bounds]), min([stop, *ends])
        if not start < at < end - 1:
            return None
        text = f"default({self.translated(start, at)}, {self.translated(at + 1, end)})"
        return _Construct(start, end - 1, text, "`??` is written `default(value, fallback)`")

    def sequence(self, first: int, stop: int) -> list[_Construct]:
        """Return the constructs of a part without `? :` and `??`."""
        found: list[_Construct] = []
        index = first
        while index < stop:
            construct = self.at(index, stop)
            if construct is not None:
                found.append(construct)
                index = construct.last + 1
            elif self.is_op(index, "(", "[", "{"):
                found += self.constructs(index + 1, self.pairs[index])
                index = self.pairs[index] + 1
            else:
                index += 1
        return found

    def at(self, index: int, stop: int) -> _Construct | None:
        """Return the construct that starts at this token, if any."""
        token = self.tokens[index]
        if self.is_op(index, "!"):
            return self.negation(index, stop)
        chain = self.chain(index, stop)
        wrapped = chain or self.wrapper(index) or self.path(index, stop)
        if wrapped is not None:
            return wrapped
        if token.kind == "op" and token.text in _WORDS and not self.names_argument(index):
            word = _WORDS[token.text]
            code = "E203" if token.text in {"&", "|"} else "E221"
            return _Construct(index, index, word, f"`{token.text}` is written `{word}`", code)
        return self.reserved_field(index) or self.reserved_name(index)

    def names_argument(self, index: int) -> bool:
        """Return whether this `=` names an argument, as in `round(x, digits=2)`."""
        if self.words(index) != "=" or index < 2 or self.tokens[index - 1].kind != "name":  # noqa: PLR2004 - `f(name`
            return False
        if self.is_op(index - 2, "("):
            inner = self.top_level(index - 1, self.pairs[index - 2])
            return not any(self.words(part) == "for" for part in inner)
        return self.is_op(index - 2, ",")

    def reserved_field(self, index: int) -> _Construct | None:
        """Read `.class`: a field whose name is a word of the language."""
        if self.is_op(index, ".") and index + 1 < len(self.tokens):
            name = self.tokens[index + 1]
            if name.kind == "name" and (keyword.iskeyword(name.text)):
                message = f"`{name.text}` is a word of the language; the field is read with brackets"
                return _Construct(index, index + 1, f"[{quote(name.text)}]", message, "E202")
        return None

    def reserved_name(self, index: int) -> _Construct | None:
        """Read `AND`, `OR` and `NOT`."""
        token = self.tokens[index]
        if token.kind == "name" and token.text in {"AND", "OR", "NOT"} and not self.is_op(index - 1, "."):
            return _Construct(
                index, index, token.text.lower(), f"`{token.text}` is written `{token.text.lower()}`"
            )
        return None

    def wrapper_end(self, index: int) -> tuple[int, int, int] | None:
        """Return the first and the last inner token and the last token of `${{ x }}`, `{{ x }}` or `${ x }`."""
        brace = index + 1 if self.is_op(index, "$") else index
        if not self.is_op(brace, "{"):
            return None
        close = self.pairs[brace]
        double = self.is_op(brace + 1, "{") and self.pairs[brace + 1] == close - 1
        if not double and brace == index:
            return None
        first, stop = (brace + 2, close - 1) if double else (brace + 1, close)
        return (first, stop, close) if first < stop else None

    def wrapper(self, index: int) -> _Construct | None:
        """Read `${{ x }}`, `{{ x }}` and `${ x }`."""
        extent = self.wrapper_end(index)
        if extent is None:
            return None
        first, stop, close = extent
        inner = self.translated(first, stop)
        whole = index == 0 and close == len(self.tokens) - 1
        text = inner if whole else f"({inner})"
        return _Construct(index, close, text, "an expression is written without a template around it")

    def path(self, index: int, stop: int) -> _Construct | None:
        """Read `$.input`, `$.steps.x.output`, `$x`."""
        if not self.is_op(index, "$"):
            return None
        at = index + 2 if self.is_op(index + 1, ".") else index + 1
        if at >= stop or self.tokens[at].kind != "name":
            return None
        name = self.tokens[at].text
        if (
            name == "steps"
            and self.is_op(at + 1, ".")
            and at + 2 < stop
            and self.tokens[at + 2].kind == "name"
        ):
            at += 2
            name = self.tokens[at].text
            if (
                self.is_op(at + 1, ".")
                and at + 2 < stop
                and self.tokens[at + 2].text in {"output", "outputs"}
            ):
                at += 2
        return _Construct(index, at, name, "names are written directly: `input.field`, `step_id.field`")

    def negation(self, index: int, stop: int) -> _Construct | None:
        """Read `!x`, which binds more tightly than `not`."""
        end = index
        while self.is_op(end, "!"):
            end += 1
        end = self.chain_end(end, stop)
        if end is None:
            return None
        operand = self.translated(index + 1, end)
        bound = end < stop and self.words(end) in _BINDING_BEFORE_NOT
        bound = bound or (index > 0 and self.words(index - 1) in _BINDING_BEFORE_NOT)
        text = f"(not {operand})" if bound else f"not {operand}"
        return _Construct(index, end - 1, text, "`!` is written `not`")

    def chain_end(self, index: int, stop: int) -> int | None:
        """Return the index after the value that starts here with its fields, indexes and calls."""
        if index >= stop:
            return None
        wrapped, path = self.wrapper_end(index), self.path(index, stop)
        if wrapped is not None:
            index = wrapped[2] + 1
        elif path is not None:
            index = path.last + 1
        elif self.is_op(index, "(", "[", "{"):
            index = self.pairs[index] + 1
        elif self.tokens[index].kind != "op" and self.words(index) not in _CLAUSE_WORDS | _LOGIC | {
            "in",
            "is",
        }:
            index += 1
        else:
            return None
        while index < stop:
            if self.is_op(index, "(", "["):
                index = self.pairs[index] + 1
            elif self.is_op(index, ".", "?.") and index + 1 < stop:
                index += 2 if self.tokens[index + 1].kind == "name" else 1
            else:
                break
        return index

    def chain(self, first: int, stop: int) -> _Construct | None:
        """Read a value whose fields or calls use `?.` or arrows."""
        end = self.chain_end(first, stop)
        if end is None or self.is_op(first - 1, ".", "?."):
            return None
        index, last_foreign = first, None
        guards: list[int] = []
        while index < end:
            if self.is_op(index, "?."):
                guards.append(index)
            elif self.is_op(index, "(") and self.arrow(index) is not None and index - 2 > first:
                last_foreign = index
            index = self.skip(index)
        if last_foreign is not None:
            return self.arrow_call(first, last_foreign, end)
        return self.guarded(first, end, guards) if guards else None

    def guarded(self, first: int, end: int, guards: list[int]) -> _Construct:
        """Read `a?.b`: null when `a` is null."""

        def plain(stop: int) -> str:
            cuts = [first, *(guard for guard in guards if guard < stop)]
            pieces = [
                self.translated(left if left == first else left + 1, right)
                for left, right in zip(cuts, [*cuts[1:], stop], strict=True)
            ]
            joined = pieces[0]
            for piece in pieces[1:]:
                joined += piece if piece.startswith("[") else f".{piece}"
            return joined

        tests = " and ".join(f"{plain(guard)} is not None" for guard in guards)
        text = f"({plain(end)} if {tests} else None)"
        return _Construct(first, end - 1, text, "`?.` is written as a test for null")

    def arrow(self, bracket: int) -> tuple[str, int] | None:
        """Return the parameter and the body's first token of `(x => ...)`, `((x) => ...)` or `(x, ...)`."""
        at = bracket + 1
        if self.is_op(at, "(") and self.pairs[at] == at + 2 and self.is_op(at + 3, "=>"):
            return self.tokens[at + 1].text, at + 4
        if at < len(self.tokens) and self.tokens[at].kind == "name" and self.is_op(at + 1, "=>"):
            return self.tokens[at].text, at + 2
        return None

    def arrow_call(self, first: int, bracket: int, end: int) -> _Construct:
        """Read `xs.filter(x => condition)` and its relatives."""
        close = self.pairs[bracket]
        method = self.tokens[bracket - 1].text
        template, arrow = _ARROWS.get(method), self.arrow(bracket)
        message = f"`.{method}(x => ...)` is written as a comprehension"
        if template is None or arrow is None or arrow[1] >= close or not self.is_op(bracket - 2, ".", "?."):
            advice = "write a comprehension: [f(x) for x in items if condition]"
            return _Construct(first, close, advice, message, certain=False)
        name, body = arrow
        items = self.translated(first, bracket - 2)
        text = template.format(body=self.grouped(body, close), name=name, items=items)
        return _Construct(first, end - 1, text + self.translated(close + 1, end), message)
