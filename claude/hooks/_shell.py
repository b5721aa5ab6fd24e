"""Reads a shell command far enough to know which programs it would start, and with which words.

Quotes, escapes, continued lines, separators, substitutions, here-documents, redirections, assignments and words in
braces are understood; so are variables set to plain text earlier in the same command. Text that is only known when it
runs (the output of a program, a variable from elsewhere, a pattern) is kept as written, so that a rule can see that it
does not know. This is a reader for a guard that catches the hasty, not a shell.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Command", "commands"]

_MAX_DEPTH = 6
_ORDINARY = re.compile(r"#?[^\\'\"$` \t\r\n;&|()<>]*")
_ORDINARY_IN_QUOTES = re.compile(r'[^"\\$`]+')
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_RESERVED = frozenset({"if", "then", "elif", "else", "do", "while", "until", "!", "{", "}", "time", "coproc"})
_SETS = frozenset({"export", "declare", "local", "readonly", "typeset"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_CODED = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)", re.DOTALL)


class Command(NamedTuple):
    """One program to start: its words, the files it writes by redirection, what stands on its stdin, its folder."""

    words: list[str]
    writes: list[str]
    stdin: str
    folder: str
    """Where an earlier `cd` of the same text went; empty for the working folder."""


def commands(text: str, depth: int = 0) -> list[Command]:
    """Return every command in a text, also inside substitutions; what is nested too deep is an `eval` of it."""
    if depth > _MAX_DEPTH:
        return [Command(["eval", text], [], "", "")]
    reader = _Reader(text, depth)
    reader.read()
    return reader.found


class _Reader:
    """Goes through a text once; `found` grows by one for each simple command."""

    def __init__(self, text: str, depth: int) -> None:
        self.found: list[Command] = []
        self._text, self._at, self._depth = text, 0, depth
        self._words: list[str] = []
        self._word: str | None = None
        self._quoted = False
        self._writes: list[str] = []
        self._stdin = self._piped = self._folder = ""
        self._redirect = ""
        self._documents: list[tuple[str, bool]] = []
        self._first_on_line = 0
        self._variables: dict[str, str] = {}

    def read(self) -> None:
        """Read to the end of the text."""
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._end_command("")

    def _step(self, char: str) -> None:
        handler = {
            "\\": self._escape,
            "'": self._single,
            '"': self._double,
            "$": self._dollar,
            "`": self._ticks,
        }
        if char in handler:
            handler[char]()
        elif char in " \t\r":
            self._end_word()
            self._at += 1
        elif char == "#" and self._word is None:
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
        elif char in "\n;&|()":
            self._separate(char)
        elif char in "<>":
            self._redirection(char)
        else:
            self._take(_ORDINARY)

    # --- words ---------------------------------------------------------------------------------------------

    def _add(self, part: str) -> None:
        self._word = (self._word or "") + part

    def _take(self, pattern: re.Pattern[str]) -> None:
        """Add what the pattern finds here, at least one character."""
        match = pattern.match(self._text, self._at)
        found = (match[0] if match else "") or self._text[self._at]
        self._add(found)
        self._at += len(found)

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following != "\n":
            self._add(following)
            self._quoted = True
        self._at += 2

    def _single(self) -> None:
        end = self._text.find("'", self._at + 1)
        end = len(self._text) if end < 0 else end
        self._add(self._text[self._at + 1 : end])
        self._quoted = True
        self._at = end + 1

    def _double(self) -> None:
        self._add("")
        self._quoted = True
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != '"':
            char = self._text[self._at]
            if char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                self._add(
                    following if following in '$`"\\' else "" if following == "\n" else char + following
                )
                self._at += 2
            elif char == "$":
                self._dollar(quoted=True)
            elif char == "`":
                self._ticks()
            else:
                self._take(_ORDINARY_IN_QUOTES)
        self._at += 1

    def _dollar(self, *, quoted: bool = False) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "(":
            end = self._closing(self._at + 2)
            self._nested(self._text[self._at + 2 : end])
            self._at = end + 1
        elif following == "'" and not quoted:
            self._at += 1
            self._coded()
        elif following == '"' and not quoted:
            self._at += 1
        else:
            match = _VARIABLE.match(self._text, self._at)
            self._add("$" if match is None else self._variables.get(match[1] or match[2], match[0]))
            self._at = self._at + 1 if match is None else match.end()

    def _coded(self) -> None:
        """Read `$'...'`, where a letter can be written as its number."""
        end = self._at + 1
        while end < len(self._text) and self._text[end] != "'":
            end += 2 if self._text[end] == "\\" else 1
        self._add(_CODED.sub(_decoded, self._text[self._at + 1 : end]))
        self._quoted = True
        self._at = end + 1

    def _ticks(self) -> None:
        end = self._text.find("`", self._at + 1)
        end = len(self._text) if end < 0 else end
        self._nested(self._text[self._at + 1 : end])
        self._at = end + 1

    def _nested(self, inner: str) -> None:
        """Take the commands of a substitution; what they print is not known."""
        self._add("$()")
        self.found += commands(inner, self._depth + 1)

    def _closing(self, start: int) -> int:
        """Return where the parenthesis that was opened before `start` is closed."""
        open_count, quote, at = 1, "", start
        while at < len(self._text):
            char = self._text[at]
            if char == "\\" and quote != "'":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in "()":
                open_count += 1 if char == "(" else -1
                if not open_count:
                    return at
            at += 1
        return at

    # --- ends ----------------------------------------------------------------------------------------------

    def _end_word(self) -> None:
        word, quoted = self._word, self._quoted
        self._word, self._quoted = None, False
        if word is None:
            return
        redirect, self._redirect = self._redirect, ""
        if redirect in {"<<", "<<-"}:
            self._documents.append((word, redirect == "<<-"))
        elif redirect == "<<<":
            self._stdin += word + "\n"
        elif redirect.startswith((">", "&>")) or redirect == "<>":
            self._writes.append(word)
        elif not redirect:
            inner = word[1:-1]
            braces = word.startswith("{") and word.endswith("}") and "," in inner and not quoted
            self._words += inner.split(",") if braces else [word]

    def _separate(self, char: str) -> None:
        if char == "&" and self._text[self._at + 1 : self._at + 2] == ">":
            self._end_word()
            self._at += 1
            return
        self._end_word()
        following = self._text[self._at + 1 : self._at + 2]
        self._end_command("|" if char == "|" and following != "|" else "")
        self._at += 2 if char in "|&" and following == char else 1
        if char == "\n":
            self._read_documents()
            self._first_on_line = len(self.found)

    def _redirection(self, char: str) -> None:
        if self._text[self._at + 1 : self._at + 2] == "(":
            self._end_word()
            end = self._closing(self._at + 2)
            self._nested(self._text[self._at + 2 : end])
            self._at = end + 1
            return
        if self._word is not None and self._word.isdigit() and not self._quoted:
            self._word = None
        self._end_word()
        match = re.compile(r"<<<|<<-|<<|<>|<&|>>|>\||>&|[<>]").match(self._text, self._at)
        self._redirect = match[0] if match else char
        self._at += len(self._redirect)

    def _read_documents(self) -> None:
        """Read the here-documents announced on the line before; any command of that line may be their reader."""
        for end_mark, indented in self._documents:
            body: list[str] = []
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                if (line.lstrip("\t") if indented else line) == end_mark:
                    break
                body.append(line)
            for index in range(self._first_on_line, len(self.found)):
                command = self.found[index]
                self.found[index] = command._replace(stdin=command.stdin + "\n".join(body))
        self._documents = []

    def _end_command(self, joined_by: str) -> None:
        self._end_word()
        words = self._words
        while words and words[0] in _RESERVED:
            words = words[1:]
        words = self._without_assignments(words)
        printed = ""
        if words or self._writes:
            if words[:1] == ["cd"] and len(words) > 1:
                self._folder = words[-1]
            printed = " ".join(words[1:]) if words and words[0] in {"echo", "printf"} else ""
            self.found.append(Command(words, self._writes, self._stdin + self._piped, self._folder))
        self._words, self._writes, self._stdin = [], [], ""
        self._piped = printed if joined_by == "|" else ""

    def _without_assignments(self, words: list[str]) -> list[str]:
        """Note the assignments in front of a command and leave them out."""
        if words and words[0] in _SETS:
            for word in words[1:]:
                self._assign(word)
            return words
        count = 0
        while count < len(words) and self._assign(words[count]):
            count += 1
        return words[count:]

    def _assign(self, word: str) -> bool:
        match = _ASSIGNMENT.fullmatch(word)
        if match:
            self._variables[match[1]] = match[2]
        return bool(match)


def _decoded(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code[0].isdigit() else _ESCAPES.get(code, code)
