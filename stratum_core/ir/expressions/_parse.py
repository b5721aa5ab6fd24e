"""Parser: text to a checked syntax tree, with every fault as a finding and no exception.

The standard library's parser reads the text after the length, the characters and the brackets were checked; then only
the node types of this language pass. Foreign spellings are repaired first, so that one call also reports what else is
wrong; positions always refer to the text as written.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._foreign import apply_edits, foreign_spellings, looks_foreign
from stratum_core.ir.expressions._grammar import check_grammar, normalised
from stratum_core.ir.expressions._limits import MAX_CHARS, MAX_DEPTH
from stratum_core.ir.expressions._narrow import Path
from stratum_core.ir.expressions._scan import Token, bracket_pairs, flatten_text, scan
from stratum_core.ir.expressions._tree import descendants, target_names

__all__ = ["Parsed", "dotted", "parse", "path_nodes"]


_PLAIN = re.compile(
    r"""(?:
      (?!(?:AND|OR|NOT)\b)[A-Za-z_][A-Za-z0-9_]*+(?!["'])
    | [0-9]{1,18}+(?:\.[0-9]{1,18}+)?+(?![\w.])
    | "[ !#-\[\]-~]*+"(?!\ *["'])
    | '[ -&(-\[\]-~]*+'(?!\ *["'])
    | [=!<>]= | <(?!>) | > | \.(?!\.) | [-+*/%,:()\[\]]
    | (?<!^)\ ++
    )++""",
    re.VERBOSE,
)
"""Texts that the scanner would pass on as they are: plain ASCII, no escapes, nothing that is spelled elsewhere."""

_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?:\.[A-Za-z_][A-Za-z0-9_]*+)*+")
"""A name and fields of it: the most common expression of all."""
_LOAD = ast.Load()
"""The context of every name that is read; Python's parser shares one, too."""
_WORDS = frozenset({*keyword.kwlist, "AND", "OR", "NOT"})

_VALUE_ENDINGS = frozenset({")", "]", "}"})
_WANT_A_VALUE = frozenset({"and", "or", "not", "in", "is", "if", "else", "for"})


class Parsed(NamedTuple):
    """A parsed expression; `tree` is None when nothing could be read."""

    tree: ast.expr | None
    findings: tuple[Finding, ...]
    refused: frozenset[ast.AST] = frozenset()
    """Nodes that already have a finding; the checker takes them for `any`."""
    edits: tuple[Finding, ...] = ()
    """Repairs that were made before the tree was read."""

    def merged(self, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Return every finding with offsets into the text as written.

        Args:
            found: What the checker found in the tree. A fix inside a repair goes into that repair's replacement, so
                that applying the outermost fix is enough.
        """
        improved: dict[Finding, Finding] = {}
        shift = 0
        for edit in self.edits:
            text = edit.replacement or ""
            start = edit.start + shift
            inner = _without_overlaps(sorted(_fixes_within(found, start, start + len(text)), key=_extent))
            if inner:
                text = apply_edits(
                    text, [replace(fix, start=fix.start - start, end=fix.end - start) for fix in inner]
                )
                improved[edit] = replace(edit, replacement=text, suggestion=f"write `{text.strip()}`")
            shift += len(edit.replacement or "") - (edit.end - edit.start)
        own = (improved.get(finding, finding) for finding in self.findings)
        return (*own, *(self.located(finding) for finding in found))

    def located(self, finding: Finding) -> Finding:
        """Return a finding about the tree with offsets into the text as written.

        A finding that touches a repair loses its replacement: the two edits would collide.
        """
        start, end = self._original(finding.start, at_end=False), self._original(finding.end, at_end=True)
        collides = any(edit.start < end and start < edit.end for edit in self.edits)
        return replace(finding, start=start, end=end, replacement=None if collides else finding.replacement)

    def _original(self, offset: int, *, at_end: bool) -> int:
        """Map an offset of the repaired text back; inside a repair, its nearer border."""
        shift = 0
        for edit in self.edits:
            length = len(edit.replacement or "")
            start = edit.start + shift
            if offset < start or (at_end and offset == start):
                break
            if offset < start + length or (at_end and offset == start + length):
                return edit.end if at_end else edit.start
            shift += length - (edit.end - edit.start)
        return offset - shift


def _fixes_within(found: tuple[Finding, ...], start: int, end: int) -> list[Finding]:
    """Return the findings that mend a part of the span."""
    return [fix for fix in found if fix.replacement is not None and start <= fix.start and fix.end <= end]


def _extent(finding: Finding) -> tuple[int, int]:
    """Sort by start, the longer one first."""
    return finding.start, -finding.end


def parse(text: str) -> Parsed:
    """Read an expression; never raises."""
    if len(text) > MAX_CHARS:
        fault = Finding(
            code="E200",
            severity="error",
            message=f"the expression has {len(text):,} characters; the limit is {MAX_CHARS:,}",
            start=0,
            end=len(text),
            suggestion="move the logic to a compute function",
        )
        return Parsed(None, (fault,))
    plain = _parse_at_once(text)
    if plain is not None:
        return plain
    scanned = scan(text)
    if scanned.findings:
        return Parsed(None, (*scanned.findings, *scanned.edits))
    if not scanned.tokens:
        return Parsed(None, (_syntax_error("the expression is empty", 0, len(text)),))
    pairs, fault = bracket_pairs(scanned.tokens)
    if fault is not None:
        return Parsed(None, (*scanned.edits, fault))
    found = foreign_spellings(text, scanned.tokens, pairs) if looks_foreign(scanned.tokens) else ()
    edits = tuple(sorted((*scanned.edits, *found), key=lambda edit: edit.start))
    if not edits:
        return _parse_plain(text, scanned.tokens)
    return _parse_repaired(text, _without_overlaps(edits))


def _parse_at_once(text: str) -> Parsed | None:
    """Parse a text that needs no scanner, as nearly all do; None for any other, and for one that does not parse."""
    path = dotted(text)
    if path is not None:
        return Parsed(path_nodes(path)[-1], ())
    if _PLAIN.fullmatch(text) is None or text.count("(") + text.count("[") > MAX_DEPTH:
        return None
    try:
        tree = ast.parse(text.rstrip(" "), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        return None
    return _allowed(tree)


def dotted(text: str) -> Path | None:
    """Return the path of a text that is a name and fields of it, None for any other."""
    if _DOTTED.fullmatch(text) is None:
        return None
    path = tuple(text.split("."))
    return path if len(path) < MAX_DEPTH and _WORDS.isdisjoint(path) else None


def path_nodes(path: Path) -> list[ast.expr]:
    """Return the nodes of a path: of the name, then of each field of the node before."""
    end = len(path[0])
    nodes: list[ast.expr] = [
        ast.Name(id=path[0], ctx=_LOAD, lineno=1, col_offset=0, end_lineno=1, end_col_offset=end)
    ]
    for name in path[1:]:
        end += 1 + len(name)
        nodes.append(
            ast.Attribute(
                value=nodes[-1],
                attr=name,
                ctx=_LOAD,
                lineno=1,
                col_offset=0,
                end_lineno=1,
                end_col_offset=end,
            )
        )
    return nodes


def _without_overlaps(edits: Sequence[Finding]) -> tuple[Finding, ...]:
    """Keep the outermost of edits that cover each other."""
    kept: list[Finding] = []
    for edit in edits:
        if kept and edit.start < kept[-1].end:
            continue
        kept.append(edit)
    return tuple(kept)


def _parse_repaired(text: str, edits: tuple[Finding, ...]) -> Parsed:
    """Parse what the repairs give, to find what else is wrong."""
    if any(edit.replacement is None for edit in edits):
        return Parsed(None, edits)
    repaired = apply_edits(text, edits)
    scanned = scan(repaired)
    pairs, fault = bracket_pairs(scanned.tokens)
    if len(repaired) > 2 * MAX_CHARS or scanned.findings or fault is not None:
        return Parsed(None, edits)
    if foreign_spellings(repaired, scanned.tokens, pairs):
        return Parsed(None, edits)
    inner = _parse_plain(repaired, scanned.tokens)
    mapped = Parsed(inner.tree, (), inner.refused, edits)
    findings = (*edits, *(mapped.located(finding) for finding in inner.findings))
    return mapped._replace(findings=tuple(sorted(findings, key=lambda finding: finding.start)))


def _syntax_error(message: str, start: int, end: int, suggestion: str = "") -> Finding:
    return Finding(
        code="E202", severity="error", message=message, start=start, end=end, suggestion=suggestion
    )


def _parse_plain(text: str, tokens: tuple[Token, ...]) -> Parsed:
    """Parse text without foreign spellings."""
    neighbours = _missing_operator(tokens)
    if neighbours is not None:
        return Parsed(None, (neighbours,))
    flat = flatten_text(len(text), tokens)
    lead = len(flat) - len(flat.lstrip())
    try:
        tree = ast.parse(flat.strip(), mode="eval").body
    except SyntaxError as error:
        return Parsed(None, (_explained(error, tokens, lead, len(text)),))
    except (RecursionError, MemoryError):
        fault = _syntax_error(
            "the expression is nested too deeply", 0, len(text), "move the logic to a compute function"
        )
        return Parsed(None, (replace(fault, code="E200"),))
    _restore_positions(tree, flat.strip(), lead, tokens)
    return _allowed(tree)


def _allowed(tree: ast.expr) -> Parsed:
    """Hold a tree to the nodes of the language."""
    nodes = descendants(tree)
    findings, refused = check_grammar(tree, nodes)
    if findings and any(finding.code == "E200" for finding in findings):
        return Parsed(None, findings)
    return Parsed(normalised(tree, nodes), findings, refused)


def _missing_operator(tokens: tuple[Token, ...]) -> Finding | None:
    """Find two text literals in a row, which Python would silently join."""
    for left, right in pairwise(tokens):
        if left.kind == right.kind == "text":
            return _syntax_error(
                "an operator or a comma is missing between two text literals",
                left.start,
                right.end,
                "write + to join them, or a comma in a list",
            )
    return None


def _explained(error: SyntaxError, tokens: tuple[Token, ...], lead: int, length: int) -> Finding:
    """Say where the parser stopped, in our own words: Python's differ between versions."""
    last = tokens[-1]
    at_end = not error.offset  # how Python says that the text ended where more was wanted
    if at_end or last.text in _WANT_A_VALUE or (last.kind == "op" and last.text not in _VALUE_ENDINGS):
        return _syntax_error("the expression ends too early", tokens[-1].start, length, "a value is missing")
    offset = (error.offset or 1) - 1 + lead
    index = next((i for i, token in enumerate(tokens) if token.end > offset), None)
    if index is None or offset >= tokens[-1].end:
        return _syntax_error("the expression ends too early", tokens[-1].start, length, "a value is missing")
    token = tokens[index]
    before = tokens[index - 1] if index else None
    if before is not None and before.kind != "op" and token.kind != "op":
        message = f"an operator is missing between `{before.text}` and `{token.text}`"
        return _syntax_error(message, before.start, token.end)
    return _syntax_error(f"`{token.text}` does not fit here", token.start, token.end)


def _restore_positions(tree: ast.expr, flat: str, lead: int, tokens: tuple[Token, ...]) -> None:
    """Turn byte offsets into character offsets of the text, and put the values of text literals back."""
    characters = None if flat.isascii() else _characters_at_bytes(flat)
    values = {token.start: token.value for token in tokens if token.kind == "text"}
    nodes = descendants(tree)
    called = [node.func for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    given = [name for node in nodes for name in target_names(node)]
    for node in (*nodes, *called, *given):
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        if characters is not None:
            start, end = characters[start], characters[end]
        node.col_offset, node.end_col_offset = start + lead, end + lead
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = values[node.col_offset]


def _characters_at_bytes(flat: str) -> list[int]:
    """Return, for each UTF-8 byte offset, the character offset."""
    table: list[int] = []
    for index, character in enumerate(flat):
        table.extend([index] * len(character.encode()))
    return [*table, len(flat)]
