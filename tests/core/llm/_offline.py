"""Asking the offline model: a request as the runtime makes it, and the answer checked against its type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from stratum_core.contracts import (
    EnumType,
    Field,
    FloatType,
    JsonValue,
    OpaqueType,
    RecordType,
    StringType,
    Type,
    check_value,
)
from stratum_core.llm import (
    ModelRequest,
    compile_prompt,
    retry_block,
)
from stratum_core.llm.offline import OfflineClient
from stratum_core.specs import InferSpec, Parameter

__all__ = ["SURE", "TONE", "answer_to", "asked", "broken", "field_of", "number", "spec", "tone_of"]

TONE = RecordType(
    name="Tone",
    fields=(
        Field(name="label", type=EnumType(("positive", "negative", "neutral"))),
        Field(name="confidence", type=FloatType(min=0, max=1)),
        Field(name="reasoning", type=StringType(min_length=10, max_length=400)),
    ),
)
SURE = OfflineClient(error_rate=0.0)


def spec(
    output: Type, *, intent: str = "Judge the text", context: Sequence[str] = (), plain: bool = False
) -> InferSpec:
    kind: Type = StringType() if plain else OpaqueType(StringType())
    return InferSpec(
        name="hidden",
        intent=intent,
        context=tuple(context),
        inputs=(Parameter(name="text", type=kind),),
        output=output,
    )


def asked(function: InferSpec, text: str, *, retry: str = "", max_tokens: int = 800) -> ModelRequest:
    prompt = compile_prompt(function, {"text": text})
    return prompt.request(model="offline", max_tokens=max_tokens, temperature=None, retry=retry)


async def answer_to(
    output: Type, text: str, *, intent: str = "Judge the text", context: Sequence[str] = (), retry: str = ""
) -> JsonValue:
    """Return the parsed answer, checked against its type."""
    request = asked(spec(output, intent=intent, context=context), text, retry=retry)
    value: JsonValue = json.loads((await SURE.complete(request)).text)
    if not isinstance(output, RecordType):
        assert isinstance(value, Mapping)
        value = value["value"]
    return check_value(output, value)


async def field_of(name: str, kind: Type, text: str, **more: str) -> JsonValue:
    value = await answer_to(RecordType(fields=(Field(name=name, type=kind),)), text, **more)
    assert isinstance(value, Mapping)
    return value[name]


async def tone_of(text: str) -> Mapping[str, JsonValue]:
    value = await answer_to(TONE, text, intent="Analyse the sentiment of one customer review")
    assert isinstance(value, Mapping)
    return value


def number(value: JsonValue) -> float:
    assert isinstance(value, (int, float))
    return value


def broken(condition: str) -> str:
    return retry_block([f"`{condition}` must be true (actual: result = ?)"])
