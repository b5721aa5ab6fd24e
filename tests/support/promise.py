"""One public promise: what is said, where it is said, and the tests that hold it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Promise", "promise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One sentence a user may rely on."""

    id: str
    """Area and name, e.g. `run.resume_pays_nothing_twice`."""
    sentence: str
    page: str
    """Where it is made, from the top of the checkout."""
    heading: str
    tests: tuple[str, ...]
    """Node ids from the top of the checkout, without parameters; a file stands for all of its tests."""


def promise(id: str, sentence: str, where: tuple[str, str], *tests: str) -> Promise:
    """Return a promise.

    Args:
        id: Area and name.
        sentence: What is promised.
        where: Page and heading.
        tests: Node ids relative to `tests/`.
    """
    page, heading = where
    return Promise(
        id=id, sentence=sentence, page=page, heading=heading, tests=tuple(f"tests/{test}" for test in tests)
    )
