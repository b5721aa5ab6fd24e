"""What a command works with: the engine of the working directory, and where its words go.

Results go to stdout, everything said on the way to stderr; with `--json` stdout holds exactly one JSON value. Text
from documents, journals and providers is made safe to show on its way out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings, command_line
from stratum_core.errors import DiagnosticsError, StratumError
from stratum_mcp.cli._diagnostics import show_diagnostics
from stratum_mcp.cli._exit import Exit, exit_for_error
from stratum_mcp.plain import plain
from stratum_mcp.remedies import for_command

__all__ = ["Session", "Verb"]

_UNBOUNDED = 10_000
"""Columns of what is no terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of a command."""

    as_json: bool = False
    """Whether a machine reads stdout."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=Path.cwd)

    def engine(self) -> Engine:
        """Open the engine of the working directory; use it in a `with` statement.

        Raises:
            ConfigurationError: The policy or price file is missing, unsafe or wrong.
        """
        return Engine(self.settings())

    def settings(self) -> Settings:
        """Read the engine's settings from the environment."""
        return Settings.from_environment(self.environ, cwd=self.cwd)

    def command(self, *words: str) -> str:
        """Return a `stratum` command as this person can type it in a terminal."""
        named = self.environ.get("STRATUM_STATE_DIR")
        state_dir = self.cwd / named if named else None
        return command_line(*words, state_dir=state_dir, path=self.environ.get("PATH", ""))

    def console(self, *, err: bool = False) -> Console:
        """Return a console that takes no markup from text; on stderr where a machine reads stdout.

        Where no terminal shows it, nothing is fitted into a width.
        """
        file = sys.stderr if err or self.as_json else sys.stdout
        width = None if file.isatty() else _UNBOUNDED
        return Console(file=file, width=width, markup=False, highlight=False, emoji=False)

    def say(self, text: str, *, err: bool = False) -> None:
        """Write a line for a person; to stderr where a machine reads stdout."""
        click.echo(plain(text), err=err or self.as_json)

    def result(self, record: JsonValue | Mapping[str, JsonValue], human: Callable[[], None]) -> None:
        """Write a result: as JSON for a machine, else in the words of `human`."""
        if self.as_json:
            click.echo(plain(json.dumps(record, ensure_ascii=False, indent=2, default=str)))
        else:
            human()

    def failure(self, error: StratumError, spec: str = "") -> Exit:
        """Write an error with its remedy, diagnostics with their lines, and return its exit code."""
        remedy = for_command(error)
        record: Mapping[str, JsonValue] = {
            "error": {
                "code": error.code,
                "message": error.message,
                "remedy": remedy,
                "detail": error.detail,
            }
        }

        def human() -> None:
            if isinstance(error, DiagnosticsError):
                show_diagnostics(error.detail.get("diagnostics", []), spec, self.console(err=True))
            self.say(f"stratum: {error.message}", err=True)
            if remedy:
                self.say(f"  {remedy}", err=True)

        self.result(record, human)
        return exit_for_error(error)


class Verb(click.Command):
    """A command with `--json` that ends every failure in a sentence and an exit code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's own signature
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="One JSON value on stdout, for machines.")
        )

    def invoke(self, ctx: click.Context) -> Exit:
        """Run the command and return its exit code."""
        session = Session(as_json=bool(ctx.params.pop("as_json")))
        ctx.obj = session
        try:
            return Exit(super().invoke(ctx))
        except StratumError as error:
            return session.failure(error, str(ctx.params.get("spec", "")))
