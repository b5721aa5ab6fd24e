"""Definitions: what of a function can change between two runs, each part by its hash or its value.

Everything is taken from the document and the models a plan pinned. The schema is projected as this version of Stratum
does it; what the journal says of the provider's hold decides between a schema that was sent and one that was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue, content_hash, contract_hash
from stratum_core.llm import (
    CLAUDE_CLI_PREFIX,
    holds_to_schema,
    max_answer_tokens,
    output_schema,
    project,
    provider_of,
    template_hash,
)
from stratum_core.money import to_usd
from stratum_core.specs import ComputeSpec, Expression, InferSpec, Program, reached

__all__ = ["Definition", "PartName", "define"]

PartName: TypeAlias = Literal[
    "contract",
    "inputs",
    "conditions",
    "intent",
    "template",
    "model",
    "fallbacks",
    "schema",
    "temperature",
    "max_tokens",
    "retries",
    "cache",
    "stable",
    "quorum",
    "refine",
    "budget",
    "expression",
    "code",
    "requests",
    "answered_by",
]
"""A part of a function. The last two are no definition: what was sent for equal questions, by its hash, and who
answered, as the provider names it."""

_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One function as one run had it."""

    function: str
    mode: Literal["infer", "compute"]
    function_hash: str
    parts: Mapping[PartName, JsonValue]
    """Hashes of 12 hex, and the values of parameters."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the definition as a JSON record."""
        return {"mode": self.mode, "function_hash": self.function_hash, "parts": {**self.parts}}


def define(
    program: Program,
    flow: str,
    *,
    models: Mapping[str, str],
    code: Mapping[str, str],
    held: Mapping[str, Mapping[str, bool]],
) -> dict[str, Definition]:
    """Return the functions a flow reaches, in the order they are met.

    Args:
        program: The document.
        flow: The flow that was run.
        models: As a plan keeps them: `NAME`, and `NAME.fallbacks[0]` for those that stand in.
        code: The digest of each registered Python file, by the name documents know it by.
        held: By function and model, whether the provider held the model to the schema in every answer.
    """
    specs = [program.functions[name] for kind, name in reached(program, flow) if kind == "function"]
    return {
        spec.name: _infer(program, spec, models, held.get(spec.name, {}))
        if isinstance(spec, InferSpec)
        else _compute(spec, code)
        for spec in specs
    }


def _infer(
    program: Program, spec: InferSpec, models: Mapping[str, str], held: Mapping[str, bool]
) -> Definition:
    model = models.get(spec.name, spec.model or "")
    fallbacks = [models[name] for name in models if name.startswith(f"{spec.name}.fallbacks[")]
    quorum = spec.quorum
    parts: dict[PartName, JsonValue] = {
        "contract": contract_hash(spec.output),
        "inputs": _inputs(spec),
        "conditions": _conditions(spec),
        "intent": _hashed([spec.intent, list(spec.context)]),
        "template": template_hash(spec),
        "model": model,
        "fallbacks": list(fallbacks),
        "schema": _schema(spec, [model, *fallbacks], held),
        "temperature": spec.temperature,
        "max_tokens": max_answer_tokens(spec),
        "retries": spec.retries,
        "cache": spec.cache,
        "stable": spec.stable,
        "quorum": f"{quorum.threshold} of {quorum.votes} on {quorum.agree_on}" if quorum else None,
        "refine": _refine(program, spec),
        "budget": _budget(spec.budget),
    }
    return Definition(function=spec.name, mode="infer", function_hash=spec.function_hash, parts=parts)


def _compute(spec: ComputeSpec, code: Mapping[str, str]) -> Definition:
    form = spec.expression
    if isinstance(form, Mapping):
        expression: JsonValue = {name: part.canonical for name, part in form.items()}
    else:
        expression = spec.python if form is None else form.canonical
    parts: dict[PartName, JsonValue] = {
        "contract": contract_hash(spec.output),
        "inputs": _inputs(spec),
        "conditions": _conditions(spec),
        "expression": _hashed(expression),
        "code": None if spec.python is None else code.get(spec.python, "")[:_SHORT],
    }
    return Definition(function=spec.name, mode="compute", function_hash=spec.function_hash, parts=parts)


def _schema(spec: InferSpec, models: Sequence[str], held: Mapping[str, bool]) -> str:
    """Return the hash over what each model of a function is given as the schema of its answer."""
    schema = output_schema(spec.output)
    hashes: list[JsonValue] = []
    for model in models:
        if model.startswith(CLAUDE_CLI_PREFIX):
            hashes.append(project(schema, "anthropic").hash)
            continue
        provider = provider_of(model)
        enforced = held.get(model, holds_to_schema(provider, model.removeprefix(f"{provider}/")))
        hashes.append(project(schema, provider, enforced=enforced).hash)
    return str(hashes[0]) if len(hashes) == 1 else _hashed(hashes)


def _inputs(spec: InferSpec | ComputeSpec) -> str:
    return _hashed([[part.name, contract_hash(part.type), part.description] for part in spec.inputs])


def _conditions(spec: InferSpec | ComputeSpec) -> str:
    return _hashed([_texts(spec.given), _texts(spec.ensure)])


def _refine(program: Program, spec: InferSpec) -> str | None:
    """Return a hash over when a function is asked again, its check included."""
    refine = spec.refine
    if refine is None:
        return None
    check = None if refine.check is None else program.functions[refine.check].function_hash
    return _hashed([check, refine.until.canonical, refine.feedback.canonical, refine.max_iterations])


def _budget(budget: Budget | None) -> str | None:
    """Return a cap in words."""
    if budget is None:
        return None
    caps = (
        None if budget.nusd is None else f"${to_usd(budget.nusd):f}",
        None if budget.tokens is None else f"{budget.tokens} tokens",
        None if budget.calls is None else f"{budget.calls} requests",
        None if budget.ms is None else f"{budget.ms} ms",
    )
    return ", ".join(cap for cap in caps if cap)


def _texts(conditions: Sequence[Expression]) -> list[JsonValue]:
    return [condition.canonical for condition in conditions]


def _hashed(value: JsonValue) -> str:
    return content_hash(value)[:_SHORT]
