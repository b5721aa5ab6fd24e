"""What a generated module knows of a plan's data: its files, relative to the module, and never their rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from stratum_core.codegen import FileInput, PlannedInputs
from stratum_core.contracts import JsonValue, StringType
from stratum_core.plan import Roots, format_of

__all__ = ["planned_inputs"]

_ROW = "row"
_ITEM = "item"
"""What `columns` calls the value of a row that is no record."""


def planned_inputs(bindings: Sequence[Mapping[str, JsonValue]], folder: Path, roots: Roots) -> PlannedInputs:
    """Return where a module finds the inputs of a plan.

    Args:
        bindings: As the plan's record keeps them.
        folder: Where the module will stand, links resolved.
        roots: The allowed folders.
    """
    files = {str(one["name"]): _file(one, folder, roots) for one in bindings if one["kind"] == "file"}
    absent = (str(one["name"]) for one in bindings if one["kind"] == "inline" and one["value"] is None)
    return PlannedInputs(files=files, absent=frozenset(absent))


def _file(binding: Mapping[str, JsonValue], folder: Path, roots: Roots) -> FileInput:
    """Return a file as the module names it; columns with the name of their field go without saying."""
    path, form = str(binding["path"]), str(binding["format"])
    columns = cast("Mapping[str, str]", binding["columns"])
    return FileInput(
        path=_from(folder, Path(path), roots),
        columns={
            field or _ITEM: column for field, column in columns.items() if column == _ROW or column != field
        },
        form="" if format_of(path, StringType()) == form else form,
    )


def _from(folder: Path, file: Path, roots: Roots) -> str:
    """Return a path relative to a folder; the name alone where the two share no allowed folder."""
    around = [root for root in roots.paths if folder.is_relative_to(root) and file.is_relative_to(root)]
    return os.path.relpath(file, folder).replace(os.sep, "/") if around else file.name
