"""The wire side of `LitellmClient`: the only file that imports litellm, itself imported at the first model call.

Importing litellm takes seconds of CPU, so nothing imports this file at start; `_client` does, after it has set the
environment variables that keep litellm from reading a `.env` file or fetching its price list.

litellm is used as a translator only: no retries, no call-backs, no telemetry, no logging. One retry is built into
its HTTP handler (with 1.106.2 a connection lost after sending is sent again); it is taken out here, because a second
send may be a second bill.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from typing import Final, NoReturn, Protocol, cast

import aiohttp
import httpx
import litellm
import openai

from stratum_core.llm._failures import WireFailure

__all__ = ["close", "enforces_schema", "read_failure", "send"]


class _Library(Protocol):
    """What is used of litellm's module, with types of our own."""

    ModelResponse: Callable[[], object]
    acompletion: Callable[..., Awaitable[object]]
    supports_response_schema: Callable[..., bool]
    telemetry: bool
    suppress_debug_info: bool
    turn_off_message_logging: bool
    num_retries: int
    callbacks: list[object]
    success_callback: list[object]
    failure_callback: list[object]


class _Handler(Protocol):
    """The part of litellm's HTTP handler that is replaced."""

    single_connection_post_request: Callable[..., Awaitable[NoReturn]]


class _Handlers(Protocol):
    """What is used of `litellm.llms.custom_httpx.http_handler`."""

    AsyncHTTPHandler: _Handler


class _Context(Protocol):
    """What is used of `litellm._internal_context`."""

    is_internal_call: ContextVar[bool]


class _Cleanup(Protocol):
    """What is used of `litellm.llms.custom_httpx.async_client_cleanup`."""

    close_litellm_async_clients: Callable[[], Awaitable[None]]


_library: Final = cast("_Library", litellm)
# litellm builds its models at their first use; pydantic warns about their types then, which is nothing a user can act
# on and, where warnings are errors, would break every later call.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _library.ModelResponse()
# By name, because litellm ships these without types; the protocols above are what is relied on.
_handlers: Final = cast("_Handlers", import_module("litellm.llms.custom_httpx.http_handler"))
_context: Final = cast("_Context", import_module("litellm._internal_context"))
_cleanup: Final = cast("_Cleanup", import_module("litellm.llms.custom_httpx.async_client_cleanup"))


async def _never_send_again(*_: object, **__: object) -> NoReturn:
    """Stand in for the handler's second send; the lost connection stays the error's context."""
    raise httpx.ReadError("the connection was lost")


def _quieten() -> None:
    """Switch off everything in litellm that is not a single request."""
    _library.telemetry = False
    _library.suppress_debug_info = True
    _library.turn_off_message_logging = True
    _library.num_retries = 0
    _library.callbacks = []
    _library.success_callback = []
    _library.failure_callback = []
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    _handlers.AsyncHTTPHandler.single_connection_post_request = _never_send_again


_quieten()


async def send(arguments: Mapping[str, object]) -> object:
    """Make one request and return litellm's response object.

    Parameters a model does not take (a temperature, for a reasoning model) are left out rather than refused. The call
    counts as one of litellm's own, for which it prepares no logs: a host program's callbacks for answers are not told
    of it, and a sixth of the work of a call is saved.
    """
    told = _context.is_internal_call.set(True)
    try:
        return await _library.acompletion(**arguments, max_retries=0, num_retries=0, drop_params=True)
    finally:
        _context.is_internal_call.reset(told)


@lru_cache(maxsize=256)
def enforces_schema(provider: str, name: str) -> bool:
    """Return whether the provider holds this model to a JSON Schema, as litellm knows it."""
    return _library.supports_response_schema(model=name, custom_llm_provider=provider)


def read_failure(error: Exception) -> WireFailure:
    """Return what an exception of litellm says about the exchange."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, httpx.HTTPStatusError):
            response = link.response
            headers = {name.lower(): value for name, value in response.headers.items()}
            return WireFailure(
                breakdown="answered", status=response.status_code, headers=headers, body=response.text
            )
    if any(isinstance(link, (aiohttp.ClientConnectorError, httpx.ConnectTimeout)) for link in chain):
        return WireFailure(breakdown="unreached")
    if any(
        isinstance(link, (TimeoutError, httpx.TimeoutException, openai.APITimeoutError)) for link in chain
    ):
        return WireFailure(breakdown="timeout")
    if any(isinstance(link, (httpx.TransportError, aiohttp.ClientError, OSError)) for link in chain):
        return WireFailure(breakdown="lost")
    if any(isinstance(link, (json.JSONDecodeError, KeyError, TypeError, IndexError)) for link in chain):
        return WireFailure(breakdown="unreadable")
    if isinstance(error, (openai.BadRequestError, openai.NotFoundError, openai.AuthenticationError)):
        return WireFailure(breakdown="rejected", body=str(error))
    return WireFailure(breakdown="unreadable")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and everything that led to it."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


async def close() -> None:
    """Close the connections litellm keeps."""
    await _cleanup.close_litellm_async_clients()
