"""The runner's export of spans: on only where the environment names an endpoint, and hardly in the way of the run."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from stratum_core.exporters import OtlpExporter, OtlpSettings

__all__ = ["RunExport"]

_CLOSE_S = 2.0


class RunExport:
    """What one walk exports with; without an endpoint it does nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where spans go from the environment."""
        settings = OtlpSettings.from_environ(environ)
        self.tracer = None if settings is None else OtlpExporter(settings)

    async def close(self) -> None:
        """Send what is left, for two seconds at most.

        This comes before the run is let go of: who waits for its end waits for the process, and a process that lingered
        would keep a waiting run from being resumed.
        """
        if self.tracer is not None:
            await anyio.to_thread.run_sync(self.tracer.close, _CLOSE_S)
