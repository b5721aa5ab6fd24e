"""Calls of registered Python functions: JSON in, JSON out, in a process of its own without keys.

The process gets a fresh folder, PATH, LANG and the variables the operator listed, and limits on time, memory and
output. It runs as the same account and is no sandbox: what the operator registers is trusted like the operator.
The code is read once per call and compared with the digest the plan was made with, so no other code can run. The
output is journalled before it is used: a resumed run takes it from there. A failure is not, so it is tried again.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, cast

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from stratum_core.contracts import JsonValue, content_hash
from stratum_core.errors import ComputeFailed, ConfigurationError, PlanError
from stratum_core.registry import read_registered
from stratum_core.runtime._context import RunContext
from stratum_core.specs import ComputeSpec, RegisteredFunction

__all__ = ["MAX_OUTPUT_BYTES", "run_registered"]

MAX_OUTPUT_BYTES = 1_000_000
"""The most one call may print, and the most its value may take as JSON."""

_EVENT = "computed"
_ALWAYS_HANDED_ON = ("PATH", "LANG")
_SHOWN_CHARACTERS = 400
_KEPT_ERROR_BYTES = 4_096
_MIB = 1 << 20
_CHILD = str(Path(__file__).with_name("_child.py"))


async def run_registered(
    context: RunContext, spec: ComputeSpec, inputs: Mapping[str, JsonValue], path: str
) -> JsonValue:
    """Return what the registered function printed, not yet checked against the output type.

    Args:
        context: The run.
        spec: A compute function with a `python` name.
        inputs: A checked value for each of its inputs.
        path: Where in the run; must be its own for every call.

    Raises:
        ComputeFailed: It exited with an error, took too long, or did not print one JSON value.
        PlanError: The function is not part of the plan, or its file was changed since.
        ConfigurationError: Its file cannot be used any more.
        RunStopped: The run ends.
    """
    name = spec.python or ""
    entry = context.registered.get(name)
    if entry is None:
        raise PlanError(f"{path}: the plan holds no registered function {name!r}", remedy="plan again")
    input_hash = content_hash({"code": entry.sha256, "inputs": dict(inputs)})
    recorded = context.journal.recorded(_EVENT).get(path)
    if recorded is not None and recorded.get("input_hash") == input_hash:
        return recorded["value"]
    async with context.processes:
        context.raise_if_stopped()
        value = await _run(entry, name, inputs, where=f"{path}: `{name}`", environ=context.environ)
    await context.journal.event(
        _EVENT, path=path, data={"function": name, "input_hash": input_hash, "value": value}
    )
    return value


async def _run(
    entry: RegisteredFunction,
    name: str,
    inputs: Mapping[str, JsonValue],
    *,
    where: str,
    environ: Mapping[str, str],
) -> JsonValue:
    """Start the process in a fresh folder, feed it, and read what it leaves."""
    code = read_registered(name, entry)
    with tempfile.TemporaryDirectory(prefix="stratum-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / f"{name}.py"
        file.write_bytes(code)
        command = [sys.executable, "-I", _CHILD, str(entry.memory_mb * _MIB), _cpu_s(entry), file.name]
        try:
            process = await anyio.open_process(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={key: environ[key] for key in (*_ALWAYS_HANDED_ON, *entry.environ) if key in environ},
                start_new_session=True,
            )
        except OSError as fault:
            raise ConfigurationError(
                f"{where} could not be started: {fault}", remedy="mend that, then resume the run"
            ) from fault
        return await _finished(process, entry, json.dumps(inputs), where)


async def _finished(process: Process, entry: RegisteredFunction, text: str, where: str) -> JsonValue:
    """Wait for the process within its time and return the value it printed; nothing of it is left behind."""
    output = _Output()
    try:
        with anyio.move_on_after(entry.timeout_s) as limit:
            async with anyio.create_task_group() as group:
                group.start_soon(_feed, process, text.encode())
                group.start_soon(output.read_errors, process)
                await output.read(process)
                if output.too_large:
                    group.cancel_scope.cancel()
            if not output.too_large:
                await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()
            await process.aclose()
    if output.too_large:
        raise _failed(where, f"printed more than {MAX_OUTPUT_BYTES:,} bytes", output, "return less")
    if limit.cancelled_caught:
        raise _failed(
            where, f"took longer than {entry.timeout_s:g} s", output, "raise its `timeout_s`, or do less"
        )
    if process.returncode:
        raise _failed(where, _ending(process.returncode, entry), output, "look at what it said")
    return _value(output, where)


@dataclass(slots=True)
class _Output:
    """What a process printed: all of stdout within its limit, the end of stderr."""

    printed: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    too_large: bool = False

    async def read(self, process: Process) -> None:
        """Read stdout to its end, or until it is too much."""
        async for chunk in cast("ByteReceiveStream", process.stdout):
            self.printed += chunk
            if len(self.printed) > MAX_OUTPUT_BYTES:
                self.too_large = True
                return

    async def read_errors(self, process: Process) -> None:
        """Read stderr to its end and keep the last of it."""
        async for chunk in cast("ByteReceiveStream", process.stderr):
            self.said += chunk
            del self.said[:-_KEPT_ERROR_BYTES]

    def last_words(self) -> str:
        """Return the end of stderr on one line, control and format characters taken out."""
        text = " ".join(self.said.decode(errors="replace").split())
        return "".join(char for char in text if char.isprintable())[-_SHOWN_CHARACTERS:]


async def _feed(process: Process, data: bytes) -> None:
    """Write the inputs; a function that does not read them is free not to."""
    stdin = cast("ByteSendStream", process.stdin)
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        await stdin.send(data)
    with suppress(anyio.BrokenResourceError, ConnectionError):
        await stdin.aclose()


def _cpu_s(entry: RegisteredFunction) -> str:
    """Return the processor time that ends a process nobody waits for any more."""
    return str(math.ceil(entry.timeout_s) + 1)


def _ending(status: int, entry: RegisteredFunction) -> str:
    """Say how a process ended."""
    if status > 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name} (it may use {entry.memory_mb} MiB)"


def _value(output: _Output, where: str) -> JsonValue:
    """Return the JSON value on stdout."""
    try:
        value: JsonValue = json.loads(
            output.printed.decode(), parse_constant=_refuse_constant, parse_float=_finite
        )
        size = len(json.dumps(value, ensure_ascii=False).encode())
    except (ValueError, RecursionError) as fault:
        reason = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise _failed(
            where, f"did not print one JSON value: {reason}", output, "print the value alone, once"
        ) from None
    if size > MAX_OUTPUT_BYTES:
        raise _failed(where, f"gave a value of {size:,} bytes", output, f"keep it below {MAX_OUTPUT_BYTES:,}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    """Refuse numbers that overflow to infinity."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _failed(where: str, what: str, output: _Output, remedy: str) -> ComputeFailed:
    """Make the error, with the end of what the function said."""
    said = output.last_words()
    return ComputeFailed(
        f"{where} {what}" + (f"; it said: {said}" if said else ""), remedy=remedy, detail={"said": said}
    )
