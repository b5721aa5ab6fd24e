"""One whole job as an ordinary account: a process that drops root first, then looks at what it made.

    python -m tests.hardening._ordinary FOLDER

Prints one JSON object. The interpreter may lie where an ordinary account cannot read, so the job is done once as it is
started (everything is imported then), and a second time after root is given up; runners are forked for the same reason.
The umask is 0, so that no mode is right by luck.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from stratum_core.engine import Engine, Settings
from stratum_core.engine._runners import Runners
from stratum_core.errors import StratumError
from stratum_core.runtime import worker
from tests.support.jobs import Job, make_job

__all__: list[str] = []

_NOBODY, _ANOTHER = 65_534, 65_533


class _Forked(Runners):
    """Runs a run to its end in a fork of this process."""

    def start(self, run_id: str, *, background: bool) -> None:
        """Fork, work, and wait for that."""
        del background
        child = os.fork()
        if child == 0:
            os.umask(0)
            (self._state_dir / "runs").mkdir(mode=0o700, exist_ok=True)
            os._exit(worker.main(["--state-dir", str(self._state_dir), "--run", run_id]))
        os.waitpid(child, 0)


def _engine(job: Job) -> Engine:
    settings = Settings(state_dir=job.state_dir, roots=(job.folder,), environ={}, default_model="offline")
    engine = Engine(settings)
    engine._runners = _Forked(job.state_dir, {})
    return engine


def _work(folder: Path) -> Job:
    """Plan, approve and run the job."""
    folder.mkdir(mode=0o755)
    job = make_job(folder)
    with _engine(job) as engine:
        plan = engine.plan(
            str(job.spec), inputs={"notes": {"file": job.data.name}}, options={"out": "out.csv"}
        )
        engine.decide(plan.plan_id, approved=True, channel="flag")
        state = engine.show_run(engine.execute(plan.plan_id).run_id).state
    assert state == "completed", state
    return job


def _kept(job: Job) -> list[Path]:
    return [job.state_dir, *sorted(job.state_dir.rglob("*"))]


def _open_to_another(paths: list[Path]) -> list[str]:
    """Return what another ordinary account can read; only root can ask."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(_ANOTHER)
        os.setuid(_ANOTHER)
        found = [str(path) for path in paths if os.access(path, os.R_OK)]
        os.write(writing, json.dumps(found).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    return json.loads(os.read(reading, 1_000_000))


def _told(ask: Callable[[], object]) -> str:
    """Return how something was refused."""
    try:
        ask()
    except StratumError as error:
        return error.code
    return "done"


def _refusals(job: Job) -> dict[str, str]:
    """Take rights away from files, as only an ordinary account notices."""
    bound = {"notes": {"file": job.data.name}}
    job.data.chmod(0)
    with _engine(job) as engine:
        unread = _told(lambda: engine.plan(str(job.spec), inputs=bound))
    job.data.chmod(0o600)
    job.state_dir.chmod(0o500)
    (job.state_dir / "control.db").chmod(0o400)
    sealed = _told(lambda: _engine(job).plan(str(job.spec), inputs=bound))
    (job.state_dir / "control.db").chmod(0o600)
    job.state_dir.chmod(0o777)
    shared = _told(lambda: _engine(job))
    job.state_dir.chmod(0o700)
    return {"unreadable data": unread, "state that cannot be written": sealed, "state for all": shared}


def main() -> None:
    """Do the job as an ordinary account and print what it left."""
    folder = Path(sys.argv[1])
    folder.chmod(0o777)
    os.umask(0)
    root = os.getuid() == 0
    first = _work(folder / "first")
    _refusals(first)
    if root:
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            _say(_work(folder / "second"))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        kept = _kept(Job(folder=folder / "second/project", state_dir=folder / "second/state"))
        _write({"status": status, "open": _open_to_another(kept)})
    else:
        _say(first)
        _write({"status": 0, "open": []})


def _write(record: object) -> None:
    sys.stdout.write(f"{json.dumps(record)}\n")
    sys.stdout.flush()


def _say(job: Job) -> None:
    """Print who worked, and the modes of what was made."""
    modes = {
        str(path.relative_to(job.state_dir)): oct(stat.S_IMODE(path.stat().st_mode)) for path in _kept(job)
    }
    out = oct(stat.S_IMODE((job.folder / "out.csv").stat().st_mode))
    _write({"uid": os.getuid(), "modes": modes, "out": out, "refused": _refusals(job)})


if __name__ == "__main__":
    main()
