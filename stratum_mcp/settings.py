"""What one server works with: whose folders count, how long a call waits, and the engine behind it.

Everything is read once, at the rim. The folders are, in this order: the operator's (`STRATUM_ROOTS`), the client's
roots, the project Claude Code was started in, the working directory; the policy's own are always added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from stratum_mcp.notices import Sessions

if TYPE_CHECKING:
    from stratum_core.engine import Engine

__all__ = ["ServerSettings", "Workspace", "folders"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What one server works with."""

    environ: Mapping[str, str]
    """Names the state directory, the policy and the provider keys; the engine reads it."""
    folder: Path
    """Where paths start for a client that tells no folders of its own."""
    patience_s: float = 50
    """How long `execute` and `resume` wait for a client that is not known to wait for hours."""
    progress_s: float = 1
    """Time between two reports of progress."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, cwd: Path) -> ServerSettings:
        """Read the settings: the project Claude Code names counts before the working directory."""
        project = environ.get("CLAUDE_PROJECT_DIR")
        return cls(environ=dict(environ), folder=Path(project) if project else cwd)

    @property
    def roots_are_fixed(self) -> bool:
        """Whether the operator named the folders; a client's roots then change nothing."""
        return bool(self.environ.get("STRATUM_ROOTS"))


class Workspace:
    """The engines of one server process, one for each set of folders its clients work in."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.sessions = Sessions()
        """Which sessions were told of what was left undone."""
        self._engines: dict[tuple[Path, ...], Engine] = {}
        self._lock = Lock()

    def engine(self, roots: tuple[Path, ...] = ()) -> Engine:
        """Return the engine that reads inside a client's folders; the server's own folders when it has none.

        Raises:
            ConfigurationError: The policy or price file is missing, unsafe or wrong.
            JournalError: The state directory cannot be used, or belongs to a newer version.
        """
        chosen = () if self.settings.roots_are_fixed else roots
        with self._lock:
            engine = self._engines.get(chosen)
            if engine is None:
                engine = self._engines[chosen] = self._open(chosen)
        return engine

    def close(self) -> None:
        """Close every engine; background runs go on."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def _open(self, roots: tuple[Path, ...]) -> Engine:
        """Open an engine."""
        # Imported at the first call: it costs as much as half the server, and most sessions only list the tools.
        from stratum_core.engine import Engine, Settings  # noqa: PLC0415

        settings = Settings.from_environment(self.settings.environ, cwd=self.settings.folder)
        return Engine(replace(settings, roots=(*roots, *settings.policy.roots)) if roots else settings)


def folders(uris: Sequence[str]) -> tuple[Path, ...]:
    """Return the existing folders among a client's roots; anything but a local `file:` address is left out."""
    found: list[Path] = []
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
            path = Path(url2pathname(parts.path))
            if path.is_dir():
                found.append(path)
    return tuple(found)
