"""What the codes of this stage mean, as data: E1xx about the document, and those E3xx that are about notation of types.

Each row is a title, an explanation and a remedy; `docs/errors.md` is written from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DOCUMENT_CODES", "CodeInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInfo:
    """One diagnostic code, explained."""

    title: str
    """A few words."""
    explanation: str
    """Why it is refused."""
    remedy: str
    """What to do."""


_ROWS: Mapping[str, tuple[str, str, str]] = {
    "E100": (
        "Document too large",
        "A document of over 1 MiB holds data rather than a workflow.",
        "Bind data as files to a flow's inputs when you plan.",
    ),
    "E101": (
        "Not text",
        "The document is not UTF-8, or holds NUL or control characters.",
        "Save it as UTF-8 and remove the character; inside double quotes it can be written as an escape.",
    ),
    "E102": (
        "Nested too deeply",
        "Over 64 levels of nesting; a document needs about ten.",
        "Close the brackets that stand open.",
    ),
    "E103": (
        "Too many parts",
        "Over 200,000 values; a 1,000-step document has about 20,000.",
        "Bind data as files to a flow's inputs when you plan.",
    ),
    "E104": (
        "Not valid YAML",
        (
            "The text cannot be read. The usual causes are an unquoted `[` or `?` inside `{ }`, a `: ` inside a value, "
            "and tabs in the indentation."
        ),
        "Do what the suggestion says; when in doubt, put the whole value in quotes.",
    ),
    "E105": (
        "Anchor or alias",
        "Anchors (`&x`) and aliases (`*x`) are not allowed: they hide what is run and can grow without bound.",
        "Repeat the value; quote an expression that starts with `&` or `*`.",
    ),
    "E106": (
        "Tag",
        "YAML tags (`!x`) are not allowed; an expression that starts with `!` is read as one.",
        "Remove it; write `not x`, in quotes.",
    ),
    "E107": (
        "Merge key",
        "`<<` is not part of YAML 1.2 and hides what is run.",
        "Write the keys out where they are needed.",
    ),
    "E108": (
        "Key written twice",
        "One of two equal keys would silently win.",
        "Remove or rename one of them.",
    ),
    "E109": (
        "Several documents",
        "A text holds one document; `---` starts another.",
        "Send one document at a time.",
    ),
    "E110": (
        "Unknown key",
        "Keys are few and fixed, so that a misspelled one is never ignored.",
        "Write the key the suggestion names, or remove it.",
    ),
    "E111": (
        "Missing key",
        "A key without a default is absent.",
        "Add it.",
    ),
    "E112": (
        "Wrong kind of value",
        "The value is of another kind than the key takes, e.g. a map where an expression stands.",
        "Write what the message names; an expression or text that YAML reads as something else needs quotes.",
    ),
    "E113": (
        "Bad name",
        (
            "Names are read in expressions: letters, digits and _, starting with a letter, at most 64, and no word of "
            "the expression language. Step ids are lower-case."
        ),
        "Rename it, also where it is read.",
    ),
    "E114": (
        "Number out of range",
        "The number is outside what the key takes.",
        "Choose a number within the range the message names.",
    ),
    "E115": (
        "Bad duration",
        "A duration is a whole number and one of s, m, h, d.",
        "Write 90s, 15m, 24h or 7d.",
    ),
    "E116": (
        "Not one of the allowed words",
        "The key takes one of a few words.",
        "Choose one the message lists.",
    ),
    "E117": (
        "Not a document",
        "The text is empty, or not a map at its top.",
        'Start with `stratum: "1"`, then contracts, functions and flows.',
    ),
    "E118": (
        "Key is not text",
        "An unquoted `{` or `[` starts a map or a list, also where a key or text was meant, as in `{{ x }}`.",
        "Quote the value; there are no templates, inputs are given by name.",
    ),
    "E119": (
        "Not exactly one of several keys",
        (
            "A step has exactly one verb, a branch one callee, a compute function one of expression and python, and "
            "await_human at most one of options and type."
        ),
        "Keep one; make each verb its own step.",
    ),
    "E120": (
        "Modifier in the wrong place",
        "The key means nothing here, e.g. `require` on a step without for_each.",
        "Remove it, or put it where it belongs.",
    ),
    "E121": (
        "Number that JSON does not have",
        "Infinite numbers, not-a-number and integers over 64 bits cannot be passed on.",
        "Write a smaller number, or quote it if it is text.",
    ),
    "E122": (
        "Unknown version",
        'This reader knows version "1" of the language.',
        'Write `stratum: "1"`, with quotes.',
    ),
    "E123": (
        "Too few entries",
        "A list or map that must hold something holds too little.",
        "Add what is missing, or leave the key out where it is optional.",
    ),
    "E124": (
        "Entry listed twice",
        "A list whose entries must differ has two equal ones.",
        "Remove one.",
    ),
    "E300": (
        "Unknown type",
        "The type is neither built in nor a contract of this document, or is spelled as in another language.",
        "Write the type the suggestion names.",
    ),
    "E301": (
        "Type cannot be read",
        "The text is not in the notation of types.",
        'Write string, int, ..., a contract, list<T>, optional<T>, opaque<T>, map<T>, "a" | "b" or int[1..5].',
    ),
    "E307": (
        "Constraint does not fit",
        "A bound, length or pattern means nothing for this type, contradicts another one, or is given twice.",
        "Remove it, or use the one that fits the type.",
    ),
    "E308": (
        "Bad pattern",
        "`pattern` is not a regular expression of the linear-time engine: no look-around, no back-references.",
        "Rewrite it without these; anchor with ^ and $.",
    ),
    "E309": (
        "Bad enum",
        "An enum value is not of the type it stands with, is listed twice, or there are over 1,000.",
        "Remove or quote the value.",
    ),
}

DOCUMENT_CODES: Mapping[str, CodeInfo] = MappingProxyType(
    {
        code: CodeInfo(title=title, explanation=why, remedy=remedy)
        for code, (title, why, remedy) in _ROWS.items()
    }
)
"""Every code `load` and `parse_type` can give."""
