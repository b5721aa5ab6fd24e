"""Long lists: the same items as a list in memory, read from a file one at a time."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import tracemalloc
from pathlib import Path
from types import MappingProxyType

import pytest

from stratum_core.contracts import (
    HELD_ITEMS,
    IntType,
    JsonType,
    JsonValue,
    ListBuilder,
    ListType,
    StoredList,
    check_value,
    held,
    stored,
)
from stratum_core.errors import ContractViolation, JournalError

VALUES: list[JsonValue] = [
    {"id": number, "text": f"né \ud800 {number}", "part": [1.5, None, True]} if number % 3 else None
    for number in range(2_500)
]


def long_list(values: list[JsonValue] = VALUES) -> StoredList:
    found = stored(iter(values))
    assert isinstance(found, StoredList)
    return found


@pytest.mark.parametrize("count", [0, 1, HELD_ITEMS])
def test_a_short_list_stays_a_list(count: int) -> None:
    assert stored(range(count)) == list(range(count))


def test_a_long_list_has_the_items_it_was_given() -> None:
    found = long_list()
    assert (len(found), list(found), found[4], found[-1]) == (2_500, VALUES, VALUES[4], VALUES[-1])
    with pytest.raises(IndexError):
        found[2_500]


def test_a_part_of_a_long_list_is_short_or_long_as_its_length_says() -> None:
    found = long_list()
    short, long = found[10:20], found[5:2_400:2]
    assert short == VALUES[10:20]
    assert isinstance(long, StoredList)
    assert list(long) == VALUES[5:2_400:2]


def test_items_may_be_put_in_any_order() -> None:
    for count in (10, 2_500):
        builder = ListBuilder(count)
        for index in reversed(range(count)):
            if index % 3:
                builder.put(index, VALUES[index])
        assert list(builder.items()) == VALUES[:count]
        assert list(builder.items(range(0, count, 2))) == VALUES[:count:2]


def test_what_is_added_later_is_not_in_a_list_that_was_taken_before() -> None:
    builder = ListBuilder()
    for value in VALUES:
        builder.append(value)
    before = builder.items()
    assert before[1] == VALUES[1]
    builder.append("one more")
    assert (len(before), list(builder.items())[-1]) == (2_500, "one more")


def test_an_item_larger_than_a_block_is_read_whole() -> None:
    values: list[JsonValue] = ["x" * 200_000, *range(HELD_ITEMS)]
    assert list(long_list(values)) == values


def test_the_bytes_of_its_json_are_known_without_reading_it() -> None:
    values = [value for number in range(2_000) for value in ({"né": number}, None)]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    assert long_list([*values]).json_bytes == len(text.encode())


def test_a_long_list_inside_other_values_can_be_held() -> None:
    value: JsonValue = {"a": [long_list(), 1], "b": "text", "c": long_list()}
    assert held(value) == {"a": [VALUES, 1], "b": "text", "c": VALUES}


def test_an_item_may_hold_a_long_list_and_a_mapping() -> None:
    found = ListBuilder(HELD_ITEMS + 1)
    found.put(0, [long_list(), MappingProxyType({"a": 1})])
    assert found.items()[0] == [VALUES, {"a": 1}]


def test_a_check_of_a_long_list_gives_a_long_list() -> None:
    numbers = stored(iter(range(3_000)))
    for kind in (ListType(item=IntType()), JsonType()):
        checked = check_value(kind, numbers)
        assert isinstance(checked, StoredList)
        assert list(checked) == list(range(3_000))
    with pytest.raises(ContractViolation, match=r"\[2999\]"):
        check_value(ListType(item=IntType(max=2_998)), numbers)


def test_what_is_no_json_is_refused_with_a_reason() -> None:
    builder = ListBuilder(HELD_ITEMS + 1)
    with pytest.raises(JournalError, match="an item of a long list is not JSON"):
        builder.put(0, {"a": object()})  # pyright: ignore[reportArgumentType]


def test_an_item_too_large_to_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratum_core.contracts._stored._MAX_ITEM_BYTES", 10)
    with pytest.raises(JournalError, match="an item of a long list has 11 bytes"):
        ListBuilder(HELD_ITEMS + 1).put(0, "x" * 9)


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("stratum_core.contracts._stored.os.pwrite", full)
    with pytest.raises(JournalError, match=r"cannot be kept on disk in .*No space left") as raised:
        long_list()
    assert "what is paid is on record" in raised.value.remedy
    monkeypatch.setattr("stratum_core.contracts._stored.tempfile.mkstemp", full)
    with pytest.raises(JournalError, match="cannot be kept on disk"):
        ListBuilder(HELD_ITEMS + 1)


def test_without_a_place_for_long_files_the_ordinary_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratum_core.contracts._stored._FOLDER", "/nowhere/at/all")
    assert list(long_list()) == VALUES


def open_stored_files() -> set[str]:
    """Return the names that open files of long lists had."""
    gc.collect()
    targets: set[str] = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor
            targets.add(str(entry.readlink()))
    return {target for target in targets if "/stratum-" in target}


def test_the_file_has_no_name_and_is_closed_with_its_last_list() -> None:
    before = open_stored_files()
    found = long_list()
    (opened,) = open_stored_files() - before
    assert opened.endswith(" (deleted)")
    part = found[5:2_400]
    del found
    assert part[0] == VALUES[5]
    del part
    assert open_stored_files() <= before


def test_a_long_list_takes_a_few_bytes_for_each_item() -> None:
    tracemalloc.start()
    try:
        found = stored({"id": number, "text": "x" * 200} for number in range(20_000))
        assert sum(1 for row in found if isinstance(row, dict) and row["id"] != 7) == 19_999
        taken, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 400_000
    assert peak < 2_000_000
