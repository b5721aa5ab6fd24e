"""The runner's export of spans: on only where the environment names an endpoint, and never in the way of the run."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from stratum_core.exporters import OtlpExporter, OtlpSettings
from stratum_core.journal import RunState

__all__ = ["RunExport"]

_HAND_OVER_S = 2.0
_CLOSE_S = 5.0


class RunExport:
    """What a runner exports with; without an endpoint it does nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where spans go from the environment."""
        settings = OtlpSettings.from_environ(environ)
        self.tracer = None if settings is None else OtlpExporter(settings)
        self._handed_over = False

    async def hand_over(self, state: RunState) -> None:
        """Send what is waiting before a run that can be resumed is let go of, for two seconds at most.

        The runner of such a run ends at once then: one that lingers would keep the next from starting. A run that is
        complete is written down first, and what is left is sent afterwards.
        """
        self._handed_over = not state.startswith("completed")
        if self.tracer is not None and self._handed_over:
            await anyio.to_thread.run_sync(self.tracer.flush, _HAND_OVER_S)

    def close(self) -> None:
        """Send what is left, for five seconds at most."""
        if self.tracer is not None:
            self.tracer.close(0 if self._handed_over else _CLOSE_S)
