"""What a registered function's process does first: take on its limits, then become the function's own interpreter.

Run as a file (`python -I _child.py MEMORY_BYTES CPU_SECONDS FILE`), so that nothing but the standard library is loaded.
"""

from __future__ import annotations

import os
import resource
import sys

__all__: list[str] = []


def _main(memory: str, cpu_s: str, file: str) -> None:
    """Set the limits, which the program that follows cannot raise again, and start it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(memory), int(memory)))
    if sys.platform == "linux":  # elsewhere the kernel does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    os.execv(sys.executable, [sys.executable, "-I", "-X", "utf8", file])  # noqa: S606 - our own interpreter, no shell


if __name__ == "__main__":
    _main(*sys.argv[1:])
