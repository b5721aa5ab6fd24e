"""What the stage gives to others is listed, sorted and real."""

from __future__ import annotations

import pytest

import stratum_core.contracts
import stratum_core.ir
from stratum_core.ir import DOCUMENT_CODES


def order(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize(
    "module", [stratum_core.ir, stratum_core.contracts], ids=lambda module: module.__name__
)
def test_the_public_names_are_sorted_and_exist(module: object) -> None:
    names: list[str] = getattr(module, "__all__")  # noqa: B009
    assert names == sorted(set(names), key=order)
    assert all(hasattr(module, name) for name in names)


def test_every_code_is_explained_in_sentences() -> None:
    assert list(DOCUMENT_CODES) == sorted(DOCUMENT_CODES)
    for code, info in DOCUMENT_CODES.items():
        assert code.startswith("E")
        assert len(code) == 4
        assert info.title
        assert not info.title.endswith(".")
        assert info.explanation.endswith(".")
        assert info.remedy.endswith((".", "`"))
