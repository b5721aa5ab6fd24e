"""Who holds a run: the process, told apart from every other one this machine ever had."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from stratum_core.journal._encoding import decode_object, encode

__all__ = ["Owner", "describe", "this_process"]

LINUX_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process: its host, the boot it lives in, its number, and when it started (numbers are used again)."""

    host: str
    boot_id: str
    pid: int
    started_ms: int

    def encoded(self) -> str:
        """Return the owner as the journal stores it."""
        return encode(
            {"host": self.host, "boot_id": self.boot_id, "pid": self.pid, "started_ms": self.started_ms},
            where="owner",
        )


def this_process() -> Owner:
    """Return the process that asks."""
    return Owner(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid=os.getpid(),
        started_ms=int(psutil.Process().create_time() * 1000),
    )


def describe(encoded: str) -> str:
    """Return a stored owner in words; empty when there is none."""
    owner = decode_object(encoded or None)
    return f"process {owner['pid']} on {owner['host']}" if owner else ""


def _boot_id() -> str:
    """Return the kernel's own id of this boot, or the time of the boot where it has none."""
    if LINUX_BOOT_ID.exists():
        return LINUX_BOOT_ID.read_text().strip()
    return f"{psutil.boot_time():.0f}"
