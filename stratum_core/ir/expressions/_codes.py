"""What the codes of this stage mean: E2xx and W523.

The texts are what `docs/errors.md` prints; a message in a finding adds the actual names and values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["EXPRESSION_CODES"]

EXPRESSION_CODES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "E200": (
            "Expression too large",
            (
                "An expression has at most 4,096 characters, 1,000 parts and 64 levels of nesting, so that checking "
                "and running it always ends quickly."
            ),
            "Move the logic to a compute function, or split it over several steps.",
        ),
        "E201": (
            "Unreadable character or literal",
            (
                "Comments, typographic quotes, control escapes such as `\\b`, integers over 64 bits and text without a "
                "closing quote are not part of the language."
            ),
            'Write `matches(x, "\\\\bword\\\\b")` with the backslash twice, and straight quotes.',
        ),
        "E202": (
            "Syntax",
            (
                "The text does not form one expression: a value, an operator or a bracket is missing, or a word of the "
                "language stands where a name is needed."
            ),
            'Add what is missing; a field called `class` is read as `x["class"]`.',
        ),
        "E203": (
            "Not part of the language",
            "`**`, bitwise operators, `:=`, slices with a step, `is` with anything but None, and `await` are left out.",
            "Write `x * x`, `and` for `&`, `==` for `is`.",
        ),
        "E204": (
            "Comprehension",
            (
                "A comprehension has one `for` and at most one `if`; a generator stands only as the one argument of a "
                "function; several names take the items of `zip` apart."
            ),
            "Write `[f(x) for x in items if a and b]`; flatten lists of lists with `flatten(...)`.",
        ),
        "E205": (
            "Literal with a prefix",
            "f-strings and bytes literals are not part of the language.",
            'Join text with +: `"Hello " + input.name`.',
        ),
        "E206": (
            "Tuple, set or odd record",
            "There are list and record literals; the keys of a record are text literals, each once.",
            'Write `["a", "b"]` and `{"key": value}`.',
        ),
        "E207": (
            "Named or starred argument",
            "Arguments are given by position.",
            "Write `round(x, 2)`.",
        ),
        "E208": (
            "Lambda",
            "A condition is the body of the lambda; the value it judges is called `result`.",
            "Write `result.confidence > 0.7` for `lambda r: r.confidence > 0.7`.",
        ),
        "E209": (
            "Name taken",
            "The name of a comprehension must not hide another name, so that a reader sees which one is meant.",
            "Use another name, e.g. `x`.",
        ),
        "E210": (
            "Unknown name",
            (
                "An expression reads the names of its place: inputs, `result`, `input`, earlier steps, `item`, "
                "`index`. Text needs quotes."
            ),
            'Correct the spelling, move the step up, or quote the text: `"none"`.',
        ),
        "E211": (
            "Unknown field",
            "The contract does not have this field, or the value has no fields at all.",
            "Use one of the fields that the message lists.",
        ),
        "E212": (
            "Unknown function or method",
            "Only the functions and methods of the language can be called; there is no import, clock or randomness.",
            "Use one of the functions that the message lists, or a compute function.",
        ),
        "E213": (
            "Number of arguments",
            "The function takes another number of arguments.",
            "Look its signature up in docs/ir.md.",
        ),
        "E214": (
            "Types that do not go together",
            "Numbers go with numbers, text with text, dates with dates; a list holds one type.",
            "Convert with `str(...)`, `int(...)` or `float(...)`, or compare a field.",
        ),
        "E215": (
            "Not a condition",
            "Conditions are bool: there is no truthiness, and `or` gives no fallback.",
            "Write `len(items) > 0`, `x is not None`, or `default(x, fallback)`.",
        ),
        "E216": (
            "May be null",
            (
                "The value is optional, and null would fail here. A test for null before it is understood, in `and`, "
                "`or`, `if ... else`, a comprehension and `when`."
            ),
            "Write `x is not None and ...`, or `default(x, fallback)`.",
        ),
        "E217": (
            "Value that never matches",
            "The enum does not have this value, or the text is no date, so the comparison could never be true.",
            "Use one of the values that the message lists.",
        ),
        "E218": (
            "Pattern",
            (
                "A pattern is a text literal for a linear-time engine: no look-around, no back-references, at most 500 "
                "characters and 2,000 states. `find_all` knows fewer constructs."
            ),
            'Simplify it: `matches(x, "^[A-Z]{2}-\\\\d+$")`.',
        ),
        "E219": (
            "Records compared",
            "Records are not compared as a whole; what makes two of them equal is a decision.",
            "Compare an id: `x.id == y.id`, `x.id in [y.id for y in items]`.",
        ),
        "E220": (
            "Another type is needed",
            "The value does not fit the type that its place needs.",
            "Change the expression, or the declared type.",
        ),
        "E221": (
            "Foreign spelling",
            (
                "The meaning is clear but the spelling is of another language: `&& || ! === null true ?: ?. ?? => "
                ".length .includes(x) ${{ x }} $.input.x`. The fix can be applied as it stands."
            ),
            "Apply the fix; text literals are never touched.",
        ),
        "E222": (
            "Probabilistic value read directly",
            "A function with `stable: false` gives samples, not one value.",
            "Write `most_likely(x)`, or `assert_stable(x, 0.9)` to demand agreement.",
        ),
        "E223": (
            "Can never be true",
            "The ranges of the contract rule the comparison out: every attempt would fail and cost money.",
            "Correct the threshold; a confidence lies between 0 and 1.",
        ),
        "W523": (
            "Decides nothing",
            "The types or ranges already guarantee what is tested (or rule it out), so the test has no effect.",
            "Remove it, or correct the threshold.",
        ),
    },
)
"""Code to title, explanation and an example of the remedy."""
