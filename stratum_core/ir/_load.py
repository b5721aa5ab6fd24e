"""Text to document: every fault of shape in one pass, each with its place.

The first stage of the pipeline. What comes out is a `Document` (None when the text cannot be read at all), the
diagnostics of family E1xx in document order, and the positions that later stages use for theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.ir._diagnostics import Diagnostic
from stratum_core.ir._document import Document, Invalid
from stratum_core.ir._positions import Path, Positions, format_path
from stratum_core.ir._read_flows import read_flow
from stratum_core.ir._read_functions import read_function
from stratum_core.ir._read_types import read_contract
from stratum_core.ir._reader import Keys, Reader, shown
from stratum_core.ir._source import Source, SourceFault, read_source
from stratum_core.ir._yaml import MappingMark, Mark, Raw, ReadFault, SequenceMark, read_yaml
from stratum_core.ir._yaml_clean import read_clean

__all__ = ["LoadedDocument", "load"]

_DOCUMENT = Keys(
    what="the document",
    required=("stratum",),
    optional=("name", "description", "contracts", "functions", "flows"),
)
_VERSION = "1"
_NOWHERE: Mark = (0, 0, "|")
"""A block without text: its place is only near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDocument:
    """A document as read."""

    document: Document | None
    """None when nothing could be read; complete when there are no diagnostics."""
    diagnostics: tuple[Diagnostic, ...]
    """In document order, all of severity error."""
    positions: Positions


def load(text: str | bytes) -> LoadedDocument:
    """Return the document that YAML or JSON text holds, with every fault of its shape.

    Never raises for what the text holds. Reads at most `MAX_BYTES`, `MAX_DEPTH` levels and `MAX_NODES` parts.
    """
    try:
        source = read_source(text)
        clean = read_clean(source)
        tree = None if clean is not None else read_yaml(source)
    except SourceFault as fault:
        return _unreadable(fault)
    positions = Positions(source, None if tree is None else tree.mark)
    reader = Reader(positions)
    document = _read_document(reader, clean if tree is None else tree.data)
    faults = () if tree is None else tuple(_diagnostic(source, tree.mark, fault) for fault in tree.faults)
    diagnostics = sorted((*faults, *reader.diagnostics), key=lambda found: (found.line, found.column))
    return LoadedDocument(document=document, diagnostics=tuple(diagnostics), positions=positions)


def _unreadable(fault: SourceFault) -> LoadedDocument:
    """Return the one diagnostic of a text that is not a document."""
    span = fault.span
    found = Diagnostic(
        code=fault.code,
        severity="error",
        path="$",
        line=span.line,
        column=span.column,
        end_column=span.end_column,
        message=fault.message,
        suggestion=fault.suggestion,
    )
    return LoadedDocument(document=None, diagnostics=(found,), positions=Positions(Source(""), _NOWHERE))


def _diagnostic(source: Source, root: Mark, fault: ReadFault) -> Diagnostic:
    """Return the diagnostic of something YAML allows and a document does not."""
    span = source.span(fault.start, fault.end)
    return Diagnostic(
        code=fault.code,
        severity="error",
        path=format_path(_path_at(root, fault.start)),
        line=span.line,
        column=span.column,
        end_column=span.end_column,
        message=source.restore(fault.message),
        suggestion=source.restore(fault.suggestion),
    )


def _path_at(root: Mark, offset: int) -> Path:
    """Return the path of the innermost part that holds an offset, its key included."""
    path: list[str | int] = []
    mark = root
    while True:
        inner: tuple[str | int, Mark] | None = None
        if isinstance(mark, MappingMark):
            for name, value in mark.values.items():
                if mark.keys[name][0] <= offset < max(_end(value), mark.keys[name][1] + 1):
                    inner = (name, value)
        elif isinstance(mark, SequenceMark):
            for index, value in enumerate(mark.items):
                if _start(value) <= offset < max(_end(value), _start(value) + 1):
                    inner = (index, value)
        if inner is None:
            return path
        path.append(inner[0])
        mark = inner[1]


def _start(mark: Mark) -> int:
    return mark[0] if isinstance(mark, tuple) else mark.start


def _end(mark: Mark) -> int:
    return mark[1] if isinstance(mark, tuple) else mark.end


def _read_document(reader: Reader, raw: Raw) -> Document | None:
    """Return the whole document."""
    if not isinstance(raw, dict):
        if not isinstance(raw, Invalid):
            reader.report(
                "E117",
                (),
                f"a document is a map with the keys {', '.join(_DOCUMENT.all)}, not {shown(raw)}",
                'start with:  stratum: "1"',
            )
        return None
    data = reader.known(raw, (), _DOCUMENT)
    _check_version(reader, data)
    path: Path = ()
    contracts = reader.named(
        data, path, "contracts", lambda r, p: read_contract(reader, r, p), "a map of contracts"
    )
    functions = reader.named(
        data, path, "functions", lambda r, p: read_function(reader, r, p), "a map of functions"
    )
    flows = reader.named(data, path, "flows", lambda r, p: read_flow(reader, r, p), "a map of flows")
    return Document(
        name=reader.text(data, path, "name"),
        description=reader.text(data, path, "description"),
        contracts={} if isinstance(contracts, Invalid) else contracts,
        functions={} if isinstance(functions, Invalid) else functions,
        flows={} if isinstance(flows, Invalid) else flows,
    )


def _check_version(reader: Reader, data: dict[str, Raw]) -> None:
    """Report a version this reader does not know."""
    version = data.get("stratum", _VERSION)
    if version == _VERSION or isinstance(version, Invalid):
        return
    fix = reader.positions.replace(("stratum",), '"1"') if version in (1, 1.0) else None
    reader.report(
        "E122",
        ("stratum",),
        f'the version must be the text "1", not {shown(version)}',
        'write stratum: "1"',
        fix=fix,
    )
