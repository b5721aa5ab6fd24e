"""A `stratum` command as a person can type it in a terminal of their own: every place that tells one makes it here.

The bare name is told where it leads to this installation; elsewhere the program's full path is. Where the plans lie in
a state directory that a terminal would not look in by itself, the command names it. Whose terminal it is nobody knows:
PATH is taken to be that of the process that speaks.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import platformdirs

__all__ = ["command_line"]

_NAME = "stratum"


def command_line(*words: str, state_dir: Path | None = None, path: str | None = None) -> str:
    """Return the command with these words, quoted for a shell.

    Args:
        words: The verb and what follows it.
        state_dir: Where what they name lies; None: where a terminal looks by itself.
        path: The PATH of whoever types; None: that of this process.
    """
    own = state_dir is not None and state_dir != Path(platformdirs.user_state_dir(_NAME))
    setting = f"STRATUM_STATE_DIR={shlex.quote(str(state_dir))} " if own else ""
    return f"{setting}{_program(path)} {shlex.join(words)}"


def _program(path: str | None) -> str:
    """Return the name that starts this installation's program, or where nothing else does its path."""
    ours = shutil.which(_NAME, path=str(Path(sys.executable).parent))
    found = shutil.which(_NAME, path=path)
    if ours is None or (found is not None and Path(found).resolve() == Path(ours).resolve()):
        return _NAME
    return shlex.quote(ours)
