"""Scenes of a conversation: what the person saw on their terminal, kept on docs/conversations.md.

A test gives the screens it saw to `Scenes`, which compares them with the page when the test ends. `make screens` writes
them there instead. What differs from run to run is taken out: the client's banner and spinner, ids, folders. Figures
and hashes are not compared, because prices change; the tests state those that matter.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Self

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from types import TracebackType

    from tests.claude._client import ClaudeCode

__all__ = ["PAGE", "Scenes"]

PAGE = ROOT / "docs" / "conversations.md"
_WRITING = os.environ.get("STRATUM_WRITE_SCREENS") == "1"
_SHOP = "~/shop"
_RULE = re.compile(r"─{20,}")
_SPINNER = re.compile(r"^ *[·✢✳✶✻✽*] .*(… \(| for \d).*$", re.MULTILINE)
_CALLING = re.compile(r"^[● ] (Calling [^\s…]+)[^…\n]*….*$", re.MULTILINE)
_OWN_PROGRESS = re.compile(r"^ *⎿ +Fulfilling input required.*$", re.MULTILINE)
_FOOTER = re.compile(r"^ *(⏸|⏵|\? for shortcuts|◐|Esc to cancel).*$|^.*/effort$", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")
_ID = re.compile(r"\b(plan|run)_[0-9a-f]{12}\b")
_HASH = re.compile(r"\b[0-9a-f]{12,16}\b")
_CUT_OFF = re.compile(r"[,;]\s+\d+\s+(calls?\s+)?possibly\s+paid(,\s+counted\s+at\s+their\s+worst\s+case)?")
_NUMBER = re.compile(r"\d[\d.,]*")
_CUT_FOLDER = re.compile(r"(commands in )/.*$", re.MULTILINE)


class Scenes:
    """`with Scenes("declined", claude) as scenes:` keeps the screens of one part of the page."""

    def __init__(self, part: str, claude: ClaudeCode) -> None:
        """Begin a part, which stands between two marks on the page."""
        self._start = f"<!-- screens: {part} -->\n"
        self._folder = _broken_anywhere(str(claude.project))
        self._ids: dict[str, str] = {}
        self._shown: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._keep()

    def add(self, caption: str, screen: str, *, since: str = "❯ ") -> None:
        """Show a screen under a line that says what happens there, from the last line that begins with `since` on."""
        at = screen.rfind(f"\n{since}")
        assert at >= 0, f"no line begins with {since!r}:\n{screen}"
        self._shown.append(f"{caption}\n\n```text\n{self._tidy(screen[at + 1 :])}\n```\n")

    def _keep(self) -> None:
        page = PAGE.read_text("utf-8")
        head, start, rest = page.partition(self._start)
        assert start, f"docs/conversations.md has no {self._start}"
        there, end, tail = rest.partition("<!-- end -->")
        made = "\n" + "\n".join(self._shown) + "\n"
        if _WRITING:
            PAGE.write_text(f"{head}{start}{made}{end}{tail}", "utf-8")
        else:
            assert _compared(there) == _compared(made), f"look at this, then run `make screens`:\n{made}"

    def _tidy(self, screen: str) -> str:
        """Return a screen without what is only true of this run."""
        text = _OWN_PROGRESS.sub("", _SPINNER.sub("", screen))
        text = _CALLING.sub(r"● \1…", self._folder.sub(_SHOP, _FOOTER.sub("", text)))
        text = _CUT_FOLDER.sub(rf"\1{_SHOP}", text)
        text = _ID.sub(lambda found: self._numbered(found[1], found[0]), text)
        text = "\n".join(line.rstrip() for line in text.splitlines())
        said, *dialog = _RULE.split(text)
        asked = f"{'─' * 90}{dialog[0]}" if len(dialog) == 1 else ""
        return _BLANKS.sub("\n\n", said + asked).strip("\n")

    def _numbered(self, kind: str, found: str) -> str:
        """Return the same id for the same thing, of the same length."""
        number = 1 + sum(name.startswith(kind) for name in self._ids)
        return self._ids.setdefault(found, f"{kind}_{number:012x}")


def _broken_anywhere(text: str) -> re.Pattern[str]:
    """Return a pattern for a text that the terminal may have broken over lines."""
    return re.compile(r"\s*".join(map(re.escape, text)))


def _compared(text: str) -> str:
    """Return what two scenes must have in common: every word, in order, but for what was under way just then."""
    text = _CUT_OFF.sub("", re.sub(r"(?m)^● Calling .*$", "", text))
    return re.sub(r"\s+|─", "", _NUMBER.sub("0", _HASH.sub("0", text)))
