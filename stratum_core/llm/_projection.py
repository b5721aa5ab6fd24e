"""Projection: the part of an output schema that a provider accepts.

Providers reject a request whose schema holds a keyword they do not know, and each knows another subset of
JSON Schema. `project` keeps what the provider accepts and says in a field's description what it had to leave
out, so that the model can still follow it. The full contract is enforced on our side, on the answer, whatever
the provider does; the projection only makes a first attempt likely to pass.

Three things can come out, told apart by `enforcement`: a schema the provider enforces exactly (`strict`), a
provider that only promises JSON (`json`), or one that promises nothing (`prompt`). In the last two the schema
goes to the model as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.llm._port import SchemaEnforcement

__all__ = ["Dialect", "Projection", "dialect_of", "holds_to_schema", "project"]

Schema: TypeAlias = Mapping[str, JsonValue]

_SHAPE: Final = frozenset(
    {"type", "properties", "required", "items", "enum", "anyOf", "$ref", "$defs", "description", "title"}
)
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The subset of JSON Schema one provider accepts."""

    name: str
    source: str
    """Where the provider, or who measured it, says so."""
    keywords: frozenset[str]
    """Keywords that may be sent; every other one is left out."""
    formats: frozenset[str] = frozenset()
    """Values of `format` that may be sent."""
    all_required: bool = False
    """Whether every property has to be required; an optional one becomes "type or null"."""
    open_objects: bool = False
    """Whether an object may have properties that are not listed (a map)."""
    enforcement: SchemaEnforcement = "strict"
    """What the provider promises for a schema that fits."""
    only_models: str = ""
    """A text in the names of the models that are held to a schema, where the provider's others are not."""
    without_schema: SchemaEnforcement = "json"
    """What it promises when the schema does not fit: JSON mode, or nothing."""


