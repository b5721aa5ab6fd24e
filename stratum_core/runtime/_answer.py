"""From the raw text of an answer to a checked value, or to sentences that tell the model what to correct."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from stratum_core.contracts import (
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    RecordType,
    Type,
    check_value,
)
from stratum_core.errors import ContractViolation, ExpressionError
from stratum_core.llm import ANSWER_BYTES_PER_TOKEN, ModelReply, has_opaque, is_wrapped
from stratum_core.specs import Expression, InferSpec

__all__ = ["Accepted", "Rejected", "judge"]

_SHOWN_CHARACTERS = 120
_ATTACHED = "(attached data)"
_OPAQUE = "(opaque)"
_PATH_NAME = re.compile(r"(?:^|\.)([^.\[\]]+)")
"""The names of fields in a path such as `items[0].text`, without its positions and keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer satisfies its contract."""

    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The answer does not; the sentences go to the model as they are."""

    violations: tuple[str, ...]
    parsed: bool
    """Whether the answer had the output's type, so that only an `ensure` failed."""


def judge(
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    reply: ModelReply,
    max_tokens: int,
) -> Accepted | Rejected:
    """Parse an answer, put in what is decided already, check it against the output type and then every `ensure`.

    Raises:
        ExpressionError: An `ensure` itself failed; asking the model again would not help.
    """
    length = len(reply.text.encode(errors="surrogatepass"))
    if length > max_tokens * ANSWER_BYTES_PER_TOKEN:
        size = f"{length:,} bytes for a limit of {max_tokens} tokens"
        return Rejected(violations=(f"the answer is too long: {size}",), parsed=False)
    try:
        raw = _parse(reply.text)
    except ValueError as fault:
        return Rejected(violations=(f"the answer is not valid JSON: {fault}",), parsed=False)
    if is_wrapped(spec.output):
        if not isinstance(raw, Mapping) or set(raw) != {"value"}:
            return Rejected(violations=('the answer must be an object {"value": ...}',), parsed=False)
        raw = raw["value"]
    if isinstance(raw, Mapping):
        raw = {**raw, **spec.fixed}
    try:
        value = check_value(spec.output, raw)
    except ContractViolation as violation:
        return Rejected(violations=_violation_lines(violation, spec.output), parsed=False)
    scope = {**inputs, "result": value}
    broken = tuple(line for line in (_broken(condition, scope, spec) for condition in spec.ensure) if line)
    return Rejected(violations=broken, parsed=True) if broken else Accepted(value=value)


def _parse(text: str) -> JsonValue:
    """Parse JSON strictly; a surrounding Markdown fence, which chat models add by habit, is taken off.

    Raises:
        ValueError: The text is not JSON.
    """
    text.encode()  # raises a ValueError for half a character
    body = text.strip()
    if body.startswith("```") and body.endswith("```"):
        body = body[3:-3].removeprefix("json").strip()
    try:
        value: JsonValue = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if "\\ud" in body.lower():
        _refuse_half_characters(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ValueError(f"{name} is not a JSON number")


def _refuse_half_characters(value: JsonValue) -> None:
    """Refuse unpaired surrogates at any depth, keys included: such text can be neither stored nor sent again."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it has half a character (an unpaired surrogate)") from None


def _finite(text: str) -> float:
    """Refuse numbers that overflow to infinity."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _violation_lines(violation: ContractViolation, output: Type) -> tuple[str, ...]:
    """Return one line for each violated part: where, what, and the actual value unless the part is opaque."""
    found: Sequence[Mapping[str, object]] = violation.detail.get("violations", [])
    lines: list[str] = []
    for entry in found:
        names = _PATH_NAME.findall(str(entry["path"]))
        actual = _OPAQUE if _is_hidden(output, names) else entry["actual"]
        lines.append(f"`{entry['path']}`: {entry['message']} (actual: {actual})")
    return tuple(lines) or (violation.message,)


def _broken(condition: Expression, scope: Mapping[str, JsonValue], spec: InferSpec) -> str:
    """Return "" when the condition holds, else the sentence that names it with the values it read.

    Inputs with opaque parts, and opaque parts of the answer, are named without their values: the sentence goes to the
    model outside the attachment.
    """
    holds = condition.evaluate(scope)
    if not isinstance(holds, bool):
        raise ExpressionError(f"`{condition.canonical}` gave {holds!r}, not true or false")
    if holds:
        return ""
    attached = {parameter.name for parameter in spec.inputs if has_opaque(parameter.type)}
    actual: list[str] = []
    for path in sorted(condition.reads):
        name, *fields = path
        if name in scope:
            hidden = name == "result" and _is_hidden(spec.output, fields)
            value = _OPAQUE if hidden else _ATTACHED if name in attached else _shown(path, scope)
            actual.append(f"{'.'.join(path)} = {value}")
    return f"`{condition.canonical}` must be true (actual: {'; '.join(actual) or 'false'})"


def _is_hidden(kind: Type, fields: Sequence[str]) -> bool:
    """Return whether what stands at a path of field names is, holds or lies inside something opaque."""
    left = list(fields)
    while True:
        match kind:
            case OpaqueType():
                return True
            case OptionalType(inner=inner) | ListType(item=inner) | MapType(value=inner):
                kind = inner
            case RecordType() if left and (field := kind.field(left.pop(0))) is not None:
                kind = field.type
            case _:
                return has_opaque(kind)


def _shown(path: Sequence[str], scope: Mapping[str, JsonValue]) -> str:
    """Return the value at a path as short JSON."""
    value: JsonValue = dict(scope)
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
