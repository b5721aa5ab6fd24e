"""The server as other programs see it: the protocol's own suite in both eras, and the Inspector."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conformance.conftest import Node
from tests.support.jobs import make_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BASELINE = Path(__file__).with_name("baseline.yml")


@pytest.mark.parametrize(("revision", "least"), [("2025-11-25", 60), ("2026-07-28", 135)])
def test_what_a_revision_requires_passes_but_for_what_is_not_offered(
    node: Node, address: str, revision: str, least: int
) -> None:
    done = node.run(
        "conformance",
        ["server", "--url", address, "--requirements", revision, "--expected-failures", str(BASELINE)],
    )
    assert done.returncode == 0, done.stdout[-4000:]
    (passed,) = re.findall(r"^Total: (\d+) passed", done.stdout, re.MULTILINE)
    assert int(passed) >= least


def _inspected(node: Node, *arguments: str) -> tuple[int, str, str]:
    done = node.run(
        "mcp-inspector",
        ["--cli", "-e", "STRATUM_MODEL=offline", sys.executable, "-m", "stratum_mcp.server", *arguments],
    )
    return done.returncode, done.stdout, done.stderr


def test_the_inspector_finds_no_fault_in_the_tools(node: Node) -> None:
    code, out, err = _inspected(node, "--method", "tools/list", "--strict")
    assert (code, err) == (0, "")
    assert len(json.loads(out)["tools"]) == 8


def test_a_job_is_planned_through_the_inspector(node: Node) -> None:
    job = make_job(node.home)
    inputs = json.dumps({"notes": {"file": str(job.data.relative_to(node.home))}})
    spec = str(job.spec.relative_to(node.home))
    code, out, _ = _inspected(
        node,
        "--method",
        "tools/call",
        "--tool-name",
        "plan",
        "--tool-arg",
        f"spec={spec}",
        f"inputs={inputs}",
    )
    plan = json.loads(out)["structuredContent"]
    assert (code, plan["items"], plan["approval"]) == (0, 5, "needs_approval")
    code, out, _ = _inspected(
        node, "--method", "tools/call", "--tool-name", "approve", "--tool-arg", f"plan_id={plan['plan_id']}"
    )
    assert json.loads(out)["structuredContent"]["state"] == "needs_approval"
