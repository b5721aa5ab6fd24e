"""Binding: the data of a plan, read, typed and checked in full before anything is planned.

An input is a JSON value given inline, or a file: `{"file": "reviews.csv", "columns": {"text": "Review
Text"}}`. Every row is checked against the parameter's type; the error lists the first bad rows with row,
line, column and actual value, and says how many there are. Opaque text is never repeated in an error or a
sample, because whoever reads those may be a model.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

from stratum_core.contracts import (
    JsonValue,
    ListBuilder,
    ListType,
    MapType,
    NullType,
    OpaqueType,
    OptionalType,
    RecordType,
    StoredList,
    StringType,
    Type,
    Violation,
    check_value,
    describe,
    validator,
    without_opaque,
)
from stratum_core.errors import ContractViolation, InputError
from stratum_core.llm import has_opaque
from stratum_core.plan._files import MAX_FILE_BYTES, Roots
from stratum_core.plan._read import FileFormat, ReadRow, ReadRows, format_of, read_rest, read_rows, read_value
from stratum_core.specs import Parameter

__all__ = [
    "MAX_ROWS",
    "BindLimits",
    "BoundFile",
    "BoundInput",
    "FileRequest",
    "bind_inputs",
    "binding_record",
    "read_file",
    "sample",
]

MAX_ROWS = 100_000
"""The most rows one input may have, unless the operator says otherwise."""

_LISTED_ROWS = 10
_LISTED_FAULTS = 5
"""Of one row."""
_SAMPLE_ROWS = 3
_NO_COLUMNS: Mapping[str, str] = {}
_FORMATS: tuple[FileFormat, ...] = ("csv", "json", "jsonl", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class BindLimits:
    """How much data one plan may bind."""

    max_rows: int = MAX_ROWS
    max_file_bytes: int = MAX_FILE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """A file as an input names it."""

    file: str
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field -> column, or `row` for the row's number."""
    form: FileFormat | None = None
    """None: as the file's name ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFile:
    """Where the data of an input came from."""

    shown: str
    """The path as the plan was asked for it."""
    path: str
    """Where the file really is."""
    form: FileFormat
    columns: Mapping[str, str]
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundInput:
    """The checked value of one flow parameter."""

    name: str
    type: Type
    value: JsonValue
    sha256: str
    """64 hex: over the file's bytes, or over the JSON of an inline value."""
    count: int | None
    """Items, when the value is a list."""
    file: BoundFile | None = None
    """None: the value was given inline."""


def bind_inputs(
    parameters: Sequence[Parameter],
    inputs: Mapping[str, JsonValue],
    *,
    roots: Roots,
    limits: BindLimits,
    rows: int | None = None,
) -> tuple[BoundInput, ...]:
    """Return every parameter's checked value, in the flow's order.

    Args:
        parameters: What the flow takes.
        inputs: A JSON value or a file request for each.
        roots: Where files may lie.
        limits: The operator's caps.
        rows: Only the first so many rows of each bound file; of each inline list when no file is bound.

    Raises:
        InputError: A name, file, column or row does not fit.
    """
    _check_names(parameters, inputs)
    requests = {
        parameter.name: _file_request(parameter, inputs.get(parameter.name)) for parameter in parameters
    }
    any_file = any(request is not None for request in requests.values())
    bound: list[BoundInput] = []
    for parameter in parameters:
        request = requests[parameter.name]
        if request is not None:
            bound.append(_bind_file(parameter, request, roots, limits, rows))
        else:
            kept = None if any_file else rows
            bound.append(_bind_inline(parameter, inputs.get(parameter.name), limits, kept))
    return tuple(bound)


def binding_record(bound: BoundInput) -> dict[str, JsonValue]:
    """Return an input as the record keeps it: its digest, and its value only when it was given inline."""
    record: dict[str, JsonValue] = {"name": bound.name, "sha256": bound.sha256, "count": bound.count}
    if bound.file is None:
        return {**record, "kind": "inline", "value": bound.value}
    return {
        **record,
        "kind": "file",
        "shown": bound.file.shown,
        "path": bound.file.path,
        "format": bound.file.form,
        "columns": dict(bound.file.columns),
    }


