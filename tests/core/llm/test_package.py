"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import stratum_core.llm


def test_importing_it_imports_no_http_library_and_no_litellm() -> None:
    program = (
        "import sys, stratum_core.llm, stratum_core.testing; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} "
        "& {'litellm', 'httpx', 'aiohttp', 'openai', 'vaderSentiment', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_listed_name_is_there() -> None:
    assert [name for name in stratum_core.llm.__all__ if not hasattr(stratum_core.llm, name)] == []
