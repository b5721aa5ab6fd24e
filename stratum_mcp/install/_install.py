"""Installing into a client's files and taking it out again: look at everything first, then copy, then change.

Nothing is written before every file that has to change was read and found changeable. Where the client's own command is
there it is told; it lays files out anew, so what it wrote is put back into the layout the file had, as long as both say
the same. When something fails on the way, what was changed is put back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Literal, TypeAlias, cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import ConfigurationError
from stratum_mcp.install._client import Said, client_on_path, register_commands, remove_commands, run_client
from stratum_mcp.install._diff import shown_diff
from stratum_mcp.install._entries import PLUGIN, Entry, Member, Scope, entries
from stratum_mcp.install._files import (
    Kept,
    backups,
    keep_copy,
    read_file,
    replace_file,
    require_replaceable,
)

__all__ = ["FileReport", "Outcome", "install", "uninstall"]

Change: TypeAlias = Literal["made", "changed", "removed", "unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file."""

    file: Path
    change: Change
    diff: str
    copy: Path | None = None
    """What was there before, where it is kept."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for machines."""
        copy = None if self.copy is None else str(self.copy)
        return {"file": str(self.file), "change": self.change, "copy": copy, "diff": self.diff}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done, or would be."""

    scope: Scope
    dry_run: bool
    client: str | None
    """Where `claude` is; None: it is not on PATH, only files are changed."""
    files: tuple[FileReport, ...]
    said: tuple[Said, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for machines."""
        return {
            "scope": self.scope,
            "dry_run": self.dry_run,
            "client": self.client,
            "files": [each.to_json() for each in self.files],
            "commands": [
                {"command": each.line, "status": each.status, "said": each.text} for each in self.said
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What one file holds, what it is to hold, and how to get there from what a client made of it meanwhile."""

    kept: Kept
    after: bytes | None
    again: Callable[[str], str]
    entries: tuple[Entry, ...]
    spare: tuple[Path, ...] = ()
    """Copies that hold nothing the file does not hold afterwards."""
    wants_copy: bool = True

    @property
    def changes(self) -> bool:
        return self.after != self.kept.content

    @property
    def after_text(self) -> str | None:
        return None if self.after is None else self.after.decode("utf-8-sig")


@dataclass(slots=True, kw_only=True)
class _Done:
    """What was done so far, to be put back when something fails."""

    copies: dict[Path, Path] = field(default_factory=dict[Path, Path])
    changed: list[_Plan] = field(default_factory=list[_Plan])


def install(
    scope: Scope, environ: Mapping[str, str], cwd: Path, *, plugin: bool, rules: bool, dry_run: bool
) -> Outcome:
    """Set Stratum up for Claude Code; doing it twice changes nothing more.

    Raises:
        ConfigurationError: A file cannot be changed without doubt or damage; nothing was changed.
    """
    wanted = entries(scope, environ, cwd, plugin=plugin, rules=rules)
    plans = [_to_put(file, group) for file, group in _by_file(wanted)]
    there = {entry for plan in plans for entry in _paths_found(replace(plan, entries=_there(plan)))}
    commands = () if "mcpServers" in there else register_commands(scope, plugin=plugin)
    return _carry_out(scope, environ, cwd, plans, commands, dry_run=dry_run, last_of=None)


def uninstall(scope: Scope, environ: Mapping[str, str], cwd: Path, *, dry_run: bool) -> Outcome:
    """Take out what `install` put in, and nothing else; a file in which nothing else changed is what it was.

    Raises:
        ConfigurationError: A file that holds something of ours cannot be changed without doubt or damage.
    """
    wanted = entries(scope, environ, cwd, plugin=None, rules=None, variable=True)
    plans = [_to_take(file, group) for file, group in _by_file(wanted)]
    found = {entry for plan in plans for entry in _paths_found(plan)}
    commands: tuple[tuple[str, ...], ...] = ()
    if "enabledPlugins" in found:
        commands += remove_commands(scope, plugin=True, last=False)
    if "mcpServers" in found:
        commands += remove_commands(scope, plugin=False, last=False)
    marketplace = remove_commands(scope, plugin=True, last=True)[-1] if "enabledPlugins" in found else None
    return _carry_out(scope, environ, cwd, plans, commands, dry_run=dry_run, last_of=marketplace)


def _by_file(wanted: Sequence[Entry]) -> list[tuple[Path, tuple[Entry, ...]]]:
    """Return the entries of each file, in the order of the files."""
    files = dict.fromkeys(entry.file for entry in wanted)
    return [(file, tuple(entry for entry in wanted if entry.file == file)) for file in files]


def _to_put(file: Path, group: tuple[Entry, ...]) -> _Plan:
    """Return how a file gets its entries."""
    kept = read_file(file)

    def again(text: str) -> str:
        return reduce(lambda so_far, entry: entry.put(so_far), group, text)

    after = again(kept.text)
    content = kept.content if after == kept.text and kept.content is not None else kept.with_text(after)
    return _Plan(kept=kept, after=content, again=again, entries=group)


def _to_take(file: Path, group: tuple[Entry, ...]) -> _Plan:
    """Return how a file loses its entries: as it was before where only they were added, else without them."""
    kept = _read_or_nothing(file)
    text = kept.text

    def again(now: str) -> str:
        return reduce(lambda so_far, entry: entry.take(so_far), group, now)

    mine = _present(text, group) if _NAME in text else ()
    if not mine:
        return _Plan(kept=kept, after=kept.content, again=again, entries=())
    before = _before(kept, mine, group)
    if before is _UNKNOWN:
        return _Plan(kept=kept, after=kept.with_text(again(text)), again=again, entries=mine)
    content = before.content
    spare = tuple(path for path in backups(kept) if _adds_only_ours(path, content, group))
    edited = any(entry not in group for entry in mine)
    return _Plan(kept=kept, after=content, again=again, entries=mine, spare=spare, wants_copy=edited)


def _read_or_nothing(file: Path) -> Kept:
    """Read a file to take something out; one that cannot be read but holds nothing of ours is left alone."""
    try:
        return read_file(file)
    except ConfigurationError:
        if not file.is_file():
            return Kept(path=file, real=file, content=None)
        try:
            content = file.read_bytes()
        except OSError:
            content = _NAME.encode()
        if any(_NAME.encode(coding) in content for coding in ("utf-8", "utf-16-le", "utf-16-be")):
            raise
        return Kept(path=file, real=file, content=None)


_NAME = "stratum"
_UNKNOWN = Kept(path=Path(), real=Path(), content=None)


def _before(kept: Kept, mine: Sequence[Entry], group: Sequence[Entry]) -> Kept:
    """Return the file as it was before, by its copies or not there at all; `_UNKNOWN` when more was changed since."""
    none = replace(kept, content=None)
    for candidate in (*_readable(backups(kept)), none):
        if _present(candidate.text, group):
            continue
        with_ours = reduce(lambda text, entry: entry.put(text), mine, candidate.text)
        if mine[0].same(with_ours, kept.text):
            return candidate
    return _UNKNOWN


def _adds_only_ours(path: Path, content: bytes | None, group: Sequence[Entry]) -> bool:
    """Return whether a copy holds what the file holds again, or that and something of ours."""
    for copy in _readable([path]):
        mine = _present(copy.text, group)
        if not mine:
            return copy.content == content
        plain = replace(copy, content=content).text
        return mine[0].same(reduce(lambda text, entry: entry.put(text), mine, plain), copy.text)
    return False


def _readable(paths: Sequence[Path]) -> list[Kept]:
    """Return the copies that can be read."""
    found: list[Kept] = []
    for path in paths:
        try:
            found.append(read_file(path))
        except ConfigurationError:  # a copy nobody can read is no help, and no harm
            continue
    return found


def _there(plan: _Plan) -> tuple[Entry, ...]:
    """Return our entries that a file holds already."""
    return _present(plan.kept.text, plan.entries)


def _present(text: str, group: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return our entries in a text; none in one that cannot be read."""
    return tuple(found for entry in group if (found := entry.present(text)) is not None)


def _paths_found(plan: _Plan) -> set[str]:
    return {entry.path[0] for entry in plan.entries if isinstance(entry, Member)}


def _carry_out(
    scope: Scope,
    environ: Mapping[str, str],
    cwd: Path,
    plans: Sequence[_Plan],
    commands: Sequence[tuple[str, ...]],
    *,
    dry_run: bool,
    last_of: tuple[str, ...] | None,
) -> Outcome:
    """Copy, tell the client, put the files in order, and report; or only say what would be done."""
    claude = client_on_path(environ)
    for plan in plans:
        if plan.changes:
            require_replaceable(plan.kept)
    if claude is None:
        commands = ()
    if dry_run:
        shown = (*commands, *([last_of] if last_of and claude else []))
        return Outcome(
            scope=scope,
            dry_run=True,
            client=claude,
            files=tuple(_report(plan, None) for plan in plans),
            said=tuple(Said(command=command, status=None) for command in shown),
        )
    done = _Done()
    try:
        for plan in plans:
            copy = keep_copy(plan.kept) if plan.changes and plan.wants_copy else None
            if copy is not None:
                done.copies[plan.kept.path] = copy
        said = () if claude is None else _tell(claude, commands, last_of, environ, cwd)
        for plan in plans:
            _put_in_order(plan, done, private=scope == "user")
    except ConfigurationError:
        _put_back(done)
        raise
    for plan in plans:
        for path in plan.spare:
            path.unlink(missing_ok=True)
    files = tuple(_report(plan, done.copies.get(plan.kept.path)) for plan in plans)
    return Outcome(scope=scope, dry_run=False, client=claude, files=files, said=said)


def _tell(
    claude: str,
    commands: Sequence[tuple[str, ...]],
    last_of: tuple[str, ...] | None,
    environ: Mapping[str, str],
    cwd: Path,
) -> tuple[Said, ...]:
    """Run the client's commands; the one that is for the last scope only where no other has the plugin."""
    said = [run_client(claude, command, environ, cwd) for command in commands]
    if last_of is not None and not _still_used(claude, environ, cwd):
        said.append(run_client(claude, last_of, environ, cwd))
    return tuple(said)


def _put_in_order(plan: _Plan, done: _Done, *, private: bool) -> None:
    """Give a file what it is to hold, whatever the client has made of it meanwhile."""
    if not plan.entries:
        return
    now = read_file(plan.kept.path)
    after = plan.after
    if now.content == after:
        return
    if now.content != plan.kept.content:
        text = plan.again(now.text)
        if not plan.entries[0].same(text, plan.after_text or ""):
            after = now.content if text == now.text else now.with_text(text)
    if now.content != after:
        done.changed.append(plan)
        replace_file(now, after, private=private)
    if after is None:
        _remove_folder(plan.kept.real.parent)


def _put_back(done: _Done) -> None:
    """Undo what was changed, as far as that is possible: the copies stay where it is not."""
    for plan in done.changed:
        try:
            replace_file(read_file(plan.kept.path), plan.kept.content, private=True)
        except ConfigurationError:
            done.copies.pop(plan.kept.path, None)
    for path in done.copies.values():
        path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove a `.claude` folder that holds nothing any more."""
    if folder.name == ".claude" and not any(folder.iterdir()):
        folder.rmdir()


def _still_used(claude: str, environ: Mapping[str, str], cwd: Path) -> bool:
    """Return whether the client has the plugin in another scope; yes when it does not say."""
    listed = run_client(claude, ("claude", "plugin", "list", "--json"), environ, cwd)
    try:
        found = cast("list[Mapping[str, JsonValue]]", json.loads(listed.text[: listed.text.rindex("]") + 1]))
        return any(each["id"] == PLUGIN for each in found)
    except (ValueError, TypeError, KeyError):
        return True


def _report(plan: _Plan, copy: Path | None) -> FileReport:
    """Return what became of a file."""
    before = None if plan.kept.content is None else plan.kept.text
    change: Change = "changed"
    if not plan.changes:
        change = "unchanged"
    elif plan.kept.content is None:
        change = "made"
    elif plan.after is None:
        change = "removed"
    members = [entry.texts() for entry in plan.entries if isinstance(entry, Member)]
    ours = frozenset[str]().union(*members) if members else None
    diff = shown_diff(str(plan.kept.path), before, plan.after_text, ours=ours) if plan.changes else ""
    return FileReport(file=plan.kept.path, change=change, diff=diff, copy=copy)
