"""What an agent's shell command may not do: answer for the person, start a server, lift guards, call models raw.

`reason` says why a command is refused, in words for the agent. It judges the text of a command, not what happens, so a
text that hides its meaning well enough gets past; `docs/claude-code.md` lists what does.
"""

from __future__ import annotations

import re

from _protected import is_protected
from _shell import Command, commands

__all__ = ["reason"]

_NOT_YOURS = (
    "the person approves and answers, not you: show them the command and stop; they type it in their terminal"
)
_NO_SERVER = (
    "the client starts Stratum's server; use its tools, and if they are missing tell the person to run /mcp"
)
_NO_CLIENT = (
    "another Claude Code with settings or servers of your own could answer for the person; work in this one"
)
_NO_SETTINGS = (
    "settings of Claude Code, and the policy and the answers of Stratum, are not written from a shell: tell the person "
    "what to change"
)
_NO_RAW = (
    "model calls go through Stratum, where they have a price, a cap and checked answers: use its plan tool, or leave "
    "the call to the person"
)

_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "fish", "ash"})
_RUNS_REST = frozenset(
    {
        "sudo", "doas", "env", "nohup", "nice", "ionice", "command", "builtin", "exec", "stdbuf", "setsid", "timeout",
        "xargs", "unbuffer", "uv", "uvx", "pipx", "poetry", "hatch", "pdm", "pixi", "conda", "npx", "busybox", "chroot",
        "watch", "strace", "find", "time", "parallel", "script", "expect", "tmux", "screen", "su", "runuser", "mcp",
        "caffeinate", "firejail", "flock", "faketime", "at", "batch",
    }
)  # fmt: skip
"""Programs that run what stands in their arguments; each word of theirs may be a program, or a line for a shell."""
_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*|node|deno|bun|perl|ruby|osascript|php")
_CALLS = frozenset({"curl", "wget", "http", "https", "xh", "curlie", "aria2c"})
_COPIES = frozenset({"cp", "mv", "install", "ln", "rsync"})
_CHANGES = frozenset(
    {"tee", "truncate", "rm", "unlink", "shred", "dd", "sqlite3", "chmod", "patch", "ed", "ex", "vi", "vim"}
)
_PROVIDERS = (
    r"(?:api\.(?:anthropic|openai|mistral|groq|cohere|together|deepseek|x|perplexity|fireworks)\.(?:com|ai|xyz)"
    r"|generativelanguage\.googleapis\.com|aiplatform\.googleapis\.com|openrouter\.ai"
    r"|bedrock-runtime\.[\w.-]+|[\w-]+\.openai\.azure\.com|\$\{?(?:ANTHROPIC|OPENAI)_(?:API_)?(?:BASE|BASE_URL|HOST)\}?)"
)
_RAW_URL = re.compile(
    _PROVIDERS + r"\S*(?:messages|completions?|responses|embed|generate|predict|invoke|converse|chat)",
    re.IGNORECASE,
)
_RAW_SDK = re.compile(
    r"\b(?:import|from|require\()\s*['\"]?(?:@?anthropic|openai|litellm|google\.generativeai|google\.genai|mistralai|groq|cohere)\b"
)
_RAW_CALL = re.compile(
    r"\.create\(|completion\(|\.parse\(|\.stream\(|generate_content|\.chat\(|\.responses\b|query\("
)
_HIDDEN_ANSWER = re.compile(r"stratum[\s\S]*\b(?:approve|decide|record_decision|decide_review|yes-under)\b")
_WRITES = re.compile(
    r"write|dump|open\([^)]*['\"][wax]|>\s|rename|replace\(|copy|unlink|UPDATE|INSERT|update |insert "
)
_MENTIONS = re.compile(
    r"[^\s'\"`(),;=]*(?:settings(?:\.local)?\.json|\.claude\.json|\.mcp\.json|policy\.yaml|control\.db)"
)
_OWN_CLIENT = frozenset({"--settings", "--mcp-config", "--permission-prompt-tool", "--plugin-dir"})
_REMOTE_ANSWER = re.compile(r"/approvals/\S*plan_\w+")
_ANSWERED_ID = re.compile(r"(?:plan|run|review)_\w+")


def reason(text: str, depth: int = 0) -> str:
    """Return why a command may not run, empty when nothing speaks against it."""
    found = commands(text)
    for command in found:
        why = _of_command(command, depth)
        if why:
            return why
    if any(_runs_unknown_text(command) for command in found):
        known = [" ".join(command.words[1:]) for command in found] + [command.stdin for command in found]
        return next((why for part in known if part and (why := _of_text(part, depth))), "")
    return ""


def _of_command(command: Command, depth: int) -> str:
    """Judge a command, and where it runs what stands in its arguments, that too: each tail of it may be a command."""
    why = _of_words(command, depth)
    if why or not command.words or _name(command.words[0]) not in _RUNS_REST:
        return why
    for index, word in enumerate(command.words[1:], start=1):
        why = _of_words(Command(command.words[index:], [], command.stdin, command.folder), depth)
        if not why and (" " in word or "\n" in word):
            why = _of_text(word, depth)
        if why:
            return why
    return ""


def _of_words(command: Command, depth: int) -> str:
    """Judge one program with its arguments and the files it writes."""
    if any(is_protected(_where(command, target)) for target in command.writes):
        return _NO_SETTINGS
    if not command.words:
        return ""
    name, rest = _name(command.words[0]), command.words[1:]
    return (
        _of_program(name, rest)
        or _of_files(command, name, rest)
        or _of_interpreter(command, name, rest, depth)
    )


