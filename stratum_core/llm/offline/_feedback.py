"""What the offline model does with feedback in plain words: a limit of characters, a word that has to be there.

`Use at most 90 characters.` and `Use the word "spare".` are read; anything else is left alone. It changes the free
texts of an answer, with sentences of the request where they do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stratum_core.contracts import JsonValue
from stratum_core.llm.offline._language import clip, sentences
from stratum_core.llm.offline._schema import Schema, inner, kind_of, properties

__all__ = ["heed"]

_LIMIT = re.compile(
    r"(?<!expected )\b(?:at most|no more than|fewer than) (?P<count>\d+) characters", re.IGNORECASE
)
_WORD = re.compile(r"\b(?:use|say|mention|name) the words? \W{0,2}(?P<word>\w[\w -]*)", re.IGNORECASE)


def heed(answer: JsonValue, schema: Schema, feedback: Sequence[str], subject: str) -> JsonValue:
    """Return the answer with its free texts as the feedback wants them.

    Args:
        answer: The answer so far.
        schema: Its schema; texts of a stated form are left alone.
        feedback: The lines of the feedback.
        subject: The text the request is about.
    """
    said = "\n".join(feedback)
    limits = [int(found["count"]) for found in _LIMIT.finditer(said)]
    wanted = [found["word"] for found in _WORD.finditer(said)]
    return _heeding(answer, schema, min(limits, default=None), wanted, sentences(subject))


def _heeding(
    value: JsonValue, node: Schema, limit: int | None, wanted: Sequence[str], known: Sequence[str]
) -> JsonValue:
    """Go through the records of an answer."""
    shape = inner(node)
    if isinstance(value, Mapping):
        parts = properties(shape)
        return {
            name: _heeding(part, parts.get(name, {}), limit, wanted, known) for name, part in value.items()
        }
    is_free = kind_of(shape) == "string" and not {"format", "pattern", "contentEncoding"} & set(shape)
    if not isinstance(value, str) or not is_free:
        return value
    for word in wanted:
        if word.lower() not in value.lower():
            value = f"{next((one for one in known if word.lower() in one.lower()), word)} {value}"
    return value if limit is None else _within(value, limit, wanted)


def _within(text: str, limit: int, wanted: Sequence[str]) -> str:
    """Return the whole sentences that fit, those with a wanted word before others; else a cut text."""
    kept = ""
    for sentence in sorted(sentences(text), key=lambda one: not any(word in one for word in wanted)):
        longer = f"{kept} {sentence}".strip()
        kept = longer if len(longer) <= limit else kept
    return kept or clip(text, limit)
