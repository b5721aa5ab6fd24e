"""Reads the verbs that hold more than a name: parallel, race, debate and await_human."""

from __future__ import annotations

from typing import Literal

from stratum_core.ir._document import (
    INVALID,
    AwaitHuman,
    Branch,
    Debate,
    Expr,
    Invalid,
    Parallel,
    Race,
    TypeForm,
)
from stratum_core.ir._positions import Path
from stratum_core.ir._read_types import read_type
from stratum_core.ir._reader import Keys, Reader, shown
from stratum_core.ir._yaml import Raw

__all__ = [
    "MAX_CONCURRENCY",
    "parse_duration",
    "read_await_human",
    "read_concurrency",
    "read_debate",
    "read_parallel",
    "read_race",
]

MAX_CONCURRENCY = 1_024
_PARALLEL = Keys(what="parallel", required=("branches",), optional=("require", "validate", "concurrency"))
_RACE = Keys(what="race", required=("branches",))
_BRANCH = Keys(what="a branch", optional=("function", "flow", "inputs"))
_DEBATE = Keys(
    what="debate",
    required=("agents", "topic", "synthesize"),
    optional=("rounds", "agree_on", "unresolved"),
)
_AWAIT = Keys(
    what="await_human",
    required=("question",),
    optional=("show", "options", "type", "timeout", "on_timeout"),
)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_ROUNDS = 8
_FEWEST_AGENTS = 2
_MAX_BRANCHES = 1_000


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as `90s`, `15m`, `24h` or `7d`, as `load` gives it."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def read_concurrency(reader: Reader, data: dict[str, Raw], path: Path) -> int | None:
    """Return the number of parts in flight at once, None for automatic."""
    if data.get("concurrency") == "auto":
        return None
    return reader.integer(data, path, "concurrency", 1, MAX_CONCURRENCY)


def read_parallel(reader: Reader, data: dict[str, Raw], path: Path) -> Parallel | None:
    """Return a parallel verb, or None when it is broken."""
    here = (*path, "parallel")
    found = reader.record(data["parallel"], here, _PARALLEL)
    if found is None:
        return None
    return Parallel(
        branches=_read_branches(reader, found, here, fewest=1),
        require=_read_require(reader, found, here),
        validate_=reader.expression(found, here, "validate"),
        concurrency=read_concurrency(reader, found, here),
    )


def read_race(reader: Reader, data: dict[str, Raw], path: Path) -> Race | None:
    """Return a race verb, or None when it is broken."""
    here = (*path, "race")
    found = reader.record(data["race"], here, _RACE)
    if found is None:
        return None
    return Race(branches=_read_branches(reader, found, here, fewest=2))


def _read_require(reader: Reader, data: dict[str, Raw], path: Path) -> Literal["all", "any"] | int:
    """Return how many branches must succeed."""
    raw = data.get("require", "all")
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        count = reader.integer(data, path, "require", 0, _MAX_BRANCHES)
        return "all" if count is None else count
    found: Literal["all", "any"] = reader.word(data, path, "require", ("all", "any"), "all")
    return found


def _read_branches(
    reader: Reader, data: dict[str, Raw], path: Path, *, fewest: int
) -> dict[str, Branch | Invalid]:
    """Return named branches."""
    found = reader.named(
        data,
        path,
        "branches",
        lambda raw, place: _read_branch(reader, raw, place),
        "a map from names to branches",
    )
    if isinstance(found, Invalid):
        return {}
    if len(found) < fewest and "branches" in data:
        reader.report(
            "E123",
            (*path, "branches"),
            f"`{path[-1]}` needs at least {fewest} branches, not {len(found)}",
            key=True,
        )
    return found


def _read_branch(reader: Reader, raw: Raw, path: Path) -> Branch | Invalid:
    """Return one branch."""
    data = reader.record(raw, path, _BRANCH)
    if data is None:
        return INVALID
    present = [key for key in ("function", "flow") if key in data]
    if len(present) != 1:
        reader.report(
            "E119",
            path,
            "a branch needs exactly one of function, flow",
            "an expression alone can stand in a step of its own: compute",
            key=True,
        )
        return INVALID
    return Branch(
        function=reader.text_or_none(data, path, "function"),
        flow=reader.text_or_none(data, path, "flow"),
        inputs=reader.arguments(data, path, "inputs"),
    )


def read_debate(reader: Reader, data: dict[str, Raw], path: Path) -> Debate | None:
    """Return a debate verb, or None when it is broken."""
    here = (*path, "debate")
    found = reader.record(data["debate"], here, _DEBATE)
    if found is None:
        return None
    agents = reader.texts(found, here, "agents")
    if "agents" in found and len(agents) < _FEWEST_AGENTS and found["agents"] is not INVALID:
        reader.report(
            "E123", (*here, "agents"), f"a debate needs at least two agents, not {len(agents)}", key=True
        )
    return Debate(
        agents=agents,
        topic=reader.needed_expression(found, here, "topic"),
        rounds=reader.integer(found, here, "rounds", 1, _MAX_ROUNDS) or 2,
        agree_on=reader.text_or_none(found, here, "agree_on"),
        synthesize=reader.text_or_none(found, here, "synthesize") or INVALID,
        unresolved=reader.word(found, here, "unresolved", ("synthesize", "human", "fail"), "synthesize"),
    )


def read_await_human(reader: Reader, data: dict[str, Raw], path: Path) -> AwaitHuman | None:
    """Return an await_human verb, or None when it is broken."""
    here = (*path, "await_human")
    found = reader.record(data["await_human"], here, _AWAIT)
    if found is None:
        return None
    return AwaitHuman(
        question=reader.text(found, here, "question"),
        show=_read_show(reader, found, here),
        options=_read_options(reader, found, here),
        type=_read_answer(reader, found, here),
        timeout=reader.duration(found, here, "timeout"),
        on_timeout=reader.text(found, here, "on_timeout", "fail"),
    )


def _read_show(reader: Reader, data: dict[str, Raw], path: Path) -> dict[str, Expr]:
    """Return what the person is shown, by label; a label is free text."""
    here = (*path, "show")
    found = reader.mapping(data.get("show"), here, "a map from labels to expressions")
    if isinstance(found, Invalid):
        return {}
    return {label: reader.argument(raw, (*here, label)) for label, raw in found.items()}


def _read_answer(reader: Reader, data: dict[str, Raw], path: Path) -> TypeForm | None:
    """Return the declared type of the answer."""
    if "type" not in data:
        return None
    here = (*path, "type")
    if "options" in data:
        reader.report(
            "E119",
            here,
            "await_human takes `options` or `type`, not both",
            "the options are the type; with neither, the answer is free text",
            key=True,
        )
        return INVALID
    return read_type(reader, data["type"], here)


def _read_options(reader: Reader, data: dict[str, Raw], path: Path) -> tuple[str, ...]:
    """Return the answers a person may choose from, each once."""
    options = reader.texts(data, path, "options")
    seen: set[str] = set()
    for index, option in enumerate(options):
        if isinstance(option, Invalid):
            continue
        if option in seen:
            reader.report("E124", (*path, "options", index), f"the option {shown(option)} is listed twice")
        seen.add(option)
    if "options" in data and not options and data["options"] == []:
        reader.report(
            "E123", (*path, "options"), "`options` is empty", "leave it out for a free answer", key=True
        )
    return tuple(dict.fromkeys(option for option in options if not isinstance(option, Invalid)))
