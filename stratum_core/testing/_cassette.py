"""Cassettes: real answers recorded once and played back, so that a test needs neither a key nor a network.

A cassette is a JSON file that a person can read and review. It is keyed by the hash of everything in a request that can
change its answer; a request that is not on it is a failure, never a call. Keys are no part of a request, so none is
ever recorded.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from stratum_core.errors import ConfigurationError, ModelError, TransportError
from stratum_core.llm import ModelClient, ModelReply, ModelRequest, request_hash
from stratum_core.testing._script import start_of

__all__ = ["Cassette", "CassetteMode"]

CassetteMode: TypeAlias = Literal["replay", "record", "once"]
"""Play back only; ask anew and replace the file; record what is missing and play back the rest."""


class _Call(BaseModel):
    """One recorded call."""

    model_config = ConfigDict(extra="forbid", strict=True)

    request_hash: str
    model: str
    prompt: list[str]
    """The blocks of the request, for the reader."""
    reply: ModelReply | None = None
    fault: dict[str, JsonValue] | None = None
    """What a failed request was raised as: `message` and `detail` of a transport fault."""


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    stratum_cassette: Literal[1] = 1
    calls: list[_Call] = Field(default_factory=list[_Call])


@dataclass(slots=True)
class _Tape:
    """What is left to play, by request."""

    by_hash: dict[str, deque[_Call]]

    @classmethod
    def of(cls, calls: list[_Call]) -> _Tape:
        by_hash: dict[str, deque[_Call]] = {}
        for call in calls:
            by_hash.setdefault(call.request_hash, deque()).append(call)
        return cls(by_hash)

    def next(self, key: str) -> _Call | None:
        left = self.by_hash.get(key)
        return left.popleft() if left else None


class Cassette:
    """A `ModelClient` that plays recorded answers, and records them where it is told to.

    Equal requests, as those of a quorum, get the recorded answers one after the other. Use it as a context manager:
    leaving the block writes what was recorded, and fails when a played cassette holds calls that were not made.

    Example:
        ```python
        with Cassette("tests/cassettes/reviews.json") as client, configure(client=client):
            run(review("It broke"))
        ```
    """

    def __init__(
        self, path: str | Path, *, mode: CassetteMode = "replay", client: ModelClient | None = None
    ) -> None:
        """Open a cassette.

        Args:
            path: The file.
            mode: `replay` plays and never asks; `record` asks everything anew; `once` asks what is missing.
            client: Who is asked; only when recording.

        Raises:
            ConfigurationError: The file is missing or no cassette, or there is nobody to ask.
        """
        self.path = Path(path)
        self._mode = mode
        self._client = client
        if mode != "replay" and client is None:
            raise ConfigurationError(f"mode={mode!r} needs a client", remedy="say who is asked: client=...")
        self._kept = [] if mode == "record" else self._read()
        self._tape = _Tape.of(self._kept)
        self._new: list[_Call] = []
        self._missed: list[str] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer with what is recorded for the request, or record an answer.

        Raises:
            AssertionError: Nothing is recorded for it, and recording is off; also raised again by `close`.
            TransportError: What was recorded is a fault.
        """
        key = request_hash(request)
        call = self._tape.next(key)
        if call is None:
            call = await self._record(key, request)
        if call.reply is not None:
            return call.reply
        fault = call.fault or {}
        detail = fault.get("detail")
        raise TransportError(str(fault.get("message")), detail=detail if isinstance(detail, dict) else {})

    def close(self) -> None:
        """Write what was recorded.

        Raises:
            AssertionError: A request was not on the cassette, or a call on it was not made.
        """
        if self._new or self._mode == "record":
            self._write()
        left = [call for calls in self._tape.by_hash.values() for call in calls]
        faults = [f"not on {self.path}: {text}" for text in self._missed]
        if self._mode == "replay":
            faults += [f"on {self.path}, not asked for: {_start(call)}" for call in left]
        if faults:
            raise AssertionError(
                f"{'; '.join(faults)}. If the program is right, record the cassette again: mode='record'"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()

    async def _record(self, key: str, request: ModelRequest) -> _Call:
        if self._client is None or self._mode == "replay":
            self._missed.append(start_of(request))
            raise AssertionError(
                f"{self.path} has no answer to this request, and recording is off: {start_of(request)}"
            )
        prompt = [block for message in request.messages for block in message.blocks]
        call = _Call(request_hash=key, model=request.model, prompt=prompt)
        try:
            call.reply = await self._client.complete(request)
        except ModelError as error:
            if not isinstance(error, TransportError):
                raise
            call.fault = {"message": error.message, "detail": dict(error.detail)}
        self._new.append(call)
        return call

    def _read(self) -> list[_Call]:
        try:
            return _File.model_validate_json(self.path.read_bytes()).calls
        except FileNotFoundError:
            if self._mode == "once":
                return []
            raise ConfigurationError(
                f"there is no cassette {self.path}",
                remedy="record it first: `pytest --stratum-record` for the fixture, or mode='record', client=...",
            ) from None
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"{self.path} is no cassette: {error}", remedy="record it again: mode='record', client=..."
            ) from error

    def _write(self) -> None:
        """Put the file in place, whole or not at all."""
        calls = [*self._kept, *self._new]
        content = {"stratum_cassette": 1, "calls": [_shown_call(call) for call in calls]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8", errors="replace")
        fresh.replace(self.path)


def _shown_call(call: _Call) -> dict[str, object]:
    record: dict[str, object] = {
        "request_hash": call.request_hash,
        "model": call.model,
        "prompt": call.prompt,
    }
    if call.reply is not None:
        record["reply"] = asdict(call.reply)
    if call.fault is not None:
        record["fault"] = call.fault
    return record


def _start(call: _Call) -> str:
    return f"{call.model}: {(call.prompt[-1] if call.prompt else '')[:100]!r}"
