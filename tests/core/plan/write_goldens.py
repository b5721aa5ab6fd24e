"""Write the golden plan texts again: `python tests/core/plan/write_goldens.py`, then read every difference."""

from __future__ import annotations

from stratum_core.llm import PriceTable
from stratum_core.plan import PlanContext, Roots
from tests.core.plan.conftest import MODEL, NOW
from tests.core.plan.test_describe import CORPUS, NAMES, plan_of


def main() -> None:
    context = PlanContext(roots=Roots(), prices=PriceTable.load(), now=NOW, default_model=MODEL)
    for name in NAMES:
        summary = plan_of(name, context).summary
        (CORPUS / "plans" / f"{name}.txt").write_text(summary + "\n")


if __name__ == "__main__":
    main()
