"""How positive or negative a text reads, by the VADER lexicon (Hutto & Gilbert 2014) when it is installed.

VADER knows English. A text in another language, or one without a word of the lexicon, reads as 0 with little
certainty; without the library every text does. Numbers beside a text that rate it (stars, a score) count as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from stratum_core.contracts import JsonValue
from stratum_core.llm.offline._language import english_share, is_steering, sentences, words

__all__ = ["Polarity", "polarity_of_label", "read_polarity"]

_ENGLISH = 0.15
_UNREAD, _PLAIN = 0.45, 0.68
"""Certainty about a text that cannot be read, and about an English one without a word of the lexicon."""
_INTERJECTION = re.compile(
    r"^\W*(?:oh|wow|well|yeah|yay|ah|sure|right|great|thanks|lovely|nice)\b", re.IGNORECASE
)
_LATIN_WORD = re.compile(r"[A-Za-z]{4,}")
_ENDINGS = (("s", ""), ("es", ""), ("ed", ""), ("d", ""), ("ing", ""), ("ing", "e"), ("ly", ""))
_RATING_NAME = re.compile(r"stars?|rating|score", re.IGNORECASE)
_RATING_TOP = 5


class _Analyzer(Protocol):
    """VADER's analyzer."""

    lexicon: Mapping[str, float]

    def polarity_scores(self, text: str) -> Mapping[str, float]:
        """Return `compound` in -1 to 1, and the shares `pos`, `neg` and `neu`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Polarity:
    """How a text reads."""

    score: float
    """-1.0 (negative) to 1.0 (positive)."""
    certainty: float
    """0.0 to 1.0: how much of a basis the score has."""


@cache
def _analyzer() -> _Analyzer | None:
    """Return the analyzer, or None without the library; reading its lexicon takes about 13 ms, once."""
    try:
        module = import_module("vaderSentiment.vaderSentiment")
    except ImportError:
        return None
    return cast("type[_Analyzer]", module.SentimentIntensityAnalyzer)()


def polarity_of_label(label: str) -> float:
    """Return how a label itself reads: `very_negative` below `negative` below `neutral`."""
    analyzer = _analyzer()
    return analyzer.polarity_scores(label.replace("_", " "))["compound"] if analyzer else 0.0


def read_polarity(
    text: str, *, labels: Sequence[str] = (), values: Mapping[str, JsonValue] | None = None
) -> Polarity:
    """Return how a text reads, leaving out sentences that ask for one of `labels`.

    Args:
        text: The text.
        labels: Labels an answer may take.
        values: Input values beside the text, searched for a rating.
    """
    said = " ".join(part for part in sentences(text) if not is_steering(part, labels))
    steered = len(said) < len(" ".join(sentences(text))) or any(map(is_steering, [text]))
    read = _read(said)
    rating = _rating(values or {})
    if rating is not None:
        agree = 1 - abs(rating - read.score) / 2
        read = Polarity(
            score=(read.score + 2 * rating) / 3, certainty=max(read.certainty, 0.5 + 0.45 * agree)
        )
    return Polarity(score=read.score, certainty=read.certainty * (0.85 if steered else 1.0))


def _read(text: str) -> Polarity:
    """Read plain text."""
    analyzer = _analyzer()
    if analyzer is None or not text:
        return Polarity(score=0.0, certainty=_UNREAD)
    if not _is_read(text, analyzer.lexicon):
        return Polarity(score=0.0, certainty=_UNREAD)
    whole = analyzer.polarity_scores(_in_lexicon_forms(text, analyzer.lexicon))
    share = whole["pos"] + whole["neg"]
    if share == 0:
        return Polarity(score=0.0, certainty=_PLAIN)
    # Praise and blame side by side, or praise that opens with an interjection (often irony): less certain.
    mixed = 2 * min(whole["pos"], whole["neg"]) / share
    ironic = 0.3 if whole["compound"] > 0 and _INTERJECTION.search(text) else 0.0
    certainty = 0.6 + 0.4 * abs(whole["compound"]) - 0.35 * mixed - ironic
    return Polarity(score=whole["compound"], certainty=min(0.98, max(0.35, certainty)))


def _is_read(text: str, lexicon: Mapping[str, float]) -> bool:
    """Return whether a text is English, as far as its closed-class or its lexicon words tell."""
    found = words(text)
    known = sum(word in lexicon for word in found)
    return english_share(text) >= _ENGLISH or (known > 0 and known >= len(found) / 3)


def _in_lexicon_forms(text: str, lexicon: Mapping[str, float]) -> str:
    """Write words the lexicon knows only in another form in that form ("leaks" as "leak")."""

    def known(found: re.Match[str]) -> str:
        word = found[0].lower()
        if word in lexicon:
            return found[0]
        bases = (word.removesuffix(ending) + added for ending, added in _ENDINGS if word.endswith(ending))
        return next((base for base in bases if base in lexicon), found[0])

    return _LATIN_WORD.sub(known, text)


def _rating(values: Mapping[str, JsonValue]) -> float | None:
    """Return a rating of 1 to 5 beside the text as -1.0 to 1.0."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            found = _rating(value)
            if found is not None:
                return found
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and _RATING_NAME.fullmatch(name):
            return (min(_RATING_TOP, max(1, value)) - 3) / 2
    return None
