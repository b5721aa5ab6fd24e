"""Thirty and more configurations as people leave them behind, and what an installation has to make of each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CASES", "Case", "Put"]

Put = Callable[[Path], None]
_OTHERS = {"mcpServers": {"other": {"command": "x", "env": {"TOKEN": "secret-1"}}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One state of a home folder."""

    name: str
    put: Put
    """Makes the files in an empty home folder."""
    arguments: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Words of the refusal; empty: it is installed."""
    home: str | None = "."
    """What HOME is, seen from the folder; None: not set."""


def _file(name: str, content: str | bytes, mode: int = 0o644) -> Put:
    def put(home: Path) -> None:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)

    return put


def _all(*puts: Put) -> Put:
    def put(home: Path) -> None:
        for each in puts:
            each(home)

    return put


def _settings(content: str | bytes, mode: int = 0o644) -> Put:
    return _file(".claude/settings.json", content, mode)


def _rules(content: str | bytes, mode: int = 0o644) -> Put:
    return _file(".claude/CLAUDE.md", content, mode)


def _link(name: str, target: str, content: str | None) -> Put:
    def put(home: Path) -> None:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        if content is not None:
            real = path.parent / target
            real.parent.mkdir(parents=True, exist_ok=True)
            real.write_text(content, "utf-8")

    return put


def _folder(name: str, mode: int = 0o755) -> Put:
    def put(home: Path) -> None:
        (home / name).mkdir(parents=True)
        (home / name).chmod(mode)

    return put


def _hard_link(home: Path) -> None:
    _settings("{}")(home)
    os.link(home / ".claude" / "settings.json", home / "dotfile.json")


def _pipe(home: Path) -> None:
    (home / ".claude").mkdir()
    os.mkfifo(home / ".claude" / "settings.json")


def _closed_folder(home: Path) -> None:
    _settings("{}")(home)
    (home / ".claude").chmod(0o555)


_HOOKS = {
    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]},
    "permissions": {"allow": ["Bash(ls:*)"], "defaultMode": "plan"},
    "env": {"A": "secret-2"},
    "unknownKey": {"nested": [1, 2.50, 1e3, None, True]},
    "extraKnownMarketplaces": {"acme": {"source": {"source": "github", "repo": "acme/plugins"}}},
    "enabledPlugins": {"tool@acme": True, "off@acme": False},
}
_HUGE = {"projects": {f"/p/{number}": {"history": ["x" * 200] * 5} for number in range(2_000)}}
_BOM = b"\xef\xbb\xbf"
_NO_PLUGIN = ("--no-plugin",)

CASES: tuple[Case, ...] = (
    Case(name="nothing there at all", put=lambda _: None),
    Case(name="an empty file", put=_settings("")),
    Case(name="only spaces", put=_settings(" \n\n")),
    Case(name="an empty object", put=_settings("{}")),
    Case(name="an object over two lines", put=_settings("{\n}\n")),
    Case(name="hooks, permissions, plugins and unknown keys", put=_settings(json.dumps(_HOOKS, indent=2))),
    Case(name="tabs", put=_settings(json.dumps(_HOOKS, indent="\t") + "\n")),
    Case(name="four spaces and no last newline", put=_settings(json.dumps(_HOOKS, indent=4))),
    Case(name="one line", put=_settings(json.dumps(_HOOKS))),
    Case(name="no space at all", put=_settings(json.dumps(_HOOKS, separators=(",", ":")))),
    Case(name="CRLF", put=_settings(json.dumps(_HOOKS, indent=2).replace("\n", "\r\n") + "\r\n")),
    Case(name="a byte order mark", put=_settings(_BOM + json.dumps(_HOOKS, indent=2).encode())),
    Case(
        name="strange layout and numbers", put=_settings('{ "a" :1.0 ,\n\n\t"b": [ 1e5,\n-0 ]  , "c":{}\n}')
    ),
    Case(
        name="escapes and many scripts",
        put=_settings('{"\\u00e4\\ud800": "\\/ \U0001f600 日本", "x": "}{,"}'),
    ),
    Case(name="a number without end", put=_settings(f'{{"n": {"9" * 6_000}}}')),
    Case(name="duplicate keys that are not ours", put=_settings('{"a": 1, "a": 2}')),
    Case(name="empty objects of the keys we use", put=_settings('{"enabledPlugins": {}, "env": {}}')),
    Case(name="the plugin switched off", put=_settings('{"enabledPlugins": {"other@x": false}}\n')),
    Case(name="a file for this account alone", put=_settings('{"a": 1}\n', 0o600)),
    Case(
        name="a link to a file elsewhere",
        put=_link(".claude/settings.json", "../dotfiles/s.json", '{"a": 1}'),
    ),
    Case(name="a linked folder", put=_all(_folder("dotfiles"), _link(".claude", "dotfiles", None))),
    Case(name="a huge file", put=_settings(json.dumps(_HUGE, indent=2))),
    Case(name="text without a last newline", put=_rules("# Mine\n\nBe kind.")),
    Case(name="text with CRLF", put=_rules("# Mine\r\n\r\nBe kind.\r\n")),
    Case(name="text with a byte order mark", put=_rules(_BOM + "# Grüße\n".encode())),
    Case(name="an empty text", put=_rules("")),
    Case(name="text that ends in empty lines", put=_rules("# Mine\n\n\n")),
    Case(name="text without our marks that speaks of them", put=_rules("See `<!-- stratum:begin` there.\n")),
    Case(
        name="other servers", put=_file(".claude.json", json.dumps(_OTHERS, indent=2)), arguments=_NO_PLUGIN
    ),
    Case(
        name="a private file of the client",
        put=_file(".claude.json", json.dumps({"numStartups": 3, **_OTHERS}, indent=2), 0o600),
        arguments=_NO_PLUGIN,
    ),
    Case(
        name="line comments",
        put=_settings('{\n  // mine\n  "a": 1\n}'),
        refused=("line 2", "comment", "ignores"),
    ),
    Case(name="block comments", put=_settings('/* mine */ {"a": 1}'), refused=("line 1", "comment")),
    Case(name="a trailing comma", put=_settings('{"a": 1,\n}'), refused=("settings.json", "line")),
    Case(name="cut in the middle", put=_settings('{"a": {"b": "c'), refused=("line 1, column", "repair")),
    Case(name="not a number", put=_settings('{"a": NaN}'), refused=("NaN",)),
    Case(name="a list", put=_settings("[]"), refused=("a list where an object belongs",)),
    Case(name="null", put=_settings("null"), refused=("null where an object belongs",)),
    Case(
        name="a list where plugins belong",
        put=_settings('{\n"enabledPlugins": ["a"]}'),
        refused=("line 2", "`enabledPlugins` holds a list"),
    ),
    Case(
        name="a text where variables belong",
        put=_settings('{"env": "A=1"}'),
        refused=("`env` holds a text",),
    ),
    Case(
        name="null where servers belong",
        put=_file(".claude.json", '{"mcpServers": null}'),
        arguments=_NO_PLUGIN,
        refused=("`mcpServers` holds null",),
    ),
    Case(
        name="duplicate keys of ours",
        put=_settings('{"enabledPlugins": {},\n"enabledPlugins": {"a@b": true}}'),
        refused=("'enabledPlugins'", "lines 1 and 2"),
    ),
    Case(
        name="another server of our name",
        put=_file(".claude.json", '{"mcpServers": {"stratum": {"command": "mining-proxy"}}}'),
        arguments=_NO_PLUGIN,
        refused=("mcpServers.stratum", "not Stratum's", "rename"),
    ),
    Case(
        name="a marketplace of our name from elsewhere",
        put=_settings(
            '{"extraKnownMarketplaces": {"stratum": {"source": {"source": "github", "repo": "a/b"}}}}'
        ),
        refused=("extraKnownMarketplaces.stratum",),
    ),
    Case(
        name="nested too deep",
        put=_settings('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        refused=("deep",),
    ),
    Case(name="Latin-1", put=_settings('{"a": "ä"}'.encode("latin-1")), refused=("not UTF-8 (byte 7",)),
    Case(name="UTF-16", put=_settings('{"a": 1}'.encode("utf-16")), refused=("UTF-16",)),
    Case(name="text in Latin-1", put=_rules("Grüße".encode("latin-1")), refused=("CLAUDE.md", "not UTF-8")),
    Case(
        name="half a pair of marks",
        put=_rules("a\n<!-- stratum:begin -->\nb\n"),
        refused=("line 2", "not one pair"),
    ),
    Case(
        name="marks the wrong way round",
        put=_rules("<!-- stratum:end -->\n<!-- stratum:begin -->\n"),
        refused=("line 1, 2",),
    ),
    Case(name="a read-only file", put=_settings("{}", 0o444), refused=("read-only", "chmod u+w")),
    Case(name="a file nobody may read", put=_settings("{}", 0o000), refused=("Permission denied",)),
    Case(name="a read-only text", put=_rules("Mine\n", 0o444), refused=("CLAUDE.md", "read-only")),
    Case(name="a closed folder", put=_closed_folder, refused=("must not be written",)),
    Case(
        name="a folder where a file belongs", put=_folder(".claude/settings.json"), refused=("is a folder",)
    ),
    Case(name="a file where a folder belongs", put=_file(".claude", "x"), refused=("Not a directory",)),
    Case(name="a pipe", put=_pipe, refused=("not an ordinary file",)),
    Case(
        name="a link to nothing",
        put=_link(".claude/settings.json", "gone.json", None),
        refused=("not there",),
    ),
    Case(
        name="a link to itself", put=_link(".claude/settings.json", "settings.json", None), refused=("link",)
    ),
    Case(name="hard links", put=_hard_link, refused=("2 names (hard links)",)),
    Case(name="no HOME", put=lambda _: None, home=None, refused=("HOME is 'not set'", "--scope project")),
    Case(name="a HOME that is not there", put=lambda _: None, home="gone", refused=("which is no folder",)),
)