def read_file(kind: Type, request: FileRequest, *, roots: Roots, limits: BindLimits) -> JsonValue:
    """Return the checked value of a file, read as a plan reads the file of an input of this type.

    Raises:
        InputError: The file, a column or a row does not fit.
    """
    value, _, _ = _read(kind, request, roots, limits, None)
    return value


def sample(bound: BoundInput) -> list[JsonValue]:
    """Return at most three items (the value itself when it is no list), opaque parts left out."""
    kind = without_opaque(bound.type)
    if isinstance(kind, ListType) and isinstance(bound.value, Sequence):
        return [_visible(kind.item, part) for part in islice(bound.value, _SAMPLE_ROWS)]
    return [_visible(bound.type, bound.value)]


def _check_names(parameters: Sequence[Parameter], inputs: Mapping[str, JsonValue]) -> None:
    """Refuse unknown and missing inputs, all of them at once."""
    names = [parameter.name for parameter in parameters]
    faults: list[str] = []
    for name in inputs:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            faults.append(f"there is no input {name!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
    faults.extend(
        f"input {parameter.name!r} of type {describe(parameter.type)} is missing"
        for parameter in parameters
        if parameter.name not in inputs
        and not isinstance(without_opaque(parameter.type), (OptionalType, NullType))
    )
    if faults:
        takes = ", ".join(f"{p.name}: {describe(p.type)}" for p in parameters) or "no inputs"
        raise InputError("; ".join(faults), remedy=f"this flow takes {takes}")


def _file_request(parameter: Parameter, value: JsonValue) -> FileRequest | None:
    """Return the file an input names; None when it is a value.

    A record with a `file` key is a request, unless the parameter is itself a record with a field of that
    name.
    """
    kind = without_opaque(parameter.type)
    if not isinstance(value, Mapping) or "file" not in value:
        return None
    if isinstance(kind, RecordType) and kind.field("file") is not None:
        return None
    where = f"inputs.{parameter.name}"
    unknown = sorted(value.keys() - {"file", "columns", "format"})
    if unknown:
        raise InputError(
            f"{where}: unknown key {unknown[0]!r}", remedy="a file takes file, columns and format"
        )
    file, form, columns = value["file"], value.get("format"), value.get("columns")
    if not isinstance(file, str):
        raise InputError(f"{where}.file: expected a path, not {json.dumps(file)[:80]}")
    if form is not None and form not in _FORMATS:
        raise InputError(f"{where}.format: {form!r} is unknown", remedy=f"use {', '.join(_FORMATS)}")
    try:
        named = _NO_COLUMNS if columns is None else check_value(MapType(StringType()), columns)
    except ContractViolation:
        raise InputError(f"{where}.columns: expected a map from field to column name") from None
    return FileRequest(file=file, columns=cast("Mapping[str, str]", named), form=form)


def _bind_file(
    parameter: Parameter, request: FileRequest, roots: Roots, limits: BindLimits, rows: int | None
) -> BoundInput:
    """Read and check the file of an input."""
    try:
        value, file, sha256 = _read(parameter.type, request, roots, limits, rows)
    except InputError as error:
        raise _placed(f"inputs.{parameter.name}", error) from None
    return BoundInput(
        name=parameter.name,
        type=parameter.type,
        value=value,
        sha256=sha256,
        count=len(value) if isinstance(value, list | StoredList) else None,
        file=file,
    )


def _read(
    wanted: Type, request: FileRequest, roots: Roots, limits: BindLimits, rows: int | None
) -> tuple[JsonValue, BoundFile, str]:
    """Return the checked value of a file, where it came from, and the digest of all of the file."""
    with roots.open(request.file, max_bytes=limits.max_file_bytes) as file:
        kind = without_opaque(wanted)
        form = request.form or format_of(file.shown, kind)
        _check_columns_use(request, form)
        columns: Mapping[str, str] = {}
        if isinstance(kind, ListType):
            read = read_rows(file, form, kind, request.columns)
            columns = read.columns
            value: JsonValue = _check_rows(kind, read, file.shown, limits, rows)
        else:
            value = _check_whole(wanted, read_value(file, form, kind), file.shown)
        read_rest(file)
        bound = BoundFile(
            shown=file.shown, path=file.path, form=form, columns=columns, size_bytes=file.size_bytes
        )
        return value, bound, file.sha256


def _check_columns_use(request: FileRequest, form: FileFormat) -> None:
    """Refuse a column map where there are no columns."""
    if request.columns and form != "csv":
        raise InputError(
            f"columns is only for csv, but {request.file} is read as {form}", remedy="leave it out"
        )


def _bind_inline(parameter: Parameter, given: JsonValue, limits: BindLimits, rows: int | None) -> BoundInput:
    """Check a value given inline."""
    kind = without_opaque(parameter.type)
    try:
        if isinstance(kind, ListType) and not isinstance(given, str) and isinstance(given, Sequence):
            items = ReadRows(
                rows=(ReadRow(number=at, line=None, value=part) for at, part in enumerate(given, 1))
            )
            value: JsonValue = list(_check_rows(kind, items, "the list", limits, rows))
        else:
            value = _check_whole(parameter.type, given, "the value")
    except InputError as error:
        raise _placed(f"inputs.{parameter.name}", error) from None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return BoundInput(
        name=parameter.name,
        type=parameter.type,
        value=value,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        count=len(value) if isinstance(value, list) else None,
    )


def _placed(where: str, error: InputError) -> InputError:
    """Put the parameter in front of an error."""
    return InputError(
        f"{where}: {error.message}", remedy=error.remedy, detail={"input": where, **error.detail}
    )


def _check_whole(kind: Type, value: JsonValue, shown: str) -> JsonValue:
    """Check a value that has no rows."""
    try:
        return check_value(kind, value)
    except ContractViolation as error:
        faults = [Violation(**fault) for fault in cast("list[dict[str, str]]", error.detail["violations"])]
        listed = "; ".join(
            f"{fault.path}: {fault.message}{_actual(kind, fault)}" for fault in faults[:_LISTED_ROWS]
        )
        raise InputError(f"{shown} does not fit {describe(kind)}: {listed}") from None


def _check_rows(
    kind: ListType, read: ReadRows, shown: str, limits: BindLimits, rows: int | None
) -> list[JsonValue] | StoredList:
    """Check every row that the plan uses, then the number of rows."""
    check = validator(kind.item)
    values = ListBuilder()
    faults: list[dict[str, JsonValue]] = []
    bad = total = 0
    for row in _capped(read.rows, limits.max_rows, shown, rows):
        total += 1
        value, found = (None, ()) if row.fault else check.inspect(row.value)
        if not row.fault and not found:
            values.append(value)
            continue
        bad += 1
        if bad <= _LISTED_ROWS:
            faults.append(_row_fault(kind.item, row, found, read.columns))
    if bad:
        raise _bad_rows(kind.item, shown, faults, bad, total)
    low, high = kind.min_length, kind.max_length
    if (low is not None and total < low) or (high is not None and total > high):
        raise InputError(
            f"{shown} has {total:,} rows, but {describe(kind)} wants {low or 0:,} to {high or limits.max_rows:,}"
        )
    return values.items()


def _capped(rows: Iterable[ReadRow], most: int, shown: str, wanted: int | None) -> Iterator[ReadRow]:
    """Give the rows asked for, never more than the operator allows."""
    for row in islice(rows, wanted):
        if row.number > most:
            raise InputError(
                f"{shown} has more than {most:,} rows, the most a plan may bind",
                remedy='use the first ones with the option "rows", or split the file',
            )
        yield row


def _row_fault(
    item: Type, row: ReadRow, found: Sequence[Violation], columns: Mapping[str, str]
) -> dict[str, JsonValue]:
    """Describe a bad row by its first fault, and the others under `also`."""
    record: dict[str, JsonValue] = {"row": row.number}
    if row.line is not None:
        record["line"] = row.line
    if not found:
        return {**record, "message": row.fault}
    first, *others = (_fault_record(item, fault, columns) for fault in found[:_LISTED_FAULTS])
    also: dict[str, JsonValue] = {"also": others} if others else {}
    more: dict[str, JsonValue] = {"more": len(found) - _LISTED_FAULTS} if len(found) > _LISTED_FAULTS else {}
    return {**record, **first, **also, **more}


def _fault_record(item: Type, fault: Violation, columns: Mapping[str, str]) -> dict[str, JsonValue]:
    """Describe one fault of a row: the column or field, and what is wrong with it."""
    name = _head(fault.path)
    column = columns.get(name, columns.get("") if columns else None)
    where: dict[str, JsonValue] = {}
    if column is not None:
        where["column"] = column
    elif fault.path != "$":
        where["field"] = fault.path
    empty = column is not None and fault.actual == "null"
    message = f"{fault.message}; the cell is empty" if empty else fault.message
    return {**where, "message": message + ("" if empty else _actual(item, fault))}


def _bad_rows(
    item: Type, shown: str, faults: Sequence[Mapping[str, JsonValue]], bad: int, total: int
) -> InputError:
    """Make the error that lists the first bad rows."""
    lines = "\n".join(f"  {_fault_line(fault)}" for fault in faults)
    more = f"\n  and {bad - len(faults)} more" if bad > len(faults) else ""
    return InputError(
        f"{shown}: {bad:,} of {total:,} rows do not fit {describe(item)}:\n{lines}{more}\n",
        remedy="correct these rows, map another column, or make the field optional",
        detail={"bad_rows": bad, "rows": total, "first": [dict(fault) for fault in faults]},
    )


def _fault_line(fault: Mapping[str, JsonValue]) -> str:
    """Write one bad row as a line."""
    row = f"row {fault['row']}" + (f" (line {fault['line']})" if "line" in fault else "")
    also = cast("Sequence[Mapping[str, JsonValue]]", fault.get("also", ()))
    more = [f"and {fault['more']} more"] if "more" in fault else []
    first = ", ".join(filter(None, (row, _place(fault))))
    others = (": ".join(filter(None, (_place(each), str(each["message"])))) for each in also)
    return "; ".join((f"{first}: {fault['message']}", *others, *more))


def _place(fault: Mapping[str, JsonValue]) -> str:
    """Say where in a row a fault is; empty for the row as a whole."""
    if "column" in fault:
        return f"column {json.dumps(fault['column'], ensure_ascii=False)}"
    return str(fault.get("field", ""))


def _head(path: str) -> str:
    """Return the first name of a violation's path."""
    return path.partition(".")[0].partition("[")[0]


def _actual(kind: Type, fault: Violation) -> str:
    """Return the actual value for a message, unless it may hold opaque text."""
    bare = without_opaque(kind)
    part = bare.field(_head(fault.path)) if isinstance(bare, RecordType) else None
    if has_opaque(part.type if part is not None else kind):
        return " (the text is not shown: it is opaque)"
    return fault.instead


def _visible(kind: Type, value: JsonValue) -> JsonValue:
    """Return a value without its opaque parts."""
    if not has_opaque(kind):
        return value
    match kind:
        case OptionalType(inner=inner) if not isinstance(inner, OpaqueType):
            return None if value is None else _visible(inner, value)
        case ListType(item=inner) if isinstance(value, Sequence):
            return [_visible(inner, part) for part in islice(value, _SAMPLE_ROWS)]
        case RecordType(fields=fields) if isinstance(value, Mapping):
            return {
                part.name: _visible(part.type, value[part.name])
                for part in fields
                if not isinstance(part.type, OpaqueType)
            }
        case _:
            return "(opaque)"
