"""Which files decide who is asked and what is guarded, and what in them would let a program answer for the person."""

from __future__ import annotations

import json
import os
import re

from _hook import as_list, as_object

__all__ = [
    "answering_hooks",
    "is_policy",
    "is_protected",
    "is_settings",
    "read_text",
    "settings_files",
    "unguarding",
]

SERVER_NAMES = ("plugin:stratum:stratum", "stratum")
"""Names under which the client may know the server, which the matcher of such a hook is compared with."""
_ANSWERING = ("Elicitation", "ElicitationResult")
_SETTINGS = re.compile(r"(?:^|/)(?:\.claude/settings(?:\.local)?\.json|managed-settings\.json)$")
_CLIENT = re.compile(r"(?:^|/)(?:\.claude\.json|\.mcp\.json)$|(?:^|/)\.claude/plugins/")
_POLICY = re.compile(r"(?:^|/)stratum/(?:[^/]+/)?(?:policy\.yaml|control\.db|signing\.key)(?:-wal|-shm)?$")


def is_settings(path: str) -> bool:
    """Return whether a path is a settings file of the client, in which hooks stand."""
    return bool(_SETTINGS.search(_plain(path)))


def is_policy(path: str) -> bool:
    """Return whether a path is the operator's policy file or the file in which answers are kept."""
    plain = _plain(path)
    named = os.environ.get("STRATUM_POLICY", "")
    state = os.environ.get("STRATUM_STATE_DIR", "")
    ours = [name for name in (named, os.path.join(state, "control.db") if state else "") if name]
    written_out = ("$STRATUM_POLICY", "${STRATUM_POLICY}", "$STRATUM_STATE_DIR/control.db")
    return bool(_POLICY.search(plain)) or plain in written_out or any(plain == _plain(name) for name in ours)


def is_protected(path: str) -> bool:
    """Return whether a shell should not write a path: settings, registrations, plugins, policy, answers."""
    return is_settings(path) or is_policy(path) or bool(_CLIENT.search(_plain(path)))


def settings_files(project: str) -> list[str]:
    """Return the settings files that count for a project, whether or not they are there."""
    home = os.environ.get("CLAUDE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".claude")
    local = [os.path.join(project, ".claude", name) for name in ("settings.json", "settings.local.json")]
    return [os.path.join(home, "settings.json"), *(local if project else [])]


def read_text(path: str) -> str:
    """Return what a file holds, empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def answering_hooks(text: str) -> int:
    """Return how many hooks in the text of a settings file could answer Stratum's question in the person's place.

    A hook whose matcher names another server cannot. Text that is not JSON counts by the words in it.
    """
    try:
        settings = json.loads(text)
    except ValueError:
        return len(re.findall(r"\bElicitation(?:Result)?\b", text))
    hooks = as_object(as_object(settings).get("hooks"))
    groups = [group for event in _ANSWERING for group in as_list(hooks.get(event))]
    return sum(_may_match(group) for group in groups)


def unguarding(text: str) -> list[str]:
    """Return what in the text of a settings file would take the guards away."""
    try:
        settings = as_object(json.loads(text))
    except ValueError:
        return []
    found = ["it turns every hook off"] if settings.get("disableAllHooks") is True else []
    plugins = as_object(settings.get("enabledPlugins"))
    if any(name.startswith("stratum@") and enabled is False for name, enabled in plugins.items()):
        found.append("it turns the plugin off")
    return found


def _may_match(group: object) -> bool:
    """Return whether a group of hooks would be asked about a question of ours; what cannot be read counts as yes."""
    matcher = as_object(group).get("matcher")
    if not isinstance(matcher, str) or matcher in {"", "*"}:
        return True
    try:
        return any(re.search(matcher, name) for name in SERVER_NAMES)
    except re.error:
        return True


def _plain(path: str) -> str:
    """Return a path without `.` and `..` parts and with forward slashes; nothing is looked up."""
    return os.path.normpath(os.path.expanduser(path.replace("$HOME", "~").replace("${HOME}", "~"))).replace(
        "\\", "/"
    )
