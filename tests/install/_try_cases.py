"""Goes through the cases as an ordinary user, with the real command: install twice, then uninstall.

    python -m tests.install._try_cases FOLDER

Started by root it becomes `nobody` once everything is loaded, because nobody may not read root's Python.
Writes one JSON value: for each case what the home folder held before and after each step, and what was said.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import sys
from pathlib import Path

from stratum_mcp.cli import main
from tests.install._cases import CASES, Case

NOBODY = 65534
Shot = dict[str, tuple[int, str]]
"""Path -> permissions, and the content, the target of a link, or the kind of what it is."""


def snapshot(home: Path) -> Shot:
    """Return everything in a folder."""
    shot: Shot = {}
    for path in sorted(home.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            content = f"-> {path.readlink()}"
        elif stat.S_ISREG(mode):
            readable = os.access(path, os.R_OK)
            content = path.read_bytes().decode("latin-1") if readable else "(unreadable)"
        else:
            content = f"({stat.S_IFMT(mode):o})"
        shot[str(path.relative_to(home))] = (stat.S_IMODE(mode), content)
    return shot


def run(*arguments: str) -> tuple[int, str]:
    """Run the command in this process; give its exit code and all it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(list(arguments))
        except SystemExit as ended:
            return int(str(ended.code)), said.getvalue()


def go_through(case: Case, home: Path) -> dict[str, object]:
    """Try one case in an empty folder."""
    home.mkdir()
    os.chdir(home)
    case.put(home)
    if case.home is None:
        os.environ.pop("HOME", None)
    else:
        os.environ["HOME"] = str(home / case.home)
    shots = [snapshot(home)]
    said: list[tuple[int, str]] = []
    for arguments in (("install", *case.arguments), ("install", *case.arguments), ("uninstall",)):
        said.append(run(*arguments))
        shots.append(snapshot(home))
    return {"shots": shots, "said": said}


def become_ordinary(top: Path) -> None:
    """Give up root's rights until the end; root is only kept as the saved account, to come back to."""
    if os.geteuid() != 0:
        return
    go_through(CASES[0], top / "first")  # loads every module
    os.chown(top, NOBODY, NOBODY)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, 0)


if __name__ == "__main__":
    top = Path(sys.argv[1])
    os.umask(0o022)
    become_ordinary(top)
    found = {case.name: go_through(case, top / str(number)) for number, case in enumerate(CASES)}
    found["(account)"] = {"uid": os.geteuid()}
    (top / "found.json").write_text(json.dumps(found), "utf-8")
    if os.getresuid()[2] == 0:
        os.setresuid(0, 0, 0)
