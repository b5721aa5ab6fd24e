"""Documents as they are given: read from text or a file, checked, mended, laid out anew, and written back."""

from __future__ import annotations

from pathlib import Path

from stratum_core.checks import Checked, Limits, check, repair
from stratum_core.engine._views import Rewrite, Validation
from stratum_core.errors import DiagnosticsError, InputError
from stratum_core.ir import MAX_BYTES, dump, has_inner_comments, leading_comments, load
from stratum_core.plan import FileData, Roots
from stratum_core.runtime import replace_file

__all__ = ["read_spec", "repaired", "rewritten", "validated", "write_back"]


def read_spec(spec: str, roots: Roots) -> str | bytes:
    """Return a document's text, read from its file when `spec` is a path.

    Raises:
        InputError: The path leads outside the allowed folders, or to nothing.
    """
    return spec if _is_text(spec) else _file(spec, roots).data


def validated(spec: str, roots: Roots, limits: Limits) -> Validation:
    """Check a document.

    Raises:
        InputError: As for `read_spec`.
    """
    return _validation(check(read_spec(spec, roots), limits=limits))


def repaired(spec: str, roots: Roots, limits: Limits) -> Rewrite:
    """Return a document with every machine-applicable fix made.

    Raises:
        InputError: As for `read_spec`, or the file is not UTF-8.
    """
    text, path = _readable(spec, roots)
    mended = repair(text, limits=limits)
    return Rewrite(
        before=text,
        text=mended.text,
        validation=_validation(mended.checked),
        applied=tuple(found.to_json() for found in mended.applied),
        path=path,
    )


def rewritten(spec: str, roots: Roots, limits: Limits) -> Rewrite:
    """Return a document in its one layout, with the comments at its top.

    Raises:
        DiagnosticsError: The document is wrong.
        InputError: As for `read_spec`, or the file is not UTF-8.
    """
    text, path = _readable(spec, roots)
    checked, document = check(text, limits=limits), load(text).document
    if not checked.ok or document is None:
        raise DiagnosticsError(
            "only a valid document has a canonical form",
            remedy="mend it first (`stratum validate --fix`)",
            detail={"diagnostics": [found.to_json() for found in checked.diagnostics]},
        )
    return Rewrite(
        before=text,
        text=leading_comments(text) + dump(document),
        validation=_validation(checked),
        path=path,
        loses_comments=has_inner_comments(text),
    )


def write_back(rewrite: Rewrite) -> None:
    """Put a rewritten document in its file's place, whole or not at all.

    Raises:
        InputError: It came from no file, the file was changed since it was read, or it cannot be written.
    """
    path = rewrite.path
    if path is None:
        raise InputError("the document came from no file", remedy="give its path")
    try:
        same = path.read_bytes() == rewrite.before.encode()
        if same:
            replace_file(path, rewrite.text)
    except OSError as fault:
        raise InputError(f"{path} cannot be written: {fault.strerror}", remedy="see to its rights") from fault
    if not same:
        raise InputError(f"{path} was changed in between; nothing was written", remedy="try again")


def _is_text(spec: str) -> bool:
    """Return whether a document is given as its text: it has a line break or starts with a brace."""
    return "\n" in spec or spec.lstrip().startswith("{")


def _file(spec: str, roots: Roots) -> FileData:
    return roots.read(spec, max_bytes=MAX_BYTES + 1)


def _readable(spec: str, roots: Roots) -> tuple[str, Path | None]:
    """Return a document as text that can be changed, and the file it is in."""
    if _is_text(spec):
        return spec, None
    found = _file(spec, roots)
    try:
        return found.data.decode("utf-8"), Path(found.path)
    except UnicodeDecodeError as error:
        raise InputError(f"{found.shown} is not UTF-8: {error.reason}", remedy="save it as UTF-8") from error


def _validation(checked: Checked) -> Validation:
    """Return the view of a check."""
    return Validation(
        ok=checked.ok,
        diagnostics=tuple(diagnostic.to_json() for diagnostic in checked.diagnostics),
        ir_hash="" if checked.program is None else checked.program.ir_hash,
    )
