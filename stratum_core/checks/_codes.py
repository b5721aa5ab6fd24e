"""What the codes of names, types, signatures, flow rules, policy and limits mean (E3xx, E4xx, W5xx, N).

The texts are what `docs/errors.md` prints; a message in a diagnostic adds the actual names and values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from stratum_core.ir import CodeInfo

__all__ = ["MEANING_CODES"]

_Rows: TypeAlias = Mapping[str, tuple[str, str, str]]
"""Title, explanation and remedy by code."""

_TYPES: _Rows = {
    "E302": (
        "Name that means something else",
        (
            "Contracts stand beside built-in types such as `string`, and conditions call the answer `result` and the "
            "value of a refine's check `check`."
        ),
        "Choose another name.",
    ),
    "E304": (
        "Contracts in a circle",
        "A contract that holds itself, also through others, has no finite JSON Schema.",
        "Refer to the other record by an id field.",
    ),
    "E305": (
        "Unknown function, flow or step",
        "Calls, `after`, `refine.check` and debates name things of this document; nothing is imported.",
        "Correct the spelling, or define what is missing.",
    ),
    "E306": (
        "Nothing to run",
        "A document needs at least one flow or one function.",
        "Add a flow with its steps, or a function.",
    ),
}

_FUNCTIONS: _Rows = {
    "E311": (
        "Template in plain text",
        (
            "`intent` and `context` are sent as they stand. Values are never pasted into them: every input reaches the "
            "model as data, under its name."
        ),
        "Take the braces out.",
    ),
    "E312": (
        "One attempt cannot fit the budget",
        "The answer alone may take `max_tokens`; a call budget with fewer tokens refuses every attempt.",
        "Raise `budget.tokens` or lower `max_tokens`.",
    ),
    "E315": (
        "Incomplete quorum",
        "`quorum`, `agree_on` and `threshold` go together: how many votes, on which field, and how many must agree.",
        "Write all three, or none.",
    ),
    "E316": (
        "Threshold out of range",
        "More than half of the votes must agree, or two answers could both win; and no more than all of them.",
        "Write a threshold above half of `quorum` and not above it.",
    ),
    "E317": (
        "Wrong mode for this place",
        (
            "`refine.check` must be a compute function, because it runs after every iteration and must be free; "
            "debaters and the synthesizer must be infer functions."
        ),
        "Name a function of the other mode.",
    ),
    "E318": (
        "Input of the check is not at hand",
        "`refine.check` is called with `result` (the candidate) and the inputs of the refined function, by name.",
        "Name its parameters `result` or like the inputs, with the same types.",
    ),
    "E319": (
        "Agreement on what is not a field",
        "`agree_on` compares one plain field of the answers: text, a number, a bool, a date or an enum.",
        "Name such a field of the output contract.",
    ),
}

_STEPS: _Rows = {
    "E321": (
        "Unknown input",
        "The called function or flow does not take an input of that name.",
        "Use one of the names it declares.",
    ),
    "E322": (
        "Missing input",
        "Every input that is not optional must be given.",
        "Add it under `inputs`.",
    ),
    "E323": (
        "Literal of the wrong type",
        "Numbers, bools, lists and null stand for themselves in an input; this one is not of the declared type.",
        "Write a value of that type, or an expression.",
    ),
    "E324": (
        "Step id taken",
        (
            "A step id names the step's value for later steps, so it is unique in its flow; `input`, `item` and "
            "`index` are taken."
        ),
        "Choose another id.",
    ),
    "E325": (
        "for_each over something else than a list",
        "`for_each` runs the verb once for each item of a list.",
        "Give a list; for a map use `.values()` or `.keys()`.",
    ),
    "E327": (
        "Branches of different types",
        (
            "A race, and a parallel step that does not require all branches, gives any of the branches' values, so "
            "they need a common type."
        ),
        "Make the branches return the same contract, or write `require: all`.",
    ),
    "E328": (
        "Impossible requirement",
        "More successes are required than there can be.",
        "Lower `require`.",
    ),
    "E329": (
        "Wrong signature for a debate",
        (
            "Debate agents take exactly `topic` and `arguments: optional<json>` and return the same contract; the "
            "synthesizer takes `topic`, `arguments: json` and `converged: bool` and returns a contract. With "
            "`unresolved: human` its field named by `agree_on` holds what the person decided, so every position has to "
            "fit there."
        ),
        "Give the function that signature.",
    ),
    "E330": (
        "Flows in a circle",
        "A flow that calls itself, also through others, would never end; its cost has no bound.",
        "Use `for_each` for repetition and `refine` for improvement.",
    ),
    "E331": (
        "Fields where a single value is wanted",
        "A map of fields makes a record; the declared result is something else.",
        "Write one expression, or make the output a contract.",
    ),
    "E332": (
        "Unknown field in a result",
        "The declared contract has no field of that name.",
        "Use one of its fields.",
    ),
    "E333": (
        "Missing field in a result",
        "Every field of the contract that is not optional must be given.",
        "Add it.",
    ),
    "E334": (
        "Step waits for itself or a later step",
        "A step reads and waits for earlier steps only, so that a flow has no circles and always ends.",
        "Move the step down, or take the name out of `after`.",
    ),
    "E335": (
        "Answer on timeout that nobody could give",
        "`on_timeout` is `fail` or one of the answers a person can choose.",
        "Write `fail` or one of the options.",
    ),
    "E336": (
        "on_timeout without timeout",
        "Without `timeout` the question waits for as long as it takes, so `on_timeout` is never used.",
        "Add a timeout, for example `timeout: 24h`.",
    ),
    "E337": (
        "Flow reaches too far",
        (
            "At most 32 flows stand inside each other, and a flow comes to at most 20,000 steps with those of flows "
            "it calls, a `for_each` counted once: a plan follows every one of them."
        ),
        "Repeat with `for_each` over a list, or split the work into several runs.",
    ),
}

_POLICY: _Rows = {
    "E401": (
        "Model not allowed",
        "The operator of this machine lists the models that may be used.",
        "Use a listed model, or leave `model` out.",
    ),
    "E402": (
        "Budget above the operator's cap",
        "The operator of this machine sets the most that one run may spend.",
        "Lower the budget.",
    ),
    "E403": (
        "Python function not registered",
        "A document cannot name code of its own: `python` refers to a function the operator has registered.",
        "Ask the operator to register it, or write an expression.",
    ),
    "E404": (
        "Opaque value would become instructions",
        (
            "Opaque values reach a model as an attachment only. A plain string parameter of an infer function, or of a "
            "flow, would carry the text on without that mark."
        ),
        "Declare the parameter `opaque<string>`.",
    ),
}

_WARNINGS: _Rows = {
    "W501": (
        "Flow without a budget",
        "The flow calls models but has no cap of its own; only the caller's or the operator's applies.",
        "Add `budget: { usd: 0.50 }` to the flow.",
    ),
    "W502": (
        "Call budget above the flow's",
        "One call may use more than the whole flow may; the flow's cap is the one that counts.",
        "Lower the call's budget, or raise the flow's.",
    ),
    "W503": (
        "Condition that checks nothing",
        (
            "An `ensure` that does not read `result` is the same before and after the call: asking the model again "
            "cannot change it."
        ),
        "Read `result`, or make it a `given`.",
    ),
    "W504": (
        "Fan-out without a bound",
        "A model decides how long this list is, and every item is a paid call; the plan cannot count them.",
        "Bound the list in its contract with `max_length`, or take a slice such as `[:20]`.",
    ),
    "W505": (
        "`converged` is not read",
        "The debate's synthesizer answers even when the agents did not agree; nothing here looks at whether they did.",
        "Read `converged` in a later step or in `return`, or write `unresolved: human` or `fail`.",
    ),
    "W506": (
        "Function is never used",
        "No flow reaches it.",
        "Call it, or remove it.",
    ),
    "W507": (
        "Text of unknown origin as plain text",
        (
            "A model wrote this text from opaque data, so it may repeat instructions hidden there; the parameter it "
            "goes into is a plain string."
        ),
        "Declare the parameter `opaque<string>`.",
    ),
}

_NOTES: _Rows = {
    "N601": (
        "More findings",
        "Only the first fifty findings are shown.",
        "Mend these and check again.",
    ),
}

_ROWS: _Rows = {**_TYPES, **_FUNCTIONS, **_STEPS, **_POLICY, **_WARNINGS, **_NOTES}

MEANING_CODES: Mapping[str, CodeInfo] = MappingProxyType(
    {
        code: CodeInfo(title=title, explanation=explanation, remedy=remedy)
        for code, (title, explanation, remedy) in _ROWS.items()
    },
)
