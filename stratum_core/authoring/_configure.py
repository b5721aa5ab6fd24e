"""`configure`: what the calls of this process use. A flow keeps the settings it was started with.

This is the one thing that event loops and threads share on purpose: immutable settings, replaced as a whole. Meters,
journals, caches and counters belong to the flow that made them.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from stratum_core.errors import ConfigurationError

if TYPE_CHECKING:
    from stratum_core.authoring._sinks import ReviewSink
    from stratum_core.llm import ModelClient
    from stratum_core.trace import Tracer

__all__ = ["Configured", "Settings", "configure", "settings"]

_DEFAULT_SAMPLES: Final = 5
_MAX_SAMPLES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `configure` has set."""

    client: ModelClient | None = None
    review_sink: ReviewSink | None = None
    tracer: Tracer | None = None
    default_model: str | None = None
    test_mode: bool = False
    sample_n: int = _DEFAULT_SAMPLES
    journal: Path | None = None

    @property
    def samples(self) -> int:
        """How many answers an unstable function is asked for."""
        return self.sample_n if self.test_mode else 1


class Configured:
    """What `configure` gives back: used as a context manager, it takes the settings back at the end of the block."""

    def __init__(self, before: Settings) -> None:
        """Remember the settings there were."""
        self._before = before

    def __enter__(self) -> None:
        """Go on with the new settings."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _Current.replace(self._before)


class _Current:
    """The settings of this process."""

    settings: Settings = Settings()
    lock = threading.Lock()

    @classmethod
    def replace(cls, settings: Settings) -> Settings:
        """Set new settings and return the ones before."""
        with cls.lock:
            before, cls.settings = cls.settings, settings
        return before


def settings() -> Settings:
    """Return the settings a flow that starts now keeps."""
    return _Current.settings


class _Unset:
    """Marks an argument that was left out; None takes a setting back."""


_UNSET: Final = _Unset()


def configure(
    *,
    client: ModelClient | _Unset | None = _UNSET,
    review_sink: ReviewSink | _Unset | None = _UNSET,
    tracer: Tracer | _Unset | None = _UNSET,
    default_model: str | _Unset | None = _UNSET,
    test_mode: bool | _Unset = _UNSET,
    sample_n: int | _Unset = _UNSET,
    journal: str | os.PathLike[str] | _Unset | None = _UNSET,
) -> Configured:
    """Set what flows and calls use that start after this, in every thread of the process.

    What is left out stays as it is; None takes a setting back. In a `with` statement the settings hold for the block.

    Args:
        client: Answers every request, whatever its model. Default: the provider of each model, with the key of its
            environment variable, and the built-in offline model for `offline`.
        review_sink: Where `await_human` puts its questions. Default: the terminal.
        tracer: Is told of every call and flow, beside the records that `all_records` returns.
        default_model: The model of functions that name none. Default: `STRATUM_MODEL`, else a cheap model of the
            first provider whose key is set.
        test_mode: Ask functions with `stable=False` for `sample_n` answers instead of one.
        sample_n: 1 to 100.
        journal: A directory; every outermost flow keeps its record there and can be resumed from it.

    Raises:
        ConfigurationError: A setting makes no sense.
    """
    if not isinstance(sample_n, _Unset) and not 1 <= sample_n <= _MAX_SAMPLES:
        raise ConfigurationError(f"sample_n={sample_n!r} is not between 1 and {_MAX_SAMPLES}")
    if not isinstance(client, (_Unset, type(None))) and not callable(getattr(client, "complete", None)):
        raise ConfigurationError(
            f"client={client!r} has no `complete`",
            remedy="give an object with `async def complete(self, request: ModelRequest) -> ModelReply`",
        )
    now = settings()
    new = replace(
        now,
        client=now.client if isinstance(client, _Unset) else client,
        review_sink=now.review_sink if isinstance(review_sink, _Unset) else review_sink,
        tracer=now.tracer if isinstance(tracer, _Unset) else tracer,
        default_model=now.default_model if isinstance(default_model, _Unset) else default_model,
        test_mode=now.test_mode if isinstance(test_mode, _Unset) else test_mode,
        sample_n=now.sample_n if isinstance(sample_n, _Unset) else sample_n,
        journal=now.journal if isinstance(journal, _Unset) else (None if journal is None else Path(journal)),
    )
    return Configured(_Current.replace(new))
