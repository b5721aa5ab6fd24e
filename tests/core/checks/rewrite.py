"""Write what is said about each bad document beside it: `python -m tests.core.checks.rewrite`, then read the diff."""

from __future__ import annotations

import json
from typing import Any

from tests.core.checks._support import BAD, bad_documents, shown

if __name__ == "__main__":
    for document in bad_documents():
        path = BAD / f"{document.name}.json"
        beside: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        beside["diagnostics"] = [shown(found) for found in document.check()]
        path.write_text(json.dumps(beside, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
