"""Reads functions: model calls and deterministic ones."""

from __future__ import annotations

from stratum_core.ir._document import INVALID, ComputeFunction, Expr, Function, InferFunction, Invalid, Refine
from stratum_core.ir._positions import Path
from stratum_core.ir._read_types import read_budget, read_parameters, read_type
from stratum_core.ir._reader import Keys, Reader
from stratum_core.ir._yaml import Raw

__all__ = ["read_function", "read_returns"]

_SHARED = ("description", "input", "given", "ensure")
_MODEL_KEYS = (
    "context",
    "model",
    "fallbacks",
    "temperature",
    "max_tokens",
    "budget",
    "retries",
    "cache",
    "stable",
    "quorum",
    "agree_on",
    "threshold",
    "refine",
)
_BODIES = ("expression", "python")
_INFER = Keys(
    what="an infer function",
    required=("mode", "intent", "output"),
    optional=(*_SHARED, *_MODEL_KEYS),
    elsewhere=_BODIES,
    owner="a compute function",
)
_COMPUTE = Keys(
    what="a compute function",
    required=("mode", "output"),
    optional=(*_SHARED, *_BODIES),
    elsewhere=("intent", *_MODEL_KEYS),
    owner="an infer function",
)
_REFINE = Keys(what="refine", required=("until", "feedback"), optional=("check", "max_iterations"))
_MAX_OUTPUT_TOKENS = 1_000_000
_MAX_RETRIES = 10
_MAX_TEMPERATURE = 2.0
_MAX_QUORUM = 15
_MAX_ITERATIONS = 50


def read_function(reader: Reader, raw: Raw, path: Path) -> Function | Invalid:
    """Return a function; its mode decides which keys it may have."""
    if not isinstance(raw, dict):
        reader.record(raw, path, _INFER)
        return INVALID
    likely = "compute" if raw.keys() & set(_BODIES) else "infer"
    mode = reader.word(raw, path, "mode", ("infer", "compute"), likely)
    return _read_compute(reader, raw, path) if mode == "compute" else _read_infer(reader, raw, path)


def _read_infer(reader: Reader, raw: dict[str, Raw], path: Path) -> InferFunction:
    """Return a model call."""
    data = reader.known(raw, path, _INFER)
    retries = reader.integer(data, path, "retries", 0, _MAX_RETRIES)
    return InferFunction(
        description=reader.text(data, path, "description"),
        intent=reader.text(data, path, "intent"),
        context=reader.plain_texts(data, path, "context"),
        input=read_parameters(reader, data, path),
        output=read_type(reader, data.get("output", INVALID), (*path, "output")),
        given=reader.expressions(data, path, "given"),
        ensure=reader.expressions(data, path, "ensure"),
        model=reader.text_or_none(data, path, "model"),
        fallbacks=reader.plain_texts(data, path, "fallbacks"),
        temperature=reader.number(data, path, "temperature", 0.0, _MAX_TEMPERATURE),
        max_tokens=reader.integer(data, path, "max_tokens", 1, _MAX_OUTPUT_TOKENS),
        budget=read_budget(reader, data, path),
        retries=3 if retries is None else retries,
        cache=reader.word(data, path, "cache", ("none", "session", "global"), "none"),
        stable=reader.flag(data, path, "stable", default=True),
        quorum=reader.integer(data, path, "quorum", 2, _MAX_QUORUM),
        agree_on=reader.text_or_none(data, path, "agree_on"),
        threshold=reader.integer(data, path, "threshold", 1, _MAX_QUORUM),
        refine=_read_refine(reader, data, path),
    )


def _read_refine(reader: Reader, data: dict[str, Raw], path: Path) -> Refine | None:
    """Return a refine block, or None when it is absent or broken."""
    here = (*path, "refine")
    found = reader.record(data.get("refine", INVALID), here, _REFINE)
    if found is None:
        return None
    return Refine(
        check=reader.text_or_none(found, here, "check"),
        until=reader.needed_expression(found, here, "until"),
        feedback=reader.needed_expression(found, here, "feedback"),
        max_iterations=reader.integer(found, here, "max_iterations", 1, _MAX_ITERATIONS) or 5,
    )


def _read_compute(reader: Reader, raw: dict[str, Raw], path: Path) -> ComputeFunction:
    """Return a deterministic function."""
    data = reader.known(raw, path, _COMPUTE)
    given = [key for key in _BODIES if key in data]
    if len(given) != 1:
        reader.report(
            "E119",
            (*path, given[1]) if given else path,
            f"the compute function `{path[-1]}` needs exactly one of expression, python"
            + (", not both" if given else ""),
            "remove one of them" if given else "add expression: an expression over its inputs",
            key=True,
        )
    return ComputeFunction(
        description=reader.text(data, path, "description"),
        input=read_parameters(reader, data, path),
        output=read_type(reader, data.get("output", INVALID), (*path, "output")),
        given=reader.expressions(data, path, "given"),
        ensure=reader.expressions(data, path, "ensure"),
        expression=None if given == ["python"] else read_returns(reader, data, path, "expression"),
        python=reader.text_or_none(data, path, "python"),
    )


def read_returns(reader: Reader, data: dict[str, Raw], path: Path, key: str) -> Expr | dict[str, Expr]:
    """Return one expression, or one for each field; INVALID when absent, which is reported already."""
    if isinstance(data.get(key), dict):
        return reader.arguments(data, path, key)
    return reader.needed_expression(data, path, key)
