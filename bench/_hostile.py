"""Documents and expressions meant to exhaust the engine: how many are answered, and how long the slowest takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from bench._measure import Row
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError
from tests.core.engine.test_hostile import DOCUMENTS
from tests.core.ir.expressions.test_limits import HOSTILE, evaluate_hostile

__all__ = ["measure"]

_LIMIT_S = 1.0


def measure() -> list[Row]:
    """Return the rows of A12."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = Settings(state_dir=here / "state", roots=(here,), environ={}, default_model="offline")
        with Engine(settings) as engine:
            texts = [make() for make in DOCUMENTS.values()]
            documents = [_cpu_s(ask) for text in texts for ask in _asks(engine, text)]
    expressions = [_cpu_s(partial(evaluate_hostile, name)) for name in HOSTILE]
    return [
        Row(
            area=f"A12 slowest of {len(taken)} {what} that are hostile",
            ours=max(taken),
            unit="CPU s",
            target=f"< {_LIMIT_S:g}",
            met=max(taken) < _LIMIT_S,
        )
        for what, taken in (("answers about documents", documents), ("evaluations", expressions))
    ]


def _asks(engine: Engine, text: str) -> tuple[Callable[[], object], ...]:
    """Return the two ways a document can be given to an engine."""
    inputs: dict[str, JsonValue] = {"xs": [1, 2], "n": 1}
    return partial(engine.validate, text), partial(engine.plan, text, inputs=inputs)


def _cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of an answer; an error with its code is one, anything else is not."""
    before = time.process_time()
    with suppress(StratumError):
        work()
    return time.process_time() - before
