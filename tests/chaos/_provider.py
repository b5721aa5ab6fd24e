"""A model provider on loopback that bills a request the moment it has arrived, whether or not anybody gets the answer.

What it answers and what it counts depend on the request alone, so that a disturbed run has to end with the very result
of an undisturbed one, and every request that was sent twice shows.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
from anyio.from_thread import start_blocking_portal

from stratum_core.contracts import JsonValue
from stratum_core.llm import Price, PriceTable, TokenUsage
from tests.support.providers import ProviderServer, Received, openai
from tests.support.providers._server import Connection

__all__ = ["MODEL", "Arrival", "Key", "Provider", "provider"]

MODEL = "openai/gpt-4.1-mini"
Key = tuple[str, int]
"""The step that asks, and the number of the note it asks about."""

_NOTE = re.compile(r"note number (\d+)")
_ASKS = {"Judge the tone": "tones", "Answer the writer": "replies"}
_LABELS = ("positive", "negative", "neutral")
_BROKEN = "1.75"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request that reached the provider: it is on the bill."""

    key: Key
    nusd: int


class Provider:
    """What arrived, and the bill for it; filled by the server's thread, read by any other."""

    def __init__(self, *, answer_s: float = 0.01) -> None:
        self.url = ""
        self.answer_s = answer_s
        self.arrivals: list[Arrival] = []
        self._changed = threading.Condition()
        price = PriceTable.load().price(MODEL)
        assert price is not None
        self._price: Price = price

    def bill_nusd(self, start: int = 0, end: int | None = None, *, notes: range | None = None) -> int:
        """Return what the arrivals from one number up to another cost, of all notes or of some."""
        found = self.arrivals[start:end]
        return sum(each.nusd for each in found if notes is None or each.key[1] in notes)

    def counted(self, *, notes: range, start: int = 0) -> Counter[Key]:
        """Return how often each item of some notes arrived."""
        return Counter(each.key for each in self.arrivals[start:] if each.key[1] in notes)

    def forget(self) -> None:
        """Start a new bill."""
        self.arrivals.clear()

    def wait_for(self, count: int, *, timeout_s: float) -> bool:
        """Wait until that many requests have arrived; False when the time is over first."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.arrivals) >= count, timeout_s)

    async def react(self, request: Received, connection: Connection) -> None:
        """Bill a request, then answer it a little later."""
        text = json.dumps(request.body.get("messages"))
        usage = _usage(text)
        counts = TokenUsage(input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"])
        with self._changed:
            self.arrivals.append(Arrival(key=_key(text), nusd=self._price.cost_nusd(counts)))
            self._changed.notify_all()
        await anyio.sleep(self.answer_s)
        await connection.send(openai.completion(json.dumps(_answer(text)), usage={**usage}))


@contextmanager
def provider(*, answer_s: float = 0.01) -> Generator[Provider]:
    """Serve on a free loopback port, in a thread of its own."""
    made = Provider(answer_s=answer_s)
    server = ProviderServer(made.react)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        made.url = server.url
        yield made


def _key(text: str) -> Key:
    """Return which item of which step a prompt is about."""
    step = next(name for words, name in _ASKS.items() if words in text)
    found = _NOTE.search(text)
    assert found is not None, text
    return step, int(found[1])


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _usage(text: str) -> dict[str, int]:
    """Return counts that differ from request to request, and fit every bound."""
    number = _digest(text)
    prompt, answer = 60 + number % 40, 10 + number % 20
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _answer(text: str) -> Mapping[str, JsonValue]:
    """Return the answer to a prompt; one first answer in five breaks its contract, and is asked for again."""
    step, number = _key(text)
    if step == "replies":
        return {"value": f"Thank you for note {number}."}
    again = _BROKEN in text
    confidence = 1.75 if not again and _digest(text) % 5 == 0 else (number % 10) / 10
    return {"label": _LABELS[number % 3], "confidence": confidence}
