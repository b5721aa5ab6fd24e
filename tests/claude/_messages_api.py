"""A scripted Anthropic Messages API on loopback: what "the model" says to the real Claude Code client.

The API answers in the shapes of https://docs.anthropic.com/en/api/messages-streaming. It keeps a script
honest: a tool the client did not offer, or one it deferred and never disclosed, cannot be called. Whatever
a script does wrong is kept in `MessagesApi.errors` and told to the client as text, so that the client ends
its turn instead of hanging. Wording, token counts and timing are not a real model's.
"""

from __future__ import annotations

import http.server
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

from tests.claude._json import Json, JsonObject, as_object, objects, parse_object
from tests.claude._script import ApiError, Request, Script, Turn, UseTool, blocks_of

if TYPE_CHECKING:
    from types import TracebackType


class MessagesApi:
    """`with MessagesApi(script) as api:` serves the script on a free loopback port until the block ends."""

    def __init__(self, script: Callable[[Request], Script]) -> None:
        self.requests: list[Request] = []
        """Requests of the agent loop, in order: those that stream and carry tools."""
        self.side_requests: list[JsonObject] = []
        """Bodies of all others (titles, quota probes): a canned answer, and no turn is used up."""
        self.errors: list[str] = []
        """What the script did wrong. Every test asserts that this is empty."""
        self._factory = script
        self._script: Script | None = None
        self._ended = False
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, body: JsonObject) -> Turn:
        """Return the turn that answers a request."""
        with self._lock:
            if not (body.get("stream") and body.get("tools")):
                self.side_requests.append(body)
                return _side_answer(body)
            request = Request(body)
            self.requests.append(request)
            try:
                turn = self._next_turn(request)
                _refuse_impossible_calls(turn, request)
            except Exception as error:  # noqa: BLE001 - any fault of a script is recorded and told to the client
                self.errors.append(f"request {len(self.requests)}: {error!r}")
                return f"SCRIPT ERROR {error!r}"
            return turn

    def _next_turn(self, request: Request) -> Turn:
        if self._ended:
            raise EOFError(f"the script had ended, and the client asked again: {request.user_text!r}")
        try:
            if self._script is None:
                self._script = self._factory(request)
                return next(self._script)
            return self._script.send(request)
        except StopIteration as end:
            self._ended = True
            last: Turn = end.value
            return last


def _refuse_impossible_calls(turn: Turn, request: Request) -> None:
    for block in blocks_of(turn):
        if isinstance(block, UseTool) and block.name not in request.callable_tools:
            raise LookupError(
                f"no model could call {block.name!r}; offered: {sorted(request.callable_tools)}"
            )


def _side_answer(body: JsonObject) -> str:
    """Answer a side question: an object of the asked schema, or a word."""
    schema = as_object(as_object(as_object(body.get("output_config")).get("format")).get("schema"))
    properties = as_object(schema.get("properties"))
    texts = {key: as_object(kind).get("type") == "string" for key, kind in properties.items()}
    return (
        json.dumps({key: "Scripted session" if text else False for key, text in texts.items()})
        if texts
        else "ok"
    )


def _handler(api: MessagesApi) -> type[http.server.BaseHTTPRequestHandler]:
    numbers = itertools.count(1)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the test's output is for the test."""

        def do_HEAD(self) -> None:
            self._send(200, b"")

        def do_GET(self) -> None:
            self._send(404, _error_body("not_found_error"))

        def do_POST(self) -> None:
            body = parse_object(self.rfile.read(int(self.headers.get("content-length", 0))))
            path = self.path.partition("?")[0]
            if path == "/v1/messages/count_tokens":
                self._send(200, json.dumps({"input_tokens": _token_count(body)}).encode())
            elif path != "/v1/messages":
                self._send(404, _error_body("not_found_error"))
            else:
                self._reply(body, api.answer(body))

        def _reply(self, body: JsonObject, turn: Turn) -> None:
            if isinstance(turn, ApiError):
                self._send(turn.status, _error_body(turn.type))
                return
            message = _message(body, turn, next(numbers))
            if not body.get("stream"):
                self._send(200, json.dumps(message).encode())
                return
            events = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _stream(message))
            self._send(200, "".join(events).encode(), "text/event-stream")

        def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
            try:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.send_header("request-id", f"req_{next(numbers):06d}")
                self.end_headers()
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client went away, as one that is interrupted does

    return Handler


def _token_count(body: JsonObject) -> int:
    return len(json.dumps(body)) // 4


def _error_body(kind: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": f"scripted {kind}"}}).encode()


def _message(body: JsonObject, turn: Turn, number: int) -> JsonObject:
    """Return a turn as the complete message object of the API."""
    content: list[Json] = []
    for index, block in enumerate(blocks_of(turn)):
        if isinstance(block, UseTool):
            tool_id = f"toolu_{number:06d}{index:02d}"
            content.append({"type": "tool_use", "id": tool_id, "name": block.name, "input": block.arguments})
        else:
            content.append({"type": "text", "text": block})
    return {
        "id": f"msg_{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": content,
        "stop_reason": "tool_use" if any(isinstance(b, UseTool) for b in blocks_of(turn)) else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _token_count(body), "output_tokens": _token_count({"content": content})},
    }


def _stream(message: JsonObject) -> Iterator[JsonObject]:
    """Yield the server-sent events that build up to `message`."""
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(objects(message["content"])):
        empty: JsonObject
        delta: JsonObject
        if block["type"] == "text":
            empty = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end: JsonObject = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    output_tokens = as_object(message["usage"])["output_tokens"]
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": output_tokens}}
    yield {"type": "message_stop"}
