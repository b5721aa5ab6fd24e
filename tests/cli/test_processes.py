"""Commands as processes of their own: the server, the runner, and a reader that goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.cli._command import plan_arguments
from tests.support.jobs import Job

_STRATUM = [sys.executable, "-c", "from stratum_mcp.cli import main; main()"]
_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def test_serve_becomes_the_server_on_stdin_and_stdout(job: Job) -> None:
    done = subprocess.run(
        [*_STRATUM, "serve"],
        input=json.dumps(_HELLO) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (answer,) = done.stdout.splitlines()
    assert json.loads(answer)["result"]["serverInfo"]["name"] == "stratum"


def test_run_worker_becomes_the_runner(job: Job) -> None:
    done = subprocess.run([*_STRATUM, "run-worker"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--state-dir" in done.stderr


def test_a_reader_that_goes_away_is_no_fault(job: Job) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*_STRATUM, "schema"], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_json_stands_alone_on_stdout_even_when_the_policy_is_missing(job: Job) -> None:
    done = subprocess.run(
        [*_STRATUM, *plan_arguments("--json")],
        env={**os.environ, "STRATUM_POLICY": "/nowhere/policy.yaml"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "configuration_error"
    assert done.stderr == ""
