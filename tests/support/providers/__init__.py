"""Model providers on loopback: real sockets, real wire formats, no network.

A `ProviderServer` answers each request with the next of its reactions (the last one stays), and keeps every request,
so that a test can count what was sent. Answers and faults in the formats of OpenAI's chat completions and Anthropic's
messages and Gemini's content are in `openai`, `anthropic` and `gemini`; `faults` has what goes wrong below any format.
"""

from tests.support.providers import anthropic, faults, gemini, openai
from tests.support.providers._server import Answer, Connection, ProviderServer, Reaction, Received

__all__ = [
    "Answer",
    "Connection",
    "ProviderServer",
    "Reaction",
    "Received",
    "anthropic",
    "faults",
    "gemini",
    "openai",
]