def _of_program(name: str, rest: list[str]) -> str:
    """Judge one program by its name and its words."""
    plain = [word for word in rest if not word.startswith("-")]
    if name == "stratum":
        return _of_stratum(plain[:2], rest)
    if name == "stratum-mcp":
        return _NO_SERVER
    if name == "claude":
        ours = any("stratum" in word.lower() for word in rest)
        meddles = bool({"add", "add-json", "remove", "disable", "uninstall", "rm"} & {*plain})
        if ours and meddles and plain[0] in {"mcp", "plugin", "plugins"}:
            return _NO_SETTINGS
        own = any(word.split("=", 1)[0] in _OWN_CLIENT for word in rest)
        return _NO_CLIENT if own else ""
    if name in _CALLS and any(_REMOTE_ANSWER.search(word) for word in rest):
        return _NOT_YOURS
    if name in _CALLS and any(_RAW_URL.search(word) for word in rest):
        return _NO_RAW
    if name == "openai" and plain[:1] == ["api"]:
        return _NO_RAW
    unknown = "$" in name or "*" in name or "?" in name
    if unknown and {"approve", "decide"} & {*plain} and any(_ANSWERED_ID.fullmatch(word) for word in plain):
        return _NOT_YOURS
    return ""


def _of_stratum(verb: list[str], rest: list[str]) -> str:
    if verb[:1] in (["approve"], ["decide"]) or any(word.startswith("--yes") for word in rest):
        return _NOT_YOURS
    if verb in (["team", "token"], ["team", "revoke"], ["keys", "rotate"]):
        return _NOT_YOURS
    if verb[:1] in (["serve"], ["run-worker"]):
        return _NO_SERVER
    return _NO_SETTINGS if verb[:1] in (["install"], ["uninstall"]) or verb == ["keys", "set"] else ""


def _of_files(command: Command, name: str, rest: list[str]) -> str:
    """Judge the files a program would write."""
    plain = [_where(command, word.removeprefix("of=")) for word in rest if not word.startswith("-")]
    if name in _COPIES:
        plain = plain[-1:]
    elif name in {"sed", "perl", "awk", "gawk"}:
        plain = plain if any(word.startswith(("-i", "--in-place")) for word in rest) else []
    elif name not in _CHANGES:
        return ""
    return _NO_SETTINGS if any(is_protected(path) for path in plain) else ""


def _of_interpreter(command: Command, name: str, rest: list[str], depth: int) -> str:
    """Judge what a shell or an interpreter is given to run."""
    if name in {"eval", "trap", "source", "."}:
        return _of_text(" ".join(rest), depth)
    if name in _SHELLS:
        inline = next((index for index, word in enumerate(rest) if re.fullmatch(r"-\w*c\w*", word)), None)
        if inline is not None:
            return _of_text(" ".join(rest[inline + 1 :]), depth)
        script = any(not word.startswith("-") for word in rest)
        return "" if script else _of_text(command.stdin, depth)
    if not _INTERPRETER.fullmatch(name):
        return ""
    return _of_module(rest) or _of_code("\n".join([*_inline_code(rest), command.stdin]))


def _of_module(rest: list[str]) -> str:
    """Judge `python -m stratum_mcp...` and `python /somewhere/bin/stratum`."""
    for index, word in enumerate(rest):
        module = (
            rest[index + 1]
            if word == "-m" and index + 1 < len(rest)
            else word[2:]
            if word.startswith("-m")
            else ""
        )
        after = rest[index + 2 :] if word == "-m" else rest[index + 1 :]
        if module.startswith("stratum_mcp"):
            return (
                _NO_SERVER
                if "server" in module
                else _of_stratum([w for w in after if not w.startswith("-")][:2], after)
            )
        if module.startswith("stratum_core.runtime"):
            return _NO_SERVER
        if not module and word.rsplit("/", 1)[-1] in {"stratum", "stratum-mcp"}:
            return _of_program(word.rsplit("/", 1)[-1], after)
    return ""


def _inline_code(rest: list[str]) -> list[str]:
    """Return the code given as an argument: what follows `-c`, `-e` and their like."""
    return [
        rest[index + 1] if len(word) < len("--eval") + 1 and index + 1 < len(rest) else word
        for index, word in enumerate(rest)
        if re.fullmatch(r"-[a-zA-Z]*[cepr]|--eval|--print", word) or re.match(r"-[ce]\S*\s", word)
    ]


def _of_code(code: str) -> str:
    """Judge a program's text, which is only looked at, never understood."""
    if _HIDDEN_ANSWER.search(code):
        return _NOT_YOURS
    if _RAW_URL.search(code) or (_RAW_SDK.search(code) and _RAW_CALL.search(code)):
        return _NO_RAW
    paths = _MENTIONS.findall(code) if _WRITES.search(code) else []
    return _NO_SETTINGS if any(is_protected(path) for path in paths) else ""


def _of_text(text: str, depth: int) -> str:
    """Judge a text that a shell is given; one nested too deep is judged by the words in it."""
    if depth > 4:  # noqa: PLR2004 - nobody nests so deep by accident
        return _NOT_YOURS if _HIDDEN_ANSWER.search(text) else ""
    return reason(text, depth + 1)


def _runs_unknown_text(command: Command) -> bool:
    """Return whether a shell is given the output of a substitution to run."""
    if not command.words:
        return False
    name = _name(command.words[0])
    return (name in _SHELLS or name == "eval") and any("$()" in word for word in command.words[1:])


def _name(word: str) -> str:
    """Return the name of a program, whatever folder it is called from."""
    return word.rsplit("/", 1)[-1]


def _where(command: Command, path: str) -> str:
    """Return a path as seen from where the command works."""
    return path if not command.folder or path.startswith(("/", "~", "$")) else f"{command.folder}/{path}"
