"""The process that imports a person's module for `stratum emit`: `python -m stratum_core.authoring._emitter FILE`.

Whatever the module prints goes to stderr; stdout gets one JSON value, also when the import fails. Importing runs the
module, so only a person's own command starts this, never the server.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from stratum_core.authoring._emit import emit_module
from stratum_core.contracts import JsonValue

__all__ = ["main"]


def main(path: str) -> int:
    """Import a file, write what it says as one JSON value, and return the exit code."""
    out = os.dup(1)
    os.dup2(2, 1)
    record: dict[str, JsonValue]
    try:
        record = dict(asdict(emit_module(_imported(Path(path)))))
    except Exception as error:  # noqa: BLE001 - a module may raise anything; the parent tells it
        record = {"failed": f"{type(error).__name__}: {error}"}
    with os.fdopen(out, "w", encoding="utf-8", errors="replace") as answer:
        json.dump(record, answer)
    return 0


def _imported(file: Path) -> ModuleType:
    """Import a file under its own name; what stands beside it can be imported by it."""
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
