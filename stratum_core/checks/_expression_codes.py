"""What the codes of the expression language mean (E2xx and W523)."""

from __future__ import annotations

from stratum_core.checks._code_info import Rows, table

__all__ = ["EXPRESSION_CODES"]

_GRAMMAR: Rows = {
    "E200": (
        "Expression too large",
        "Length, depth and number of parts are limited, so that checking and running it is always quick.",
        "Move the logic to a compute function, or split the step.",
    ),
    "E201": (
        "Character or literal that cannot be read",
        "A quote that is not closed, a bad escape, a number out of range, or a sign the language does not have.",
        "Correct it as the message says.",
    ),
    "E202": (
        "Not an expression",
        "The parts do not fit together: something is missing or too much.",
        "Correct the place the message marks.",
    ),
    "E203": (
        "Not part of the language",
        "Expressions are a strict subset of Python: no powers, bit operations, assignment, or statements.",
        "Use what the message offers.",
    ),
    "E204": (
        "Comprehension that is too much",
        "A comprehension has one `for` and at most one `if`.",
        "Split it over two steps, or nest `any` or `all`.",
    ),
    "E205": (
        "f-string or bytes",
        "Text literals are plain.",
        'Join text with +: `"a " + input.name`.',
    ),
    "E206": (
        "Tuple, set or bad record",
        "There are lists `[a, b]` and records with text keys, each key once.",
        "Write a list or a record.",
    ),
    "E207": (
        "Named or starred argument",
        "Arguments are given by position.",
        "Remove names and stars.",
    ),
    "E208": (
        "Lambda",
        "A condition is the body itself; the answer is called `result`.",
        "Write the body.",
    ),
    "E221": (
        "Spelling of another language",
        (
            "`&&`, `||`, `!`, `===`, `true`, `null`, `.length`, `${{ }}` and their like are recognised, so that the "
            "fix is certain, but there is one spelling."
        ),
        "Apply the fix.",
    ),
}

_TYPES: Rows = {
    "E209": (
        "Name used twice",
        "A comprehension may not hide a name that is in scope.",
        "Use another name in the comprehension.",
    ),
    "E210": (
        "Unknown name",
        (
            "An expression reads what is in scope at its place: inputs in functions; `input` and earlier steps in "
            "flows; `item` and `index` in a for_each; `result` in `ensure`; `results` in `validate`."
        ),
        "Correct the name; put text in quotes of its own.",
    ),
    "E211": (
        "Unknown field",
        "The contract has no field of that name.",
        "Use one of its fields.",
    ),
    "E212": (
        "Unknown function or method",
        "Expressions have a fixed set of functions and methods; functions of the document are called by steps.",
        "Use one of the list, or a step of its own.",
    ),
    "E213": (
        "Wrong number of arguments",
        "Every function has a fixed number of arguments.",
        "Add or remove arguments.",
    ),
    "E214": (
        "Types that do not go together",
        "The operation does not apply to values of these types.",
        "Convert or choose a value of the right type.",
    ),
    "E215": (
        "Condition that is not a bool",
        "There is no truthiness: whether an empty list or 0 counts as false is written out.",
        "Write the comparison, for example `len(xs) > 0`.",
    ),
    "E216": (
        "Value that may be null",
        "An optional value, such as that of a step with `when`, is tested before it is read.",
        "Write `x is not None and ...` or `default(x, ...)`.",
    ),
    "E217": (
        "Value that is not in the enum",
        "The comparison is never true, because the value is not one of those allowed.",
        "Use one of the values.",
    ),
    "E218": (
        "Pattern that cannot be used",
        "The pattern of `matches` is a text literal for a linear-time engine.",
        "Write it out; no look-around, no back-references.",
    ),
    "E219": (
        "Records compared",
        "Whole records, maps and lists of them are not compared.",
        "Compare an id or another plain field.",
    ),
    "E220": (
        "Wrong type of result",
        "The expression gives another type than is wanted here.",
        "Give a value of the wanted type.",
    ),
    "E222": (
        "Probabilistic value read directly",
        "A function with `stable: false` gives a set of samples.",
        "Read it through `most_likely(x)` or `assert_stable(x, 0.9)`.",
    ),
    "E223": (
        "Condition that can never be true",
        "The declared ranges exclude it; every attempt would fail and cost money.",
        "Correct the threshold.",
    ),
    "W523": (
        "Condition that is always true",
        "The declared types or ranges make it true for every value, so it checks nothing.",
        "Remove it, or correct the threshold.",
    ),
}

EXPRESSION_CODES = table(_GRAMMAR | _TYPES)
