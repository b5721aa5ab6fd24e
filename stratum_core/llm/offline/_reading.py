"""What the offline model understands of a request: instructions here, material there, corrections apart.

It reads the compiled layout (see `stratum_core.llm`): system text, then one user block with `name: value` lines and
an attachment between hashed delimiters, then, on a retry, a block with violations. Anything in another layout counts
as plain material, so that hand-written requests work too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.llm._port import ModelRequest

__all__ = ["Material", "Side", "read_request", "texts_of"]

_ATTACHMENT = re.compile(
    r"^<data (?P<mark>[0-9a-f]+)>\n(?P<body>.*)\n</data (?P=mark)>$", re.DOTALL | re.MULTILINE
)
_SIDE = re.compile(
    r"\b(?:argue|speak|plead|object|make (?:the|a) case)\b[^.\n]*?\b(?:(?P<against>against)|for|in favou?r)\b",
    re.IGNORECASE,
)
_LINE = re.compile(r"^(?P<name>[A-Za-z_][\w.]*): (?P<value>.*)$")


Side: TypeAlias = Literal["for", "against", ""]
"""What a request has the model argue for; empty: it is asked for no side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One request, taken apart."""

    instruction: str
    """Intent and context."""
    values: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Every input by name, plain and attached ones together."""
    attached: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Only the attached ones: the data to work on."""
    violations: tuple[str, ...] = ()
    """What an earlier answer did wrong; empty on a first attempt."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts to work on: the attached ones, else the plain ones, in order."""
        attached = tuple(texts_of(self.attached))
        return attached or tuple(texts_of(self.values))

    @property
    def side(self) -> Side:
        """The side the instruction has the model take."""
        found = _SIDE.search(self.instruction)
        if found is None:
            return ""
        return "against" if found["against"] else "for"

    @property
    def subject(self) -> str:
        """The text the request is about: all texts, each on lines of its own."""
        return "\n".join(self.texts)


def read_request(request: ModelRequest) -> Material:
    """Take a request apart."""
    system = [block for message in request.messages if message.role == "system" for block in message.blocks]
    user = [block for message in request.messages if message.role == "user" for block in message.blocks]
    first, later = (user[0], user[1:]) if user else ("", [])
    match = _ATTACHMENT.search(first)
    attached = _parse_record(match["body"]) if match else dict[str, JsonValue]()
    plain = _plain_values(first[: match.start()] if match else first)
    if not plain and not attached:
        plain = {"text": first}
    return Material(
        instruction="\n".join(system),
        values={**plain, **attached},
        attached=attached,
        violations=tuple(line for block in later for line in block.splitlines() if line.strip()),
    )


def texts_of(value: JsonValue) -> Iterator[str]:
    """Yield every non-empty text in a value, in order."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts_of(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from texts_of(part)


def _plain_values(text: str) -> dict[str, JsonValue]:
    """Read the `name: value` lines."""
    found: dict[str, JsonValue] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            found[match["name"]] = _parse_value(match["value"])
    return found


def _parse_value(text: str) -> JsonValue:
    """Read a plain value: JSON where it is JSON, else the text itself."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def _parse_record(text: str) -> Mapping[str, JsonValue]:
    """Read the attachment; a damaged one counts as one text."""
    value = _parse_value(text)
    return value if isinstance(value, Mapping) else {"text": text}
