"""A document as a surface passes it: inline text, or the path of a file inside the allowed folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stratum_core.errors import InputError
from stratum_core.ir import MAX_DOCUMENT_BYTES

__all__ = ["read_spec", "resolve_inside"]


def read_spec(spec: str, roots: Sequence[Path]) -> str | bytes:
    """Return the document's text.

    A value with a line break, or one that starts with `{`, is the document itself; anything else is a path.

    Raises:
        InputError: The file is missing, outside the allowed folders or too large.
    """
    if "\n" in spec or spec.lstrip().startswith("{") or ": " in spec:
        return spec
    path = resolve_inside(spec, roots, what="the document")
    if not path.is_file():
        raise InputError(f"there is no document at {spec}", remedy="give its path, or the text itself")
    with path.open("rb") as file:
        text = file.read(MAX_DOCUMENT_BYTES + 1)
    return text


def resolve_inside(path: str, roots: Sequence[Path], *, what: str) -> Path:
    """Return the real path of a file that must lie inside one of the allowed folders, links followed.

    Raises:
        InputError: It lies outside, or the path holds a character no path may hold.
    """
    if "\0" in path:
        raise InputError(f"{what}: the path holds a NUL character", remedy="write a plain path")
    first, *_ = roots or [Path.cwd()]
    resolved = (first / Path(path).expanduser()).resolve()
    if not any(resolved.is_relative_to(root.resolve()) for root in roots):
        allowed = ", ".join(str(root) for root in roots) or "none"
        raise InputError(
            f"{what} {path!r} lies outside the allowed folders ({allowed})",
            remedy="move it into the project, or have the operator add its folder to `roots` in the policy file",
            detail={"path": path},
        )
    return resolved
