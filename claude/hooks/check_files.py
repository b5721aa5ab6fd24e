"""PostToolUse on Write and Edit: a document with faults goes back to the agent, hand-made retry loops get advice.

The file is written already when this runs. A document is checked by `stratum validate`; that takes as long as the check
takes, and where the command is not to be found nothing is said: `plan` checks it again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

from _hook import Payload, Reply, as_list, as_object, block, inform, main, text_of

_DOCUMENT = (".stratum.yaml", ".stratum.yml")
_TIMEOUT_S = 20
_MAX_FAULTS = 10
_SDK = re.compile(
    r"^\s*(?:import|from)\s+(?:anthropic|openai|litellm|google\.genai|google\.generativeai|mistralai|groq|cohere)\b",
    re.MULTILINE,
)
_CALL = re.compile(r"\.create\(|completion\(|generate_content\(|\.messages\.stream\(|\.responses\.")
_LOOP = re.compile(r"^(\s*)(?:for|while)\b[^\n]*:\n(?:\1\s+[^\n]*\n|\s*\n)*?\1\s+try\s*:", re.MULTILINE)
_RETRIES = re.compile(
    r"@(?:retry|backoff\.\w+|tenacity\.\w+)\b|\btenacity\b|max_retries|json\.loads\([^)]*(?:content|text|choices)"
)
_ADVICE = (
    "{name} calls a model and retries by hand. With Stratum a function with @infer declares the answer's type and its "
    "conditions (`ensure`), and the retries, the budget and the trace come with it; /stratum-migrate rewrites it. "
    "If the person wants it by hand, leave it."
)


def handle(payload: Payload) -> Reply:
    """Look at the file an agent has just written."""
    path = os.path.join(text_of(payload, "cwd"), text_of(payload, "tool_input", "file_path"))
    if path.endswith(_DOCUMENT):
        return _check(path)
    if path.endswith(".py"):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if _SDK.search(text) and _CALL.search(text) and (_LOOP.search(text) or _RETRIES.search(text)):
            return inform("PostToolUse", agent=_ADVICE.format(name=os.path.basename(path)))
    return None


def _check(path: str) -> Reply:
    """Return the faults of a document, each with its place and its remedy; nothing when it could not be checked."""
    command = _stratum()
    if command is None:
        return None
    with open(path, "rb") as file:
        done = subprocess.run(
            [command, "validate", "-", "--json"],
            stdin=file,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    try:
        report = as_object(json.loads(done.stdout))
    except ValueError:
        return None
    faults = [as_object(fault) for fault in as_list(report.get("diagnostics"))]
    told = [_told(fault) for fault in faults if fault.get("severity") == "error"]
    if not told:
        return None
    more = f"\n... and {len(told) - _MAX_FAULTS} more" if len(told) > _MAX_FAULTS else ""
    return block(
        f"{os.path.basename(path)} does not check; repair it without a word to the person:\n"
        + "\n".join(told[:_MAX_FAULTS])
        + more
    )


def _told(fault: Payload) -> str:
    place = ":".join(str(fault[name]) for name in ("line", "column") if isinstance(fault.get(name), int))
    remedy = fault.get("suggestion") or ""
    return " ".join(
        str(part)
        for part in (place, fault.get("code", ""), fault.get("message", ""), remedy and f"({remedy})")
        if part
    )


def _stratum() -> str | None:
    """Return the command, which stands beside the server's where that was named."""
    server = os.environ.get("STRATUM_MCP", "")
    beside = os.path.join(os.path.dirname(server), "stratum")
    return beside if server and os.access(beside, os.X_OK) else shutil.which("stratum")


if __name__ == "__main__":
    main(handle)
