"""Questions of a run in the client's dialog: one form for one question, or for a few of the same kind.

The dialog of Claude Code shows four lines and one line for each field, so a form says what is asked, the start of what
there is to see, and the command that shows all of it. Nothing in a form has a default: a stray Enter answers nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BaseModel, Field, StrictFloat, StrictInt, StrictStr, create_model

from stratum_mcp.plain import plain_line

if TYPE_CHECKING:
    from stratum_core.contracts import JsonValue
    from stratum_core.engine import ReviewView, Shown

__all__ = ["Decisions", "ask_about", "form_of", "shown_line", "together"]

_COLUMNS = 76
_LINES = 3  # and one for the command
_QUESTION_LINES = 2
_BETWEEN = "; "
_LEAST = 8
"""Characters of a part that are shown in any case."""
_NOTE = "note"
_TOGETHER = 5
"""Questions in one form at most."""
_NUMBERS: Mapping[str, object] = {"integer": StrictInt, "number": StrictFloat}
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "format")


class Decisions(BaseModel):
    """What a person filled in: a field `answer_N` for question N, and a note."""

    def answers(self) -> dict[int, JsonValue]:
        """Return the answers by the number of their question; what was left empty is not there."""
        given = cast("dict[str, JsonValue]", self.model_dump(exclude={_NOTE}))
        return {
            int(name.removeprefix("answer_")): value
            for name, value in given.items()
            if value is not None and value != ""
        }

    def reason(self) -> str:
        """Return the note."""
        return str(self.model_dump().get(_NOTE, ""))


def together(waiting: Sequence[ReviewView]) -> tuple[ReviewView, ...]:
    """Return the questions for one form: the first that waits, and the next of the same kind."""
    if not waiting:
        return ()
    same = [review for review in waiting if review.kind == waiting[0].kind]
    return tuple(same[:_TOGETHER])


def ask_about(reviews: Sequence[ReviewView], *, waiting: int, command: str) -> str:
    """Return the four lines over a form of questions of one kind.

    Args:
        reviews: The questions of the form, at least one.
        waiting: How many questions of the run wait in all.
        command: What a person types to read everything; the lines a long one takes are missing above it.
    """
    first = reviews[0]
    told = f"To read everything: {command}"
    lines = max(1, _LINES - (len(told) - 1) // _COLUMNS)
    asked = _wrapped(plain_line(first.question), min(lines, _QUESTION_LINES))
    if len(reviews) > 1:
        asked.append(f"{len(reviews)} of {waiting} that wait; one left empty goes on waiting.")
    elif first.shown:
        left = lines - len(asked)
        asked.extend(_wrapped(shown_line(first.shown, _COLUMNS * left), left) if left else ())
    return "\n".join([*asked, told])


def form_of(reviews: Sequence[ReviewView]) -> type[Decisions]:
    """Return the form: a field for each question, required when there is only one, and a note."""
    several = len(reviews) > 1
    fields: dict[str, Any] = {}
    for review in reviews:
        kind, extra = _field(review)
        told = shown_line(review.shown, _COLUMNS) if several else _hint(review)
        about = Field(
            title=f"Question {review.number}" if several else "Your answer",
            description=told or None,
            json_schema_extra=extra,
        )
        if several:
            fields[f"answer_{review.number}"] = (Annotated[kind | None, about], None)
        else:
            fields[f"answer_{review.number}"] = (Annotated[kind, about], ...)
    note = Field(default="", title="Reason (optional)", max_length=500)
    fields[_NOTE] = (str, note)
    return create_model("Decisions", __base__=Decisions, **fields)


def shown_line(shown: Sequence[Shown], limit: int) -> str:
    """Return what a question shows on one line, each part with its share; what came from outside is told as data."""
    parts = [
        f"{plain_line(part.label, 40)}{' (data)' if part.opaque else ''}: {_in_words(part.text)}"
        for part in shown
    ]
    room = limit - len(_BETWEEN) * (len(parts) - 1)
    cut: dict[int, str] = {}
    for index in sorted(range(len(parts)), key=lambda index: len(parts[index])):
        cut[index] = plain_line(parts[index], max(room // (len(parts) - len(cut)), _LEAST))
        room -= len(cut[index])
    return plain_line(_BETWEEN.join(cut[index] for index in range(len(parts))), limit)


def _in_words(text: str) -> str:
    """Return a record as its fields without the marks of JSON; anything else as it is."""
    try:
        record = json.loads(text)
    except ValueError:
        return text
    if not isinstance(record, dict):
        return text
    fields = cast("dict[str, JsonValue]", record)
    return ", ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in fields.items()
    )


def _field(review: ReviewView) -> tuple[Any, dict[str, Any]]:
    """Return the type of an answer's field and what its schema says beside; anything with parts is typed as JSON."""
    schema = review.answer_schema
    listed = schema.get("enum")
    if listed and review.options:
        return StrictStr, {"enum": listed}
    kind = str(schema.get("type", ""))
    if kind == "boolean":  # a box that nobody touched must not count as no
        return StrictStr, {"enum": ["yes", "no"]}
    bounds = {name: schema[name] for name in _BOUNDS if name in schema}
    if kind in _NUMBERS:
        return _NUMBERS[kind], {**bounds, "type": kind}
    return StrictStr, bounds if kind == "string" else {}


def _hint(review: ReviewView) -> str:
    """Return how an answer is written where the field alone does not say it."""
    return f"{'one of: ' if review.options else ''}{plain_line(review.answer, _COLUMNS)}"


def _wrapped(text: str, most: int) -> list[str]:
    """Return text in lines of the dialog's width, and where there are more than so many, the first of them."""
    lines: list[str] = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= _COLUMNS or not lines[-1]:
            lines[-1] = longer[:_COLUMNS]
        else:
            lines.append(word[:_COLUMNS])
    kept = [line for line in lines if line]
    return kept if len(kept) <= most else [*kept[: most - 1], f"{kept[most - 1][: _COLUMNS - 1]}…"]
