"""What is wrong with a request, gathered: who asks for a plan hears all of it at once, not one thing with each try."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError, InputError, PlanError, StratumError

__all__ = ["Faults"]

T = TypeVar("T")


class Faults:
    """The faults of the parts of one request, in the order they were looked at."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        """Begin with none."""
        self._found: list[StratumError] = []

    def of(self, part: Callable[[], T]) -> T | None:
        """Return what a part of the request gives; None when it is faulty, which is kept."""
        try:
            return part()
        except (ConfigurationError, InputError, PlanError) as fault:
            self._found.append(fault)
            return None

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, others: Faults) -> None:
        """Keep what was found elsewhere, too."""
        self._found.extend(others._found)

    def error(self) -> StratumError:
        """Return what was found: one fault as it is, several as one error of the first one's class.

        `detail["faults"]` then holds each with its code, message, remedy and detail.
        """
        first, *others = self._found
        if not others:
            return first
        return type(first)(
            "; ".join(fault.message for fault in self._found),
            remedy="; ".join(dict.fromkeys(fault.remedy for fault in self._found if fault.remedy)),
            detail={**first.detail, "faults": [_record(fault) for fault in self._found]},
        )


def _record(fault: StratumError) -> dict[str, JsonValue]:
    return {
        "code": fault.code,
        "message": fault.message,
        "remedy": fault.remedy,
        "detail": fault.detail,
    }
