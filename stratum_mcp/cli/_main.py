"""The `stratum` command: its verbs in the order of a job, and the last net under them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from stratum_mcp.cli._audit import audit
from stratum_mcp.cli._codegen import codegen, emit
from stratum_mcp.cli._decide import decide
from stratum_mcp.cli._demo import demo
from stratum_mcp.cli._doctor import doctor
from stratum_mcp.cli._documents import estimate, fmt, guide, plan, schema, validate
from stratum_mcp.cli._drift import drift
from stratum_mcp.cli._exit import EXIT_CODES, Exit
from stratum_mcp.cli._gc import gc
from stratum_mcp.cli._install import install, uninstall
from stratum_mcp.cli._keys import keys
from stratum_mcp.cli._money import revoke, spend
from stratum_mcp.cli._plans import plans
from stratum_mcp.cli._processes import run_worker, serve
from stratum_mcp.cli._runs import approve, cancel, execute, resume, runs, show
from stratum_mcp.cli._team import team
from stratum_mcp.plain import plain

__all__ = ["main"]


class _Verbs(click.Group):
    """Lists the verbs in the order of a job instead of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the names as they were added."""
        return list(self.commands)


_verbs = _Verbs(
    name="stratum",
    help="Plan language-model work in plain words with a price, ask a person once, run it under a cap.",
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands={
        command.name or "": command
        for command in (
            demo, validate, fmt, plan, estimate, approve, revoke, execute, decide, resume, cancel, plans,
            runs, show, drift, spend, audit, gc, codegen, emit, schema, guide, serve, team, keys, install,
            uninstall, doctor, run_worker,
        )
    },
)  # fmt: skip
click.version_option(package_name="stratum-runtime")(_verbs)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    """Return the exit code of one command; no failure gets past as a traceback unless it is asked for."""
    try:
        code = _verbs.main(
            args=None if arguments is None else list(arguments), prog_name="stratum", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has gone; nothing is left to tell them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        if os.environ.get("STRATUM_DEBUG"):
            raise
        click.echo(
            plain(f"stratum: internal fault, {type(error).__name__}: {error}; STRATUM_DEBUG=1 shows where"),
            err=True,
        )
        return Exit.INTERNAL
    return code if isinstance(code, int) else Exit.OK
