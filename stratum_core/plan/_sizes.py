"""Sizes: what is known about a value before it exists, as exact values or as bounds in bytes.

A shape is either a value (`Known`) or an upper bound of its compact JSON in UTF-8 bytes (`Unknown`), with
what is expected beside it. Bounds come from types (an enum, a number, a `max_length`) and from the answer
limit of the call that makes a value; they are sound for every value the runtime can produce, never tight on
purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from stratum_core.contracts import (
    HELD_ITEMS,
    AnyType,
    BoolType,
    FloatType,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    Type,
    validator,
)
from stratum_core.plan._kept import Kept
from stratum_core.plan._type_bytes import (
    SAMPLES_BYTES,
    bare,
    json_bytes,
    key_bytes,
    least_bytes,
    static_bytes,
)

__all__ = [
    "BOOL",
    "MAX_ITEMS",
    "NUMBER",
    "PYTHON_OUTPUT_BYTES",
    "SAMPLES_BYTES",
    "TEXT_LIMIT_BYTES",
    "Known",
    "ListShape",
    "Shape",
    "Unknown",
    "answer_shape",
    "bare",
    "count_most",
    "field_of",
    "fit",
    "item_of",
    "join_shapes",
    "json_bytes",
    "key_bytes",
    "least_bytes",
    "likely_count",
    "list_shape",
    "or_null",
    "size_of",
    "static_bytes",
    "typed",
]

MAX_ITEMS = 200_000
"""The most items a list may have that an expression makes."""

TEXT_LIMIT_BYTES = 6_000_002
"""The JSON of the longest text an expression may make: a million characters, each escaped, and two quotes."""

PYTHON_OUTPUT_BYTES = 1_000_000
"""The most bytes of JSON that a registered function may return."""

_ANY = AnyType()
_FLOAT_BYTES = 25
_LIKELY_TEXT_BYTES = 200
_LIKELY_ITEMS = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known now."""

    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A value that a model call or a skipped step decides."""

    type: Type = _ANY
    most: int
    """Upper bound of its compact JSON, in UTF-8 bytes."""
    likely: float
    """Expected bytes of the same."""
    count: int | None = None
    """Upper bound of its items, when it is a list; None: whatever fits into `most`."""
    item: Shape | None = None
    """What bounds each item, when that is known better than the type says."""
    fields: Mapping[str, Shape] | None = None
    """What bounds each field of a record, when that is known better than the type says."""


Shape: TypeAlias = Known | Unknown

BOOL = Unknown(type=BoolType(), most=5, likely=5)
NUMBER = Unknown(type=FloatType(), most=_FLOAT_BYTES, likely=4)


def size_of(shape: Shape) -> tuple[int, float]:
    """Return the most and the expected bytes of a value."""
    if isinstance(shape, Known):
        exact = json_bytes(shape.value)
        return exact, exact
    return shape.most, min(shape.likely, shape.most)


def _spread(kind: Type) -> tuple[int, int]:
    """Return (fixed, factor): a value read from N bytes of answer has at most `fixed + factor * N` bytes.

    Reading an answer can lengthen it: `1e15` is written out, and missing optional fields become null.
    """
    fixed = static_bytes(kind)
    if fixed is not None:
        return fixed, 0
    match kind:
        case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            inside, factor = _spread(inner)
            return max(4, inside), factor
        case RecordType(fields=fields):
            parts = [(part.name, *_spread(part.type)) for part in fields]
            total = 2 + sum(key_bytes(name) + inside for name, inside, _ in parts)
            return total, max(factor for _, _, factor in parts)
        case ListType(item=inner) | MapType(value=inner):
            inside, factor = _spread(inner)
            return 2, max(1, factor) + -(-(inside + 1) // (least_bytes(inner) + 1))
        case JsonType() | AnyType():
            return 2, 5
        case _:
            return 2, 1


def answer_shape(kind: Type, *, answer_bytes: int, likely_bytes: float) -> Unknown:
    """Return the shape of an answer of this type whose raw text has at most `answer_bytes` bytes."""
    fixed, factor = _spread(kind)
    shape = typed(kind, most=fixed + factor * answer_bytes, likely=likely_bytes)
    inner = bare(kind)
    if not isinstance(inner, RecordType):
        return shape
    # Made once for each call site, so that equal parts are the same object and joining them costs nothing.
    return replace(shape, fields={part.name: field_of(shape, part.name) for part in inner.fields})


def typed(kind: Type, *, most: int = TEXT_LIMIT_BYTES, likely: float = _LIKELY_TEXT_BYTES) -> Unknown:
    """Return a shape of this type of at most so many bytes."""
    static = static_bytes(kind)
    bound = most if static is None else min(static, most)
    return Unknown(type=kind, most=bound, likely=min(likely, bound))


def fit(shape: Shape, kind: Type) -> Shape:
    """Return the shape of a value after it was checked against a type: widened, filled up, and bounded by it.

    Raises:
        ContractViolation: The value is known and does not fit, as it surely will not at run time.
    """
    if isinstance(shape, Known):
        return _checked(shape, kind)
    return _fits.of(lambda: _fitted(shape, kind), shape, kind)


def _checked(shape: Known, kind: Type) -> Known:
    """Return a known value after its check; what the last one gave is not checked again."""
    value, wanted = _last_checked[0]
    if shape.value is value and kind is wanted:
        return shape
    checked = validator(kind).check(shape.value)
    _last_checked[0] = checked, kind
    return Known(checked)


_last_checked: list[tuple[JsonValue, Type | None]] = [(None, None)]
"""The value that came out of the last check, and its type; a value never changes."""


_fits: Kept[Shape] = Kept()
"""Shapes that were checked. The answer of a call is one object."""


def _fitted(shape: Unknown, kind: Type) -> Unknown:
    """Return what `fit` keeps.

    Raises:
        ContractViolation: A part is known and does not fit.
    """
    wanted = bare(kind)
    most, fields, item = shape.most, shape.fields, shape.item
    if fields is not None and isinstance(wanted, RecordType):
        given = fields
        fields = {
            part.name: fit(given[part.name], part.type) if part.name in given else Known(None)
            for part in wanted.fields
        }
        most = 2 + sum(key_bytes(name) + size_of(part)[0] for name, part in fields.items())
    elif item is not None and isinstance(wanted, ListType) and not isinstance(item, Known):
        checked = fit(item, wanted.item)
        most += count_most(shape) * max(0, size_of(checked)[0] - size_of(item)[0])
        item = checked
    elif shape.type != kind and isinstance(wanted, ListType | MapType | RecordType):
        # Elsewhere checking lengthens a value only by writing `1` as `1.0`.
        most = 3 * most + 2
    static = static_bytes(kind)
    bound = most if static is None else min(most, static)
    return Unknown(
        type=kind,
        most=bound,
        likely=min(shape.likely, bound),
        count=shape.count,
        item=item,
        fields=fields,
    )


def field_of(shape: Shape, name: str) -> Shape:
    """Return the shape of a record's field; null where there is none."""
    if isinstance(shape, Known):
        return Known(shape.value.get(name)) if isinstance(shape.value, Mapping) else Known(None)
    if shape.fields is not None and name in shape.fields:
        return shape.fields[name]
    kind = bare(shape.type)
    if isinstance(kind, RecordType):
        part = kind.field(name)
        if part is not None:
            return typed(part.type, most=shape.most, likely=shape.likely)
    if isinstance(kind, MapType):
        return typed(kind.value, most=shape.most, likely=shape.likely)
    return Unknown(most=shape.most, likely=shape.likely)


