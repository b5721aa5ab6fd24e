"""YAML text to plain data alone, for the many texts in which YAML leaves nothing to report.

A document that is right never asks where its parts stand, and marks cost more than data. So a text is first read
without them; at the first irregularity the whole of it is left to the reader of `_yaml`, which knows what to say.
Whatever is returned here is what that reader returns, and it has no faults then.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stratum_core.ir._scalars import NotJsonNumberError, resolve
from stratum_core.ir._source import Source
from stratum_core.ir._yaml import MAX_DEPTH, MAX_NODES, Raw

__all__ = ["MOST_EVENTS", "read_clean"]

MOST_EVENTS = MAX_NODES // 2
"""A text of more parts than this is read once, in full: it is near the limit, or over it."""


class _UncleanError(Exception):
    """There is something to report."""


def read_clean(source: Source) -> dict[str, Raw] | None:
    """Return the data of a text that is one map, or None when there is anything to report about the text."""
    if source.has_stand_ins:
        return None
    loader = yaml.CSafeLoader(source.text)
    try:
        return _data(iter(loader.get_event, None))
    except (yaml.MarkedYAMLError, NotJsonNumberError, _UncleanError):
        return None
    finally:
        loader.dispose()


def _data(events: Iterator[Event]) -> dict[str, Raw] | None:
    """Return the one document; containers are filled in place, so nothing recurses."""
    documents: list[Raw] = []
    items: list[Raw] = documents
    fields: dict[str, Raw] | None = None
    above: list[tuple[list[Raw], dict[str, Raw] | None]] = []
    key: str | None = None
    for count, event in enumerate(events):
        if count > MOST_EVENTS:
            raise _UncleanError
        if isinstance(event, ScalarEvent):
            if fields is None:
                items.append(_scalar(event))
            elif key is None:
                key = _key(event, fields)
            else:
                fields[key] = _scalar(event)
                key = None
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            if len(above) >= MAX_DEPTH or (key is None and fields is not None):
                raise _UncleanError
            value = _container(event)
            above.append((items, fields))
            if fields is None or key is None:
                items.append(value)
            else:
                fields[key] = value
                key = None
            items, fields = (value, None) if isinstance(value, list) else (items, value)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            items, fields = above.pop()
        else:
            _pass_over(event)
    root = documents[0] if len(documents) == 1 else None
    return root if isinstance(root, dict) else None


def _key(event: ScalarEvent, data: dict[str, Raw]) -> str:
    """Return a key that the map does not have yet."""
    key = event.value
    if event.anchor is not None or event.tag is not None or key in data or key == "<<":
        raise _UncleanError
    return key


def _scalar(event: ScalarEvent) -> Raw:
    """Return a value, an unquoted one by what it means."""
    if event.anchor is not None or event.tag is not None:
        raise _UncleanError
    return resolve(event.value) if event.implicit[0] else event.value


def _container(event: MappingStartEvent | SequenceStartEvent) -> dict[str, Raw] | list[Raw]:
    """Return an empty map or list."""
    if event.anchor is not None or event.tag is not None:
        raise _UncleanError
    return {} if isinstance(event, MappingStartEvent) else []


def _pass_over(event: Event) -> None:
    """Let the start and the end of the stream and of documents pass."""
    if isinstance(event, AliasEvent):
        raise _UncleanError
