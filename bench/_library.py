"""Importing the Python library, in CPU time of a fresh process, beside importing pydantic alone."""

from __future__ import annotations

import os
import subprocess
import sys

from bench._measure import Row, alternating

__all__ = ["measure"]

_OURS = "from stratum_core import Budget, contract, flow, infer, run"
_THEIRS = "from pydantic import BaseModel, Field"


def measure(*, rounds: int = 7) -> list[Row]:
    """Return the CPU milliseconds of both imports, made in turn, without those of an empty program."""
    empty, _ = alternating(lambda: _cpu_ms("pass"), lambda: 0.0, rounds=rounds)
    ours, theirs = alternating(lambda: _cpu_ms(_OURS), lambda: _cpu_ms(_THEIRS), rounds=rounds)
    return [
        Row(
            area="import of the library",
            ours=ours - empty,
            unit="CPU ms",
            peer="pydantic alone",
            theirs=theirs - empty,
        )
    ]


def _cpu_ms(program: str) -> float:
    """Return the CPU milliseconds of a process that runs a program."""
    before = os.times()
    subprocess.run([sys.executable, "-c", program], check=True)
    after = os.times()
    spent_s = after.children_user - before.children_user + after.children_system - before.children_system
    return spent_s * 1000