def item_of(shape: Shape) -> Shape:
    """Return what bounds every item of a list, or every value of a map."""
    if isinstance(shape, Known):
        value = shape.value
        parts = list(value.values()) if isinstance(value, Mapping) else value
        if isinstance(parts, str) or not isinstance(parts, Sequence) or not parts:
            return Known(None)
        items = ListShape(_ANY)
        for part in parts:
            items.add(Known(part))
        return items.item
    if shape.item is not None:
        return shape.item
    kind = bare(shape.type)
    inner: Type = (
        kind.item if isinstance(kind, ListType) else kind.value if isinstance(kind, MapType) else AnyType()
    )
    return typed(inner, most=shape.most, likely=shape.likely / max(1.0, likely_count(shape)))


def count_most(shape: Shape) -> int:
    """Return the most items a list (keys of a map, characters of a text) has."""
    if isinstance(shape, Known):
        return len(shape.value) if isinstance(shape.value, (str, Sequence, Mapping)) else 0
    kind = bare(shape.type)
    inner = least_bytes(kind.item) if isinstance(kind, ListType) else 0
    limits = [MAX_ITEMS, shape.most // (inner + 1) + 1]
    if shape.count is not None:
        limits.append(shape.count)
    if isinstance(kind, ListType) and kind.max_length is not None:
        limits.append(kind.max_length)
    return min(limits)


def likely_count(shape: Shape) -> float:
    """Return the expected number of items: the bound of a list that stems from known data, else five."""
    if isinstance(shape, Known) or shape.count is not None:
        return count_most(shape)
    kind = bare(shape.type)
    least = kind.min_length or 0 if isinstance(kind, ListType) else 0
    return min(count_most(shape), max(_LIKELY_ITEMS, least))


class ListShape:
    """The shape of a list whose items are added one by one; a long one is never held."""

    def __init__(self, kind: Type) -> None:
        """Begin an empty list of a type."""
        self.count = 0
        self._kind = kind
        self._most, self._likely = 2, 2.0
        self._joined: list[Shape] = []
        self._last: list[Shape] = []

    def add(self, item: Shape) -> None:
        """Add an item."""
        self.count += 1
        self._last.append(item)
        if len(self._last) == HELD_ITEMS:
            self._joined.append(self._measured())

    def _measured(self) -> Shape:
        """Add the sizes of the items held, and return what bounds each of them, which takes their place."""
        for item in self._last:
            most, likely = size_of(item)
            self._most += most + 1
            self._likely += likely + 1
        joined = join_shapes(self._last)
        self._last = []
        return joined

    @property
    def item(self) -> Shape:
        """What bounds every item (there is at least one)."""
        return join_shapes([*self._joined, *([join_shapes(self._last)] if self._last else [])])

    @property
    def shape(self) -> Unknown:
        """The shape of the list (there is at least one item)."""
        if self._last:
            self._joined.append(self._measured())
        return Unknown(
            type=self._kind,
            most=self._most,
            likely=self._likely,
            count=self.count,
            item=join_shapes(self._joined),
        )


def list_shape(items: Sequence[Shape], kind: Type) -> Shape:
    """Return the shape of a list that holds at most these items."""
    found = ListShape(kind)
    for item in items:
        found.add(item)
    return found.shape if items else Unknown(type=kind, most=2, likely=2, count=0)


def join_shapes(shapes: Sequence[Shape]) -> Shape:
    """Return what bounds every one of the shapes (at least one)."""
    first = shapes[0]
    if len(shapes) == 1 or all(same_shape(first, other) for other in shapes[1:]):
        return first
    sizes = [size_of(shape) for shape in shapes]
    names = [_field_names(shape) for shape in shapes]
    fields: dict[str, Shape] | None = None
    if names[0] and all(name == names[0] for name in names):
        fields = {name: join_shapes([field_of(shape, name) for shape in shapes]) for name in names[0]}
    return Unknown(
        type=_joined_type(shapes),
        most=max(most for most, _ in sizes),
        likely=sum(likely for _, likely in sizes) / len(sizes),
        count=max(count_most(shape) for shape in shapes) if any(map(_is_list, shapes)) else None,
        fields=fields,
    )


def or_null(shape: Shape) -> Shape:
    """Return what bounds a value that may be missing."""
    if isinstance(shape, Known):
        return join_shapes([shape, _NULL])
    return _nullable.of(lambda: join_shapes([shape, _NULL]), shape)


_NULL = Known(None)
_nullable: Kept[Shape] = Kept()


def _joined_type(shapes: Sequence[Shape]) -> Type:
    """Return the one type of shapes that are bounds of it or null, else the type that says nothing."""
    bounds = [shape for shape in shapes if isinstance(shape, Unknown)]
    others = [shape for shape in shapes if isinstance(shape, Known) and shape.value is not None]
    if others or not bounds:
        return _ANY
    first = bounds[0].type
    return first if all(shape.type is first or shape.type == first for shape in bounds) else _ANY


def same_shape(left: Shape, right: Shape) -> bool:
    """Return whether two shapes surely say the same; true and 1 do not."""
    if isinstance(left, Known) and isinstance(right, Known):
        if isinstance(left.value, (str, int, float, bool)):
            return type(left.value) is type(right.value) and left.value == right.value
        return left.value is right.value
    return left is right


def _field_names(shape: Shape) -> tuple[str, ...]:
    """Return the names of a record's fields, as far as they are known."""
    if isinstance(shape, Known):
        return tuple(shape.value) if isinstance(shape.value, Mapping) else ()
    if shape.fields is not None:
        return tuple(shape.fields)
    kind = bare(shape.type)
    return kind.field_names if isinstance(kind, RecordType) else ()


def _is_list(shape: Shape) -> bool:
    """Return whether the value is surely a list."""
    if isinstance(shape, Known):
        return isinstance(shape.value, Sequence) and not isinstance(shape.value, str)
    return shape.count is not None or isinstance(bare(shape.type), ListType)
