"""Test doubles for programs that call models: no key, no network, no waiting.

`ScriptedClient` plays a fixed conversation and fails when the program leaves it; `FunctionClient` computes each answer;
`Cassette` plays real answers that were recorded once; `FaultyClient` puts a provider's bad day before any of them;
`FrozenClock` is a clock a test moves by hand. They implement the library's own ports, so a test exercises everything
but the provider. Fixtures for pytest are in `stratum_core.testing.plugin`, which pytest finds by itself.
"""

from stratum_core.llm import Message, ModelClient, ModelReply, ModelRequest, TokenUsage
from stratum_core.testing._cassette import Cassette, CassetteMode
from stratum_core.testing._clock import FrozenClock
from stratum_core.testing._faults import (
    Fault,
    FaultyClient,
    malformed_json,
    missing_usage,
    rate_limited,
    refused,
    server_error,
    timed_out,
    truncated,
)
from stratum_core.testing._script import Answer, FunctionClient, Matcher, ScriptedClient, Step, as_reply

__all__ = [
    "Answer",
    "Cassette",
    "CassetteMode",
    "Fault",
    "FaultyClient",
    "FrozenClock",
    "FunctionClient",
    "Matcher",
    "Message",
    "ModelClient",
    "ModelReply",
    "ModelRequest",
    "ScriptedClient",
    "Step",
    "TokenUsage",
    "as_reply",
    "malformed_json",
    "missing_usage",
    "rate_limited",
    "refused",
    "server_error",
    "timed_out",
    "truncated",
]
