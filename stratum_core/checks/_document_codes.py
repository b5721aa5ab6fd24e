"""What the codes of the document's shape mean (E1xx): text, YAML, keys and plain values."""

from __future__ import annotations

from stratum_core.checks._code_info import Rows, table

__all__ = ["DOCUMENT_CODES"]

_TEXT: Rows = {
    "E100": (
        "Document too large",
        "A document describes work; the data it works on is bound when a plan is made.",
        "Bind files to the flow's inputs instead of writing data into the document.",
    ),
    "E101": (
        "Not text",
        "A document is UTF-8 text without control characters.",
        "Save it as UTF-8, or write the character as an escape in double quotes.",
    ),
    "E102": (
        "Nested too deeply",
        "A document needs about ten levels; far more is a mistake or an attack.",
        "Close the brackets that stand open.",
    ),
    "E103": (
        "Too many parts",
        "The number of values is limited, so that no text takes long to read.",
        "Bind data to the flow's inputs instead of writing it into the document.",
    ),
    "E104": (
        "Not valid YAML",
        (
            "The text cannot be read; the usual causes are an unquoted `: `, brackets or `?` inside `{ }`, tabs, or a "
            "quote that is not closed."
        ),
        "Follow the hint, or put the whole value in quotes.",
    ),
}

_YAML: Rows = {
    "E105": (
        "Anchor or alias",
        "`&` and `*` make a small text stand for a huge one and hide what is really there.",
        "Write the value where it is needed; quote an expression that starts with `&` or `*`.",
    ),
    "E106": (
        "YAML tag",
        "Tags ask the reader to build objects; a document is plain data.",
        "Remove the tag; an expression that starts with `!` is written with `not`, in quotes.",
    ),
    "E107": (
        "Merge key",
        "`<<` copies keys from elsewhere, so the text no longer says what holds.",
        "Write the keys out.",
    ),
    "E108": (
        "Key written twice",
        "Common YAML readers silently keep the last one; here neither is guessed.",
        "Remove or rename one.",
    ),
    "E109": (
        "Several documents",
        "One text holds one document.",
        "Send one document at a time, without `---`.",
    ),
    "E118": (
        "Key that is not plain text",
        "An unquoted `{` or `[` starts a map or a list, also in front of a key; there are no `{{ }}` templates.",
        "Quote the value.",
    ),
    "E121": (
        "Number out of range",
        "Integers have 64 bits and numbers are finite, so that values survive JSON and databases.",
        "Write a smaller number, or quote it if it is text.",
    ),
}

_KEYS: Rows = {
    "E110": (
        "Unknown key",
        "A key that is not known would be ignored, and with it what you meant; so it is refused.",
        "Use the key the message names, or remove it.",
    ),
    "E111": (
        "Missing key",
        "This part cannot work without it.",
        "Add the key.",
    ),
    "E112": (
        "Value of the wrong kind",
        "Text, number, list or map: each key takes one kind of value.",
        "Write the kind the message names; quote text that YAML reads as something else.",
    ),
    "E113": (
        "Not a name",
        (
            "Names are read in expressions: letters, digits and `_`, not starting with a digit, and no word of the "
            "language; step ids are lower case."
        ),
        "Rename it.",
    ),
    "E114": (
        "Number outside its limits",
        "The key has a smallest and a largest value.",
        "Write a number within them.",
    ),
    "E115": (
        "Not a duration",
        "A duration is a whole number and a unit.",
        "Write `90s`, `15m`, `24h` or `7d`.",
    ),
    "E116": (
        "Not one of the words",
        "The key takes one of a few words.",
        "Use one the message lists.",
    ),
    "E117": (
        "Not a document",
        "A document is a map with the keys stratum, contracts, functions and flows.",
        'Start with `stratum: "1"`.',
    ),
    "E119": (
        "Not exactly one of several",
        "A step has exactly one verb, a branch one call, a compute function one body.",
        "Split the step, or remove what is too much.",
    ),
    "E120": (
        "Key that means nothing here",
        "The key belongs to another kind of step.",
        "Remove it, or add what it belongs to.",
    ),
    "E122": (
        "Unknown version",
        "This version reads documents of version 1.",
        'Write `stratum: "1"`.',
    ),
    "E123": (
        "Nothing inside",
        "A contract has fields, a flow has steps, a race has branches, a debate has agents.",
        "Give it what it needs.",
    ),
    "E124": (
        "Value listed twice",
        "Options and enum values stand once.",
        "Remove one.",
    ),
}

DOCUMENT_CODES = table(_TEXT | _YAML | _KEYS)
