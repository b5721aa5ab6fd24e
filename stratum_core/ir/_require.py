"""How many items of a `for_each` must succeed: all of them, a count, or a share."""

from __future__ import annotations

import re
from typing import Final, Literal

__all__ = ["WHOLE_PERCENT", "parse_require", "share_percent"]

WHOLE_PERCENT: Final = 100.0
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%")


def parse_require(require: int | str) -> Literal["all"] | int | float:
    """Return how many items must succeed: `all`, a count, or a share between 0.0 and 1.0 (float).

    Raises:
        ValueError: It is none of these.
    """
    if require == "all" or isinstance(require, int):
        return "all" if require == "all" else require
    percent = share_percent(require)
    if percent is None:
        msg = f"{require!r} is neither `all`, a count nor a share such as `95%`"
        raise ValueError(msg)
    return percent / WHOLE_PERCENT


def share_percent(text: str) -> float | None:
    """Return the percent of a text such as `95%`, from 0 to 100, or None when it is no share."""
    found = _SHARE.fullmatch(text)
    percent = float(found.group(1)) if found else None
    return None if percent is None or percent > WHOLE_PERCENT else percent
