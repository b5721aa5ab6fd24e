"""Filling an output schema from a request: the offline model's way of answering.

Fields are filled in the order decisions, numbers, texts, so that a confidence can follow from a choice and a reason
can name it; the answer keeps the schema's order.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stratum_core.contracts import JsonValue
from stratum_core.llm.offline._choosing import Choice, choose, severity, topics
from stratum_core.llm.offline._language import clip, content_words, keywords, sentences, words
from stratum_core.llm.offline._polarity import Polarity, read_polarity
from stratum_core.llm.offline._reading import Material
from stratum_core.llm.offline._schema import (
    Schema,
    bound,
    clamp,
    inner,
    is_optional,
    items,
    kind_of,
    properties,
    text,
)
from stratum_core.llm.offline._writing import find_date, find_number, find_token, fit_pattern, write_text

__all__ = ["fill_schema"]

_FIRST_KINDS = {"enum": 0, "boolean": 1, "number": 2, "integer": 2}
_CERTAINTY_NAME = re.compile(r"confiden|certain|probab|likel", re.IGNORECASE)
_SEVERITY_NAME = re.compile(r"sever|urgen|risk|priorit|anger|toxic", re.IGNORECASE)
_TAG_NAME = re.compile(r"tag|keyword|term|topic|label|categor", re.IGNORECASE)
_NO_DATE = "2026-01-01"
_IDENTIFIER_CHARS = 64
_LIST_ITEMS = 3
_MAX_DATA_ITEMS = 20
_DOUBT = 0.5
_PADDING = "No further detail is given."


@dataclass(slots=True, kw_only=True)
class _Filling:
    """One answer in the making."""

    material: Material
    polarity: Polarity
    doubtful: bool
    certainty: float
    """Of the latest choice in the record being filled."""
    decided: list[str] = field(default_factory=list[str])
    """Choices in the record being filled, in words."""


def fill_schema(schema: Schema, material: Material, *, doubtful: bool = False) -> JsonValue:
    """Return an answer for a request.

    Args:
        schema: The output schema; it is satisfied except where it asks for a text in a form the request has no
            example of.
        material: The request.
        doubtful: Whether to answer with little confidence.
    """
    polarity = read_polarity(material.subject, labels=_labels(schema), values=material.values)
    if material.side:
        polarity = replace(polarity, score=0.8 if material.side == "for" else -0.8)
    start = _Filling(material=material, polarity=polarity, doubtful=doubtful, certainty=polarity.certainty)
    return _fill(schema, "", start)


def _labels(schema: JsonValue) -> list[str]:
    """Return every text label the schema allows anywhere."""
    if isinstance(schema, Mapping):
        own = [value for value in items(schema.get("enum")) if isinstance(value, str)]
        return own + [label for part in schema.values() for label in _labels(part)]
    return [label for part in items(schema) for label in _labels(part)]


def _fill(schema: Schema, name: str, state: _Filling) -> JsonValue:
    """Fill one schema node."""
    node = inner(schema)
    if is_optional(schema) and not _has_evidence(node, name, state):
        return None
    match kind_of(node):
        case "enum":
            return _fill_enum(node, name, state)
        case "object":
            return _fill_object(node, state)
        case "array":
            return _fill_list(node, name, state)
        case "boolean":
            return _fill_boolean(node, name, state)
        case "integer":
            return round(_fill_number(node, name, state))
        case "number":
            return round(_fill_number(node, name, state), 2)
        case "null":
            return None
        case "string":
            return _fill_string(node, name, state)
        case _:
            return {"text": clip(" ".join(sentences(state.material.subject)), 200)}


def _has_evidence(node: Schema, name: str, state: _Filling) -> bool:
    """Return whether an optional field has something to be filled with."""
    if text(node, "format").startswith("date"):
        return find_date(state.material) is not None
    kind = kind_of(node)
    if kind in {"number", "integer"} and bound(node, "maximum") is None and not _CERTAINTY_NAME.search(name):
        return find_number(name, state.material) is not None
    asks_for_token = any(hint in name.lower() for hint in ("email", "url", "phone"))
    return not (kind == "string" and asks_for_token) or find_token(name, state.material) is not None


def _fill_object(node: Schema, state: _Filling) -> JsonValue:
    """Fill a record, or a map."""
    parts = properties(node)
    rest = node.get("additionalProperties")
    if not parts and isinstance(rest, Mapping):
        return {word: _fill(rest, word, state) for word in keywords(state.material.subject, _LIST_ITEMS)}
    record = replace(state, decided=[], certainty=state.polarity.certainty)
    order = sorted(parts, key=lambda key: _FIRST_KINDS.get(kind_of(inner(parts[key])), 3))
    filled = {key: _fill(parts[key], key, record) for key in order}
    return {key: filled[key] for key in parts}


def _fill_enum(node: Schema, name: str, state: _Filling) -> JsonValue:
    """Choose one of the allowed values and remember the choice."""
    listed = items(node.get("enum", [node.get("const")]))
    values = [value for value in listed if value is None or isinstance(value, (str, int, float))]
    given = state.material.values.get(name)
    if isinstance(given, (str, int, bool)) and given in values:
        choice = Choice(value=given, certainty=1.0)
    else:
        said = f"{state.material.instruction}\n{name} {text(node, 'description')}"
        judged = "\n".join((state.material.subject, *state.decided))
        choice = choose(values, judged, said, state.polarity)
    state.certainty = choice.certainty
    state.decided.append(f"{name or 'it'} is {choice.value}")
    return choice.value


def _fill_boolean(node: Schema, name: str, state: _Filling) -> bool:
    """Say yes when the text is about what the field asks, or has the tone it asks for."""
    asked = f"{name} {text(node, 'description')}"
    tone = read_polarity(asked.replace("_", " ")).score
    shared = set(content_words(asked)) & set(content_words(state.material.subject))
    return bool(shared) or (tone < -0.2 and state.polarity.score < -0.2)  # noqa: PLR2004 - both clearly negative


def _fill_number(node: Schema, name: str, state: _Filling) -> float:
    """Return a number: a confidence, a place on a scale, one that is given, or one from the text."""
    low, high = bound(node, "minimum"), bound(node, "maximum")
    if _CERTAINTY_NAME.search(name):
        certainty = min(_DOUBT, state.certainty) if state.doubtful else state.certainty
        return clamp(certainty * (high if high is not None and high > 1 else 1.0), node)
    given = state.material.values.get(name)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return clamp(given, node)
    if low is not None and high is not None:
        share = (state.polarity.score + 1) / 2
        if _SEVERITY_NAME.search(name):
            share = severity(state.material.subject, state.polarity)
        return low + share * (high - low)
    if "word" in name.lower():
        return clamp(len(words(state.material.subject)), node)
    return clamp(find_number(f"{name} {text(node, 'description')}", state.material) or 0.0, node)


def _fill_string(node: Schema, name: str, state: _Filling) -> str:
    """Return a text of the wanted form and length."""
    form = text(node, "format")
    if form.startswith("date"):
        day = find_date(state.material) or _NO_DATE
        return day if form == "date" else f"{day}T00:00:00Z"
    if text(node, "contentEncoding") == "base64":
        return base64.b64encode(state.material.subject[:24].encode()).decode()
    given = state.material.values.get(name)
    if isinstance(given, str) and len(given) <= _IDENTIFIER_CHARS and " " not in given:
        written = given
    else:
        described = text(node, "description")
        written = find_token(name, state.material) or write_text(
            name, described, state.material, state.polarity, ", ".join(state.decided)
        )
    pattern = text(node, "pattern")
    if pattern:
        written = fit_pattern(written, pattern, state.material)
    return _fit_length(written, node)


def _fit_length(written: str, node: Schema) -> str:
    """Bring a text to the wanted length."""
    least, most = bound(node, "minLength"), bound(node, "maxLength")
    while least is not None and len(written) < least:
        written = f"{written} {_PADDING}".strip()
    return written if most is None else clip(written, int(most))


def _fill_list(node: Schema, name: str, state: _Filling) -> JsonValue:
    """Return as many items as the data gives, within the wanted count."""
    item = node.get("items")
    shape: Schema = item if isinstance(item, Mapping) else {}
    least = int(bound(node, "minItems") or 0)
    most = bound(node, "maxItems")
    found = _list_items(inner(shape), name, state)
    while len(found) < least:
        found.append(found[-1] if found else _fill(shape, name, state))
    return found if most is None else found[: int(most)]


def _list_items(node: Schema, name: str, state: _Filling) -> list[JsonValue]:
    """Return the items of a list by what they are."""
    subject = state.material.subject
    match kind_of(node):
        case "enum":
            labels = [value for value in items(node.get("enum")) if isinstance(value, str)]
            shared = topics(labels, subject, f"{state.material.instruction}\n{name}")
            return [label for label in labels if shared[label] > 0] or [_fill_enum(node, name, state)]
        case "object":
            return [_fill(node, name, _about(part, state)) for part in _elements(state.material)]
        case "string" if not {"format", "contentEncoding", "pattern"} & set(node):
            if _TAG_NAME.search(name):
                return [_fit_length(word, node) for word in keywords(subject, _LIST_ITEMS)]
            return [_fit_length(part, node) for part in sentences(subject)[:_LIST_ITEMS]]
        case _:
            return [_fill(node, name, state)]


def _elements(material: Material) -> list[JsonValue]:
    """Return what a list of records is about: the items of the first list in the data, else its sentences."""
    for value in material.values.values():
        listed = items(value)
        if listed:
            return listed[:_MAX_DATA_ITEMS]
    return [*sentences(material.subject)[:_LIST_ITEMS]]


def _about(element: JsonValue, state: _Filling) -> _Filling:
    """Return the state for one element of the data."""
    values: Mapping[str, JsonValue] = element if isinstance(element, Mapping) else {"text": element}
    material = replace(state.material, attached=values, values=values)
    polarity = read_polarity(material.subject, values=values)
    return replace(state, material=material, polarity=polarity, certainty=polarity.certainty, decided=[])
