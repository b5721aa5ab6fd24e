"""What importing the packages may load and do, seen from a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Provider SDKs and network clients belong to the runner, inside the call.
HEAVY = {
    "litellm",
    "openai",
    "boto3",
    "httpx",
    "httpx2",
    "aiohttp",
    "requests",
    "huggingface_hub",
    "tokenizers",
    "tiktoken",
}

PROBE = """
import importlib, json, sys
events = []
sys.addaudithook(lambda name, args: events.append(name) if name.startswith("socket.") else None)
importlib.import_module(sys.argv[1])
print(json.dumps([sorted({name.split(".")[0] for name in sys.modules}), events]))
"""


def _import(module: str, root: Path) -> tuple[set[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded, events = json.loads(done.stdout)
    return set(loaded), events


def test_importing_the_library_loads_no_client_and_opens_no_socket(root: Path) -> None:
    loaded, events = _import("stratum_core", root)
    assert (loaded & (HEAVY | {"mcp", "click", "rich"}), events) == (set(), [])


@pytest.mark.parametrize("module", ["stratum_core.engine", "stratum_mcp.cli"])
def test_importing_a_surface_or_the_engine_loads_no_model_client_and_opens_no_socket(
    module: str, root: Path
) -> None:
    loaded, events = _import(module, root)
    assert (loaded & HEAVY, events) == (set(), [])


def test_importing_the_server_loads_no_litellm(root: Path) -> None:
    loaded, _ = _import("stratum_mcp.server", root)
    assert loaded & {"litellm", "openai", "boto3"} == set()
