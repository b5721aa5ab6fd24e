"""`OfflineClient`: the model client that answers from rules.

It sees what a hosted model would see, the compiled request and the output schema, and nothing else. Equal requests
get equal answers. It errs at a stated rate, chosen by a hash of the request, so that retries, violations and flags
happen in a demonstration as they do in life; told what was wrong, it corrects that. Token counts are its own estimate
and never above what the request's bytes and `max_tokens` allow; dollars made from them are simulated.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.llm._port import ModelReply, ModelRequest, TokenUsage
from stratum_core.llm._request import request_bytes, request_hash
from stratum_core.llm.offline._corrections import correct
from stratum_core.llm.offline._feedback import heed
from stratum_core.llm.offline._filling import fill_schema
from stratum_core.llm.offline._reading import read_request

__all__ = ["OfflineClient"]

_BYTES_PER_TOKEN = 4
_HASH_SPAN = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineClient:
    """A `ModelClient` that needs no provider."""

    error_rate: float = 0.06
    """The share of first attempts it answers wrongly: a third as broken JSON, a third without a required field,
    a third with little confidence."""
    latency_s: float = 0.0
    """How long each answer takes."""
    seed: int = 0
    """Another seed errs at other requests."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a request; it never raises a model error."""
        await anyio.sleep(self.latency_s)
        material = read_request(request)
        chance = _chance(f"{self.seed}:{request_hash(request)}")
        fault = _fault(chance, self.error_rate) if not material.violations else "none"
        answer = fill_schema(request.output_schema, material, doubtful=fault == "doubt")
        answer = correct(answer, request.output_schema, material.violations)
        answer = heed(answer, request.output_schema, material.violations, material.subject)
        text = _spoilt(answer, fault)
        limit = request.max_tokens * _BYTES_PER_TOKEN
        encoded = text.encode()
        cut = len(encoded) > limit
        if cut:
            text = encoded[:limit].decode(errors="ignore")
        return ModelReply(
            text=text,
            usage=TokenUsage(
                input_tokens=max(1, request_bytes(request) // _BYTES_PER_TOKEN),
                output_tokens=max(1, min(request.max_tokens, -(-len(encoded) // _BYTES_PER_TOKEN))),
            ),
            finish="length" if cut else "stop",
            model=request.model,
            simulated=True,
        )


def _chance(text: str) -> float:
    """Return a number in [0, 1) that only depends on the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / _HASH_SPAN


def _fault(chance: float, rate: float) -> str:
    """Return how an answer goes wrong, `none` mostly."""
    if chance >= rate:
        return "none"
    return ("broken", "incomplete", "doubt")[int(chance / rate * 3)]


def _spoilt(answer: JsonValue, fault: str) -> str:
    """Write an answer down, with the fault if there is one."""
    if fault == "incomplete" and isinstance(answer, dict) and answer:
        answer = dict(list(answer.items())[:-1])
    text = json.dumps(answer, ensure_ascii=False)
    return text[: len(text) * 2 // 3] if fault == "broken" else text
