"""The plan as a question: four short lines, because a dialog may show no more.

Claude Code's own form cuts a message to four lines, whatever the height of the terminal (measured with 2.1.330; see
docs/decisions/0011-four-lines-to-ask.md). So the question says what is done to how much, what leaves the machine and
where results go, and the price last; the whole plan is the summary.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from stratum_core.plan._words import clean

__all__ = ["QUESTION_COLUMNS", "QUESTION_LINES", "question_text"]

QUESTION_LINES = 4
QUESTION_COLUMNS = 76
_WORK_LINES = 2
_CUT = " …"


def question_text(*, data: str, work: Sequence[str], where: str, cost: str) -> str:
    """Return the question.

    Args:
        data: What comes in, e.g. `136 reviews from reviews.csv`; may be empty.
        work: What is done, a phrase for each step.
        where: What leaves the machine and where results go, most important first.
        cost: The price, in one short sentence that is never cut.
    """
    phrases = [clean(phrase, most=3 * QUESTION_COLUMNS) for phrase in work[:QUESTION_COLUMNS] if phrase]
    done = "; ".join(phrases).replace(":; ", ": ")
    opening = ": ".join(part for part in (data, done) if part)
    lines = [*_cut(opening, _WORK_LINES), *_cut(where, QUESTION_LINES - _WORK_LINES - 1), *_cut(cost, 1)]
    return "\n".join(lines)


def _cut(text: str, lines: int) -> list[str]:
    """Break a text into at most so many lines, with a mark where something was left out."""
    return textwrap.wrap(
        text, width=QUESTION_COLUMNS, max_lines=lines, placeholder=_CUT, break_on_hyphens=False
    )
