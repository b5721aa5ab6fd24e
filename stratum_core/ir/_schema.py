"""The published JSON Schema of documents, draft 2020-12: what `stratum schema` prints and editors complete from.

It describes shape and is at most as strict as `load`, which also knows which modifiers go together; names and types
of expressions are checks.
"""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import JsonValue

__all__ = ["SCHEMA_ID", "ir_schema"]

SCHEMA_ID = "urn:stratum:ir:1"

_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
_ID = "^[a-z][a-z0-9_]{0,63}$"
_Schema = dict[str, JsonValue]


def ir_schema() -> dict[str, JsonValue]:
    """Return the schema of a whole document, in JSON or read from YAML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Stratum document",
        **_object(
            {
                "stratum": {"const": "1", "description": "The version of the language, in quotes."},
                "name": _text("A name for people."),
                "description": _text("What the document is for."),
                "contracts": _named({**_named(_ref("type")), "minProperties": 1}, "Record types by name."),
                "functions": _named({"oneOf": [_ref("infer"), _ref("compute")]}, "Functions by name."),
                "flows": _named(_ref("flow"), "Flows by name."),
            },
            required=("stratum",),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> _Schema:
    """Return the parts the schema refers to."""
    return {
        "text": {"type": "string", "pattern": r"\S"},
        "texts": _one_or_many(_ref("text")),
        "expression": {
            "description": "Text is an expression; a number, boolean or list stands for itself.",
            "anyOf": [_ref("text"), {"type": ["number", "boolean", "array"]}],
        },
        "argument": {"anyOf": [_ref("expression"), {"type": "null"}]},
        "arguments": {"anyOf": [_named(_ref("argument")), {"type": "null"}]},
        "conditions": _one_or_many(_ref("expression")),
        "returns": {
            "description": "One expression, or one for each field.",
            "anyOf": [_ref("expression"), _named(_ref("argument"))],
        },
        "type": {"anyOf": [_ref("text"), _long_type()]},
        "parameters": {"anyOf": [_named(_ref("type")), {"type": "null"}]},
        "budget": _budget(),
        "concurrency": {"anyOf": [_whole(1, 1_024), {"const": "auto"}]},
        "infer": _infer(),
        "compute": _compute(),
        "flow": _flow(),
        "step": _step(),
        "branch": _branch(),
        "branches": {**_named(_ref("branch")), "minProperties": 1},
        "parallel": _object(
            {
                "branches": _ref("branches"),
                "require": {"anyOf": [{"enum": ["all", "any"]}, _whole(0, 1_000)]},
                "validate": _ref("expression"),
                "concurrency": _ref("concurrency"),
            },
            required=("branches",),
        ),
        "race": _object({"branches": {**_named(_ref("branch")), "minProperties": 2}}, required=("branches",)),
        "debate": _debate(),
        "await_human": _await_human(),
    }


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def _text(description: str) -> _Schema:
    return {**_ref("text"), "description": description}


def _whole(low: int, high: int) -> _Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _one_or_many(item: _Schema) -> _Schema:
    return {"anyOf": [{"type": "array", "items": item}, {"type": "string", "pattern": r"\S"}]}


def _named(value: _Schema, description: str = "") -> _Schema:
    """Return the schema of a map from names."""
    schema: _Schema = {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": value}
    if description:
        schema["description"] = description
        schema["type"] = ["object", "null"]
    return schema


def _object(properties: Mapping[str, _Schema], *, required: tuple[str, ...] = ()) -> _Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _one_of(keys: tuple[str, ...]) -> JsonValue:
    """Return the rule that exactly one of some keys is present."""
    return [{"required": [key]} for key in keys]


def _long_type() -> _Schema:
    number: _Schema = {"type": "number"}
    length = _whole(0, 1_000_000)
    return {
        **_object(
            {
                "type": _text("A type as text."),
                "min": number,
                "max": number,
                "min_length": length,
                "max_length": length,
                "pattern": _text("A regular expression that is searched; anchor with ^ and $."),
                "enum": {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": {"type": ["string", "number", "boolean", "null"]},
                },
                "description": _text("What the value means; the model reads it."),
            }
        ),
        "anyOf": [{"required": ["type"]}, {"required": ["enum"]}],
    }


def _budget() -> _Schema:
    return {
        **_object(
            {
                "usd": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000},
                "ms": _whole(1, 366 * 24 * 3_600_000),
                "tokens": _whole(1, 10**12),
                "calls": _whole(1, 10**9),
            }
        ),
        "minProperties": 1,
    }


def _infer() -> _Schema:
    return _object(
        {
            "mode": {"const": "infer"},
            "description": _ref("text"),
            "intent": _text("What the model is asked to do, in plain words; no templates."),
            "context": _ref("texts"),
            "input": _ref("parameters"),
            "output": _ref("type"),
            "given": {**_ref("conditions"), "description": "False: an error, and no call."},
            "ensure": {**_ref("conditions"), "description": "False: the model is asked again."},
            "model": _text("Leave it out unless the person named one."),
            "fallbacks": _ref("texts"),
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "max_tokens": _whole(1, 1_000_000),
            "budget": _ref("budget"),
            "retries": {**_whole(0, 10), "default": 3},
            "cache": {"enum": ["none", "session", "global"], "default": "none"},
            "stable": {"type": "boolean", "default": True},
            "quorum": _whole(2, 15),
            "agree_on": _ref("text"),
            "threshold": _whole(1, 15),
            "refine": _object(
                {
                    "check": _ref("text"),
                    "until": _ref("expression"),
                    "feedback": _ref("expression"),
                    "max_iterations": {**_whole(1, 50), "default": 5},
                },
                required=("until", "feedback"),
            ),
        },
        required=("mode", "intent", "output"),
    )


def _compute() -> _Schema:
    return {
        **_object(
            {
                "mode": {"const": "compute"},
                "description": _ref("text"),
                "input": _ref("parameters"),
                "output": _ref("type"),
                "given": _ref("conditions"),
                "ensure": _ref("conditions"),
                "expression": _ref("returns"),
                "python": _text("A function the operator registered."),
            },
            required=("mode", "output"),
        ),
        "oneOf": _one_of(("expression", "python")),
    }


def _flow() -> _Schema:
    return _object(
        {
            "description": _ref("text"),
            "input": _ref("parameters"),
            "output": _ref("type"),
            "budget": _ref("budget"),
            "steps": {"type": "array", "minItems": 1, "items": _ref("step")},
            "return": _ref("returns"),
        },
        required=("output", "steps", "return"),
    )


def _step() -> _Schema:
    verbs = ("function", "flow", "compute", "parallel", "race", "debate", "await_human")
    return {
        **_object(
            {
                "id": {"type": "string", "pattern": _ID},
                "description": _ref("text"),
                "when": _ref("expression"),
                "for_each": _ref("expression"),
                "validate": _ref("expression"),
                "concurrency": _ref("concurrency"),
                "require": {
                    "anyOf": [
                        {"const": "all"},
                        _whole(0, 1_000_000),
                        {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3})?\s*%$"},
                    ],
                    "default": "all",
                },
                "on_error": {"enum": ["fail", "drop", "none", "keep"]},
                "after": _ref("texts"),
                "function": _ref("text"),
                "flow": _ref("text"),
                "inputs": _ref("arguments"),
                "compute": _ref("expression"),
                **{verb: _ref(verb) for verb in verbs[3:]},
            },
            required=("id",),
        ),
        "oneOf": _one_of(verbs),
        "dependentSchemas": {
            "concurrency": {"required": ["for_each"]},
            "require": {"required": ["for_each"]},
            "inputs": {"anyOf": _one_of(("function", "flow"))},
            "validate": {"anyOf": _one_of(("for_each", "parallel"))},
        },
    }


def _branch() -> _Schema:
    return {
        **_object({"function": _ref("text"), "flow": _ref("text"), "inputs": _ref("arguments")}),
        "oneOf": _one_of(("function", "flow")),
    }


def _debate() -> _Schema:
    return _object(
        {
            "agents": {"type": "array", "minItems": 2, "items": _ref("text")},
            "topic": _ref("expression"),
            "rounds": {**_whole(1, 8), "default": 2},
            "agree_on": _ref("text"),
            "synthesize": _ref("text"),
            "unresolved": {"enum": ["synthesize", "human", "fail"], "default": "synthesize"},
        },
        required=("agents", "topic", "synthesize"),
    )


def _await_human() -> _Schema:
    return {
        **_object(
            {
                "question": _ref("text"),
                "show": {"type": ["object", "null"], "additionalProperties": _ref("argument")},
                "options": {
                    **_one_or_many(_ref("text")),
                    "description": "The answers to choose from; with neither options nor type: free text.",
                },
                "type": {**_ref("type"), "description": "The type of the answer, in place of options."},
                "timeout": {"type": "string", "pattern": "^[1-9][0-9]{0,6}[smhd]$"},
                "on_timeout": {**_ref("text"), "default": "fail"},
            },
            required=("question",),
        ),
        "not": {"required": ["options", "type"]},
    }
