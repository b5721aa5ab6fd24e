"""Data from files for a program of one's own, read and checked as a plan reads and checks it.

The same formats, the same mapping of columns, the same cells, and the same errors that name each bad row: what a flow
was planned with is what a program reads. The program's own rights are its only limits here; which folders a plan may
read, and how many rows, is the operator's to say and holds for plans.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from stratum_core.authoring._types import codec_of
from stratum_core.contracts import JsonValue, StoredList
from stratum_core.plan import BindLimits, FileFormat, FileRequest, Roots, read_file

__all__ = ["read_data"]

T = TypeVar("T")

_UNLIMITED = BindLimits(max_rows=sys.maxsize, max_file_bytes=sys.maxsize)


@overload
def read_data(
    path: str | Path,
    kind: type[T],
    *,
    columns: Mapping[str, str] | None = None,
    format: FileFormat | None = None,
) -> T: ...
@overload
def read_data(
    path: str | Path,
    kind: Any,  # noqa: ANN401 - `Tone | None` has no better type before Python 3.14
    *,
    columns: Mapping[str, str] | None = None,
    format: FileFormat | None = None,
) -> Any: ...  # noqa: ANN401 - what such a type stands for
def read_data(
    path: str | Path,
    kind: object,
    *,
    columns: Mapping[str, str] | None = None,
    format: FileFormat | None = None,
) -> object:
    """Read a file as a value of a type: csv, json and jsonl as a list with one item for each row, text as `str`.

        reviews = read_data("reviews.csv", list[Review], columns={"text": "Review Text"})

    Args:
        path: The file, UTF-8.
        kind: What it holds, such as `list[Review]`, `list[str]`, a contract or `str`.
        columns: For csv: the column of each field that has another name in the file; `row` is the row's number.
        format: How to read it; None: as its name ends.

    Raises:
        InputError: It cannot be read, or rows do not fit; the first bad ones are named with line, column and value.
        ContractViolation: A validator of a model refuses a row.
        StratumCompileError: The type is none that a document could write.
    """
    codec = codec_of(kind, where="read_data()")
    file = Path(path).absolute()
    request = FileRequest(file=str(file), columns=dict(columns or {}), form=format)
    folder = Roots(Path(os.path.realpath(file)).parent)
    value: JsonValue = read_file(codec.type, request, roots=folder, limits=_UNLIMITED)
    return codec.load(list(value) if isinstance(value, StoredList) else value)
