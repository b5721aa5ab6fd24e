"""What docs/library.md shows is a program that runs, without a key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = """\
from typing import Literal
from stratum_core import *
"""
USE = """
from stratum_core import all_records


class Approving(Inbox):
    async def emit(self, review: PendingReview) -> None:
        await super().emit(review)
        self.resolve(review.review_id, "yes", reviewer="ann", rationale="fine")


reviews = ["I love it", "It broke, awful", "Wonderful"]
run(together(reviews))
configure(review_sink=Approving())
print(run(publish("a text")))
print(run(judged_or_why("I love it")))
open("reviews.csv", "w").write("id,Review Text\\n1,I love it\\n2,It broke\\n")
print(0 <= run(overnight()) <= 100)
print(run(nightly(reviews)) == run(nightly(reviews)))
print(all_records()[-1].replayed)
"""


def test_the_programs_on_the_page_run_as_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    program = tmp_path / "page.py"
    program.write_text("\n\n".join([NAMES, *blocks, USE]))
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "STRATUM_STATE_DIR": str(tmp_path / "state")}
    told = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False, env=environ
    )
    assert told.returncode == 0, told.stderr
    first, _, *rest = told.stdout.splitlines()
    assert 0 < float(first) < 100
    assert rest == ["yes, said ann: fine", "positive", "True", "True", "True"]
    assert (tmp_path / "state" / "runs" / "nightly-2026-11-22.db").exists()
