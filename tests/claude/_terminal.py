"""Drives the client's terminal interface in a private tmux server: what a person sees and presses.

Nothing here sleeps. tmux copies all output of the pane into a named pipe, so each wait looks at the screen,
then blocks until there is new output, and looks again. The client ignores keys for a moment after it opens
a dialog, so a key is pressed again while the screen shows that it did nothing; `Terminal.press` therefore
takes what the key is to bring about.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.claude._client import ClaudeCode

_WIDTH, _HEIGHT = 110, 50
_PERMISSION = re.compile(r"Do you want to")
_ELICITATION = re.compile(r"requests your input")
_OFFER = "Make auto mode your default permission mode?"
_IDLE = re.compile(r"(?m)^❯\s*$")
_OPTIONS = {"yes": r"(\d)\. Yes$", "always": r"(\d)\. Yes, ", "no": r"(\d)\. No\b"}
_KEY_TAKES_S = 2.0
"""How long a key may take to show on the screen before it is pressed again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the options of a field."""

    option: str


class Terminal:
    """`with Terminal(claude, api.url, folder=tmp_path) as terminal:` runs the client until the block ends."""

    def __init__(
        self,
        claude: ClaudeCode,
        api_url: str,
        *,
        folder: Path,
        arguments: Iterable[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = folder / "tmux"
        pipe = folder / "output"
        os.mkfifo(pipe)
        self._output = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        variables = claude.environment(api_url, env or {})
        command = shlex.join(["env", "-i", *(f"{key}={value}" for key, value in variables.items())])
        command += f" {shlex.join([str(claude.binary), *arguments])}; echo CLIENT ENDED $?; read -r _"
        size = ["-x", str(_WIDTH), "-y", str(_HEIGHT)]
        self._tmux("-f", os.devnull, "new-session", "-d", *size, "-c", str(claude.project), command)
        self._tmux("pipe-pane", f"exec cat > {shlex.quote(str(pipe))}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server")
        os.close(self._output)

    # --- looking -------------------------------------------------------------------------------------------

    def screen(self, *, history: bool = False) -> str:
        """Return the text on the screen, with all that scrolled off it when `history` is asked for.

        No-break spaces, which the client draws after its prompt, are given as spaces.
        """
        shown = self._tmux("capture-pane", "-p", *(("-S", "-") if history else ()))
        return "\n".join(line.rstrip() for line in shown.replace("\xa0", " ").splitlines()).rstrip()

    def wait_until(self, holds: Callable[[str], bool], *, timeout_s: float = 30, what: str = "") -> str:
        """Return the first screen for which `holds` is true.

        Raises:
            TimeoutError: There was none in `timeout_s`; the message shows the last screen.
        """
        deadline = time.monotonic() + timeout_s
        while not holds(screen := self.screen()):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"not on the screen within {timeout_s} s: {what or holds}\n{screen}")
            if select.select([self._output], [], [], left_s)[0]:
                os.read(self._output, 1 << 16)
        return screen

    def wait_for(self, pattern: str | re.Pattern[str], *, timeout_s: float = 30) -> str:
        """Return the first screen on which `pattern` is found.

        Raises:
            TimeoutError: It was not found in `timeout_s`.
        """
        regex = re.compile(pattern)
        return self.wait_until(
            lambda screen: bool(regex.search(screen)), timeout_s=timeout_s, what=regex.pattern
        )

    def ready(self) -> str:
        """Wait until the prompt box is open; what the client offers when it is started again is turned down."""
        screen = self.wait_until(lambda screen: bool(_IDLE.search(screen) or _OFFER in screen), what="ready")
        if _OFFER in screen:
            self.press("Escape", lambda screen: _OFFER not in screen)
        return self.wait_for(_IDLE)

    # --- acting --------------------------------------------------------------------------------------------

    def press(self, key: str, until: Callable[[str], bool], *, times: int = 10) -> str:
        """Press a key (a tmux key name) until the screen shows its effect; return that screen.

        Raises:
            TimeoutError: The effect did not show after `times` presses.
        """
        for left in reversed(range(times)):
            self._tmux("send-keys", key)
            try:
                return self.wait_until(until, timeout_s=_KEY_TAKES_S, what=f"effect of {key}")
            except TimeoutError:
                if not left:
                    raise
        raise ValueError(f"a key is pressed at least once, not {times} times")

    def say(self, text: str) -> None:
        """Type into the prompt box and send it; `text` is short enough for one line."""
        self.ready()
        self._tmux("send-keys", "-l", text)
        self.wait_until(lambda screen: f"❯ {text}" in _below_rule(screen, 2), what=f"typed: {text}")
        self.press("Enter", lambda screen: f"❯ {text}" not in _below_rule(screen, 2))

    def permission(self, answer: Literal["yes", "always", "no"] = "yes") -> str:
        """Answer the next permission dialog; return the screen as the person saw it."""
        seen = self.wait_for(_PERMISSION)
        option = re.search(_OPTIONS[answer], seen, re.MULTILINE)
        assert option, f"the dialog has no {answer!r}:\n{seen}"
        self.press(option[1], lambda screen: _gone(seen, screen))
        return seen

    def form(self, action: Literal["accept", "decline", "cancel"], **fields: bool | str | Choice) -> str:
        """Fill and end the next elicitation form; return the screen as the person saw it before any key.

        `fields` maps titles, spaces as underscores, to a tick (bool), a text or a choice, in the order of the
        form. A field not named is left alone.
        """
        seen = self.wait_for(re.compile(_ELICITATION.pattern + r"(.|\n)*Accept +Decline"))
        if action == "cancel":
            self.press("Escape", lambda screen: _gone(seen, screen))
            return seen
        for title, value in fields.items():
            self._fill(title.replace("_", " "), value)
        self._move_to("❯ Accept")
        if action == "decline":
            self.press("Right", lambda screen: "❯ Decline" in _dialog(screen))
        before = self.screen()
        self.press("Enter", lambda screen: _gone(before, screen))
        return seen

    def _fill(self, name: str, value: bool | str | Choice) -> None:
        """Move the cursor to a field and give it a value."""
        self._move_to(name)
        if isinstance(value, Choice):
            self._choose(value)
            return
        if isinstance(value, str):
            self._tmux("send-keys", "-l", value)
            self.wait_until(lambda screen: value in _cursor(screen), what=f"typed: {value}")
        else:
            self.press("Space", lambda screen: _ticked(_cursor(screen)) is value)

    def _choose(self, choice: Choice) -> None:
        """Open the list of the field under the cursor and take one of its options."""
        screen = self.press("Right", lambda screen: "Space to select" in screen)
        option = re.compile(rf"(?m)^\s*❯ ◯ {re.escape(choice.option)}$")
        while not option.search(screen):
            before = _dialog(screen)
            screen = self.press("Down", lambda screen, before=before: _dialog(screen) != before)
        self.press("Space", lambda screen: f"▸ {choice.option}" in _cursor(screen))

    def _move_to(self, text: str) -> None:
        """Press Down until the line under the cursor holds `text`.

        Raises:
            LookupError: The cursor came back to where it was.
        """
        start = line = _cursor(self.screen())
        while text not in line:
            line = _cursor(self.press("Down", lambda screen, line=line: _cursor(screen) not in ("", line)))
            if line == start:
                raise LookupError(f"the form has no {text!r}:\n{self.screen()}")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _below_rule(screen: str, count: int) -> str:
    """Return what stands below the last `count` full-width rules."""
    return "\n".join(re.split(r"(?m)^─{20,}$", screen)[-count:])


def _dialog(screen: str) -> str:
    """Return the open dialog, or what stands below the prompt box."""
    return _below_rule(screen, 1)


def _gone(before: str, now: str) -> bool:
    """Tell whether the dialog of an earlier screen is no longer there, wherever its cursor has gone.

    A key that comes too early makes the client move the cursor to "No", which is not an answer.
    """
    return _dialog(now).replace("❯", " ") != _dialog(before).replace("❯", " ")


def _cursor(screen: str) -> str:
    """Return the line of the dialog the cursor is on."""
    return next((line for line in _dialog(screen).splitlines() if re.match(r"\s*❯", line)), "")


def _ticked(line: str) -> bool | None:
    """Return the state of a tick box: None before the person touched it."""
    if "☒" in line:
        return True
    return False if "✔" in line else None
