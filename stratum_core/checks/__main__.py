"""Write the page of all diagnostic codes: `python -m stratum_core.checks [docs/errors.md]`."""

from __future__ import annotations

import sys
from pathlib import Path

from stratum_core.checks import errors_page

Path(sys.argv[1] if len(sys.argv) > 1 else "docs/errors.md").write_text(errors_page(), encoding="utf-8")
