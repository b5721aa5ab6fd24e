"""A run's tree as a person reads it: steps, items, calls and attempts, with what is alike folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from rich.console import Console
from rich.text import Text

from stratum_core.contracts import JsonValue
from stratum_core.money import format_usd
from stratum_mcp.plain import plain_line

__all__ = ["show_tree"]

_Node: TypeAlias = Mapping[str, JsonValue]
_SHOWN_ALIKE = 2
"""How many items that went the same way are shown before the rest is folded."""

_STATE_WORDS = {"ok": "", "failed": "failed", "open": "under way", "cut_off": "cut off"}


@dataclass(slots=True)
class _Drawn:
    """A line and what hangs below it."""

    line: str
    below: list[_Drawn] = field(default_factory=list["_Drawn"])


def show_tree(told: JsonValue, console: Console, *, simulated: bool = False) -> bool:
    """Write the tree of a run's report; return False when there is nothing to write."""
    tree = cast("_Node", told)
    if not _parts(tree, "children"):
        return False
    mark = "  (simulated)" if simulated else ""
    state = str(tree["run_state"]).replace("_", " ")
    console.print(Text(f"\n{_line(tree, state=state)}{mark}"), soft_wrap=True)
    for line in _lines(_drawn_below(_parts(tree, "children")), ""):
        console.print(Text(line), soft_wrap=True)
    return True


def _lines(drawn: Sequence[_Drawn], indent: str) -> Iterable[str]:
    """Yield lines with the branches that lead to them."""
    for part in drawn:
        last = part is drawn[-1]
        yield f"{indent}{'└─ ' if last else '├─ '}{part.line}"
        yield from _lines(part.below, f"{indent}{'   ' if last else '│  '}")


def _drawn_below(nodes: Sequence[_Node]) -> list[_Drawn]:
    """Return nodes as lines; items that look like earlier ones are counted at the end of their kind."""
    alike: dict[str, list[_Node]] = {}
    for node in nodes:
        alike.setdefault(_shape(node) if _is_item(node) else str(node["path"]), []).append(node)
    found: list[_Drawn] = []
    for group in alike.values():
        shown = group if len(group) <= _SHOWN_ALIKE + 1 else group[:_SHOWN_ALIKE]
        found += [_drawn(node) for node in shown]
        rest = group[len(shown) :]
        if rest:
            cost = format_usd(sum(_number(node, "nusd") for node in rest))
            found.append(_Drawn(f"… {len(rest):,} more like this  {cost}"))
    return found


def _drawn(node: _Node) -> _Drawn:
    """Return one node as lines; a call that was answered at once is one line."""
    attempts = _parts(node, "attempts")
    plain_call = len(attempts) == 1 and not attempts[0]["reason"]
    lines = [] if plain_call else [_Drawn(_attempt(attempt)) for attempt in attempts]
    line = _line(node, only=attempts[0] if plain_call else None)
    return _Drawn(line, [*lines, *_drawn_below(_parts(node, "children"))])


def _line(node: _Node, *, only: _Node | None = None, state: str = "") -> str:
    """Return the line of a node; `state` says how it stands in other words than its own."""
    items = [child for child in _parts(node, "children") if _is_item(child)]
    failed = sum(child["state"] == "failed" for child in items)
    retries = _number(node, "retries")
    words = [
        plain_line(str(node["name"]), 120),
        f"{len(items):,} {'item' if len(items) == 1 else 'items'}" if items else "",
        state
        or (f"{failed:,} failed" if failed else "" if items else _STATE_WORDS.get(str(node["state"]), "")),
        plain_line(str(only["model"]), 80) if only else "",
        f"{retries:,} {'retry' if retries == 1 else 'retries'}" if retries else "",
        format_usd(_number(node, "nusd")) if _has_calls(node) else "",
        _time(_number(node, "duration_ms")) if _has_calls(node) else "",
        *(plain_line(str(note), 200) for note in cast("Sequence[JsonValue]", node["notes"])),
        plain_line(str(node["error"]), 300),
    ]
    return "  ".join(word for word in words if word)


def _attempt(attempt: _Node) -> str:
    """Return the line of one attempt."""
    state = str(attempt["state"])
    duration = attempt["duration_ms"]
    words = [
        f"#{attempt['number']}",
        _STATE_WORDS.get(state, state.replace("_", " ")),
        plain_line(str(attempt["model"]), 80),
        format_usd(_number(attempt, "nusd")),
        _time(duration) if isinstance(duration, int) else "",
        plain_line(str(attempt["reason"]), 300),
    ]
    return "  ".join(word for word in words if word)


def _shape(node: _Node) -> str:
    """Return what makes items alike: how they ended, what was tried for them, and the same of what is in them."""
    tried = ",".join(f"{attempt['model']}:{attempt['state']}" for attempt in _parts(node, "attempts"))
    below = ",".join(f"{child['name']}={_shape(child)}" for child in _parts(node, "children"))
    code = str(node["error"]).partition(":")[0]
    return f"{node['state']}|{code}|{tried}|{below}"


def _is_item(node: _Node) -> bool:
    return str(node["name"]).startswith("[")


def _has_calls(node: _Node) -> bool:
    return bool(node["attempts"]) or any(_has_calls(child) for child in _parts(node, "children"))


def _parts(node: _Node, name: str) -> Sequence[_Node]:
    return cast("Sequence[_Node]", node[name])


def _number(node: _Node, name: str) -> int:
    return cast("int", node[name])


def _time(duration_ms: int) -> str:
    """Return a duration as people write it."""
    return f"{duration_ms} ms" if duration_ms < 1_000 else f"{duration_ms / 1_000:,.1f} s"  # noqa: PLR2004 - a second