_OPENAI = Dialect(
    name="openai",
    source="https://platform.openai.com/docs/guides/structured-outputs#supported-schemas (2026-11)",
    keywords=_SHAPE | {"additionalProperties", "format", "minimum", "maximum", "minItems", "maxItems"},
    formats=_FORMATS,
    all_required=True,
)
_ANTHROPIC = Dialect(
    name="anthropic",
    source="https://platform.claude.com/docs/en/build-with-claude/structured-outputs (2026-11)",
    keywords=_SHAPE | {"additionalProperties", "format"},
    formats=_FORMATS | {"uri"},
    without_schema="prompt",
)
_GEMINI = Dialect(
    name="gemini",
    source="https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support (2026-11)",
    keywords=_SHAPE | {"additionalProperties", "format", "minimum", "maximum", "minItems", "maxItems"},
    formats=frozenset({"date-time", "date", "time"}),
    open_objects=True,
)
_COMMON = Dialect(
    name="common",
    source="https://console.groq.com/docs/structured-outputs (2026-11): the narrowest published subset",
    keywords=_SHAPE | {"additionalProperties"},
    all_required=True,
)
_GROQ = replace(_COMMON, name="groq", only_models="gpt-oss")
_JSON_MODE = Dialect(
    name="json",
    source="https://api-docs.deepseek.com/guides/json_mode (2026-11): JSON mode only, no schema",
    keywords=frozenset(),
    enforcement="json",
)
_PROMPT = Dialect(
    name="prompt",
    source="unknown provider: nothing is assumed",
    keywords=frozenset(),
    enforcement="prompt",
    without_schema="prompt",
)
_DIALECTS: Final[Mapping[str, Dialect]] = {
    "anthropic": _ANTHROPIC,
    "azure": _OPENAI,
    "cerebras": _COMMON,
    "deepseek": _JSON_MODE,
    "fireworks_ai": _COMMON,
    "gemini": _GEMINI,
    "groq": _GROQ,
    "mistral": _COMMON,
    "moonshot": _JSON_MODE,
    "openai": _OPENAI,
    "openrouter": _COMMON,
    "together_ai": _COMMON,
    "vertex_ai": _GEMINI,
    "xai": _COMMON,
}
_NOTE_FORMS: Final[Mapping[str, str]] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches the regular expression {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "format": "written as {}",
    "contentEncoding": "encoded as {}",
}
"""Constraints told in words when they cannot be sent; other keywords (`default`, `$id`) say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What is sent in a schema's place."""

    schema: Schema
    """For the provider's schema parameter under `strict`; otherwise for the prompt, in full."""
    dropped: tuple[str, ...]
    """Keywords that were left out somewhere, sorted."""
    enforcement: SchemaEnforcement
    dialect: str

    @property
    def hash(self) -> str:
        """12 hex over what is sent; differs between two runs when the projection changed."""
        text = json.dumps([self.enforcement, self.schema], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Walk:
    """One pass over a schema."""

    dialect: Dialect
    dropped: set[str] = field(default_factory=set[str])
    fits: bool = True
    """False once a part has no form in the dialect (a map, an untyped value)."""


def dialect_of(provider: str) -> Dialect:
    """Return the schema dialect of a provider; an unknown one is promised nothing."""
    return _DIALECTS.get(provider, _PROMPT)


def holds_to_schema(provider: str, name: str) -> bool:
    """Return whether a provider holds this model of its own to a schema, as far as the provider says."""
    dialect = dialect_of(provider)
    return dialect.enforcement == "strict" and dialect.only_models in name


def project(schema: Schema, provider: str, *, enforced: bool = True) -> Projection:
    """Return the part of `schema` that `provider` accepts.

    Args:
        schema: JSON Schema 2020-12 of an object.
        provider: As `provider_of` names it.
        enforced: False for a model of the provider that is not held to schemas.
    """
    dialect = dialect_of(provider)
    if dialect.enforcement == "strict" and not enforced:
        return Projection(schema=schema, dropped=(), enforcement=dialect.without_schema, dialect=dialect.name)
    if dialect.enforcement != "strict":
        return Projection(schema=schema, dropped=(), enforcement=dialect.enforcement, dialect=dialect.name)
    walk = _Walk(dialect)
    projected = _project(schema, walk)
    if not walk.fits:
        return Projection(schema=schema, dropped=(), enforcement=dialect.without_schema, dialect=dialect.name)
    return Projection(
        schema=projected, dropped=tuple(sorted(walk.dropped)), enforcement="strict", dialect=dialect.name
    )


def _project(schema: Schema, walk: _Walk) -> dict[str, JsonValue]:
    """Project one schema node and everything below it."""
    node = _with_one_spelling(schema)
    if not node.keys() & {"type", "enum", "anyOf", "$ref"}:
        walk.fits = False
    kept: dict[str, JsonValue] = {}
    notes: list[str] = []
    for keyword, value in node.items():
        if _accepted(keyword, value, walk.dialect):
            kept[keyword] = _project_part(keyword, value, walk)
            continue
        if keyword.startswith("x-"):
            continue
        walk.dropped.add(keyword)
        if keyword in _NOTE_FORMS:
            notes.append(_NOTE_FORMS[keyword].format(value))
    if "$ref" in kept:
        return {"$ref": kept["$ref"], **({"$defs": kept["$defs"]} if "$defs" in kept else {})}
    if _is_object(kept):
        _close(node, kept, walk)
    if notes:
        said = str(kept.get("description", ""))
        told = ", ".join(notes)
        kept["description"] = f"{said} ({told})" if said else told[0].upper() + told[1:]
    return kept


def _with_one_spelling(schema: Schema) -> dict[str, JsonValue]:
    """Write `const` as `enum` and `oneOf` as `anyOf`, and give an enum the type its values have."""
    node = dict(schema)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    values = _items(node.get("enum"))
    if values and "type" not in node:
        names = list(dict.fromkeys(_type_name(value) for value in values))
        node = {"type": names[0] if len(names) == 1 else names, **node}
    return node


def _type_name(value: JsonValue) -> str:
    """Return the JSON Schema type of a scalar."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case None:
            return "null"
        case _:
            return "string"


def _accepted(keyword: str, value: JsonValue, dialect: Dialect) -> bool:
    """Return whether a keyword with this value may be sent."""
    if keyword == "format":
        return keyword in dialect.keywords and value in dialect.formats
    return keyword in dialect.keywords


def _project_part(keyword: str, value: JsonValue, walk: _Walk) -> JsonValue:
    """Project the value of a kept keyword."""
    match keyword, value:
        case ("properties" | "$defs", Mapping()):
            return {name: _project(part, walk) for name, part in value.items() if isinstance(part, Mapping)}
        case ("items" | "additionalProperties", Mapping()):
            return _project(value, walk)
        case "anyOf", Sequence():
            return [_project(part, walk) for part in value if isinstance(part, Mapping)]
        case _:
            return value


def _is_object(node: Schema) -> bool:
    """Return whether a node describes an object (or an object or null)."""
    kind = node.get("type")
    return kind == "object" or "object" in _items(kind)


def _items(value: JsonValue) -> list[JsonValue]:
    """Return the items of a JSON list; of anything else, none."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _close(node: Schema, kept: dict[str, JsonValue], walk: _Walk) -> None:
    """Close an object to unlisted properties, and require all of them where the dialect wants that."""
    properties = kept.get("properties")
    rest = node.get("additionalProperties", False)
    if not isinstance(properties, Mapping) or rest is not False:
        walk.fits = walk.fits and walk.dialect.open_objects
        return
    kept["additionalProperties"] = False
    if walk.dialect.all_required:
        required = _items(node.get("required"))
        kept["properties"] = {
            name: part if name in required or not isinstance(part, Mapping) else _nullable(part)
            for name, part in properties.items()
        }
        kept["required"] = list(properties)


def _nullable(node: Schema) -> Schema:
    """Add null to what a node allows."""
    kind = node.get("type")
    names: list[JsonValue] = [kind] if isinstance(kind, str) else _items(kind)
    if not names:
        return _with_null_branch(node)
    widened: dict[str, JsonValue] = {**node, "type": names if "null" in names else [*names, "null"]}
    values = _items(node.get("enum"))
    if values and None not in values:
        widened["enum"] = [*values, None]
    return widened


def _with_null_branch(node: Schema) -> Schema:
    """Add null to a reference or a union."""
    branches = _items(node.get("anyOf"))
    if not branches:
        return {"anyOf": [node, {"type": "null"}]}
    if any(isinstance(part, Mapping) and part.get("type") == "null" for part in branches):
        return node
    return {**node, "anyOf": [*branches, {"type": "null"}]}
