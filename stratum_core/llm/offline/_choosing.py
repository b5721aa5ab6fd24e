"""Choosing one of the labels a schema allows, with how certain the choice is.

Three kinds of label sets are told apart by the labels alone: tones (some read positive, some negative), degrees
(low, high, critical) and topics. Tones follow the text's polarity, degrees its severity; a topic is chosen by the
words the text shares with the label and with what the request says about the label.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stratum_core.contracts import JsonScalar
from stratum_core.llm.offline._language import content_words, words
from stratum_core.llm.offline._polarity import Polarity, polarity_of_label

__all__ = ["Choice", "choose", "severity", "topics"]

_TONE = 0.2
_TONE_SCALE = 0.6
"""Labels read stronger than texts that deserve them; this moves the borders to where texts change sides."""
_DEGREES: Final[Mapping[str, float]] = {
    "none": 0.0, "no": 0.0, "lowest": 0.0, "trivial": 0.0, "minimal": 0.1, "low": 0.2, "minor": 0.2, "p4": 0.15,
    "small": 0.2, "mild": 0.3, "p3": 0.4, "medium": 0.5, "moderate": 0.5, "normal": 0.5, "average": 0.5,
    "p2": 0.65, "high": 0.8, "major": 0.8, "large": 0.8, "strong": 0.8, "p1": 0.9, "severe": 0.9, "urgent": 0.95,
    "p0": 1.0, "highest": 1.0, "critical": 1.0, "extreme": 1.0, "emergency": 1.0,
}  # fmt: skip
_REST: Final = frozenset(
    {"other", "unknown", "general", "none", "misc", "unclear", "neutral", "uncategorized"}
)
_ASKED: Final = frozenset({"question", "inquiry", "enquiry", "query"})
"""Labels that a question mark speaks for, if little else does."""
_CLAUSE = re.compile(r"[.;\n]+")
_LOUD = re.compile(r"!|\b[A-Z]{4,}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A chosen value."""

    value: JsonScalar
    certainty: float
    """0.0 to 1.0."""


def choose(values: Sequence[JsonScalar], text: str, said: str, polarity: Polarity) -> Choice:
    """Choose the value that fits a text best.

    Args:
        values: What the schema allows, at least one.
        text: The text to judge.
        said: Everything the request says in its own words: intent, context, the field's name and description.
        polarity: How the text reads.
    """
    labels = [value for value in values if isinstance(value, str)]
    if not labels:
        return _by_rank(list(values), (polarity.score + 1) / 2, polarity.certainty)
    tones = {label: polarity_of_label(label) for label in labels}
    if max(tones.values()) >= _TONE and min(tones.values()) <= -_TONE:
        return _by_tone(tones, polarity)
    degrees = {label: _DEGREES[label.lower()] for label in labels if label.lower() in _DEGREES}
    if len(degrees) == len(labels) > 1:
        return _by_rank(
            sorted(degrees, key=degrees.__getitem__), severity(text, polarity), polarity.certainty
        )
    return _by_topic(labels, text, said)


def severity(text: str, polarity: Polarity) -> float:
    """Return how serious a text sounds, 0.0 to 1.0: blame, loudness, and degree words it uses itself."""
    named = max((_DEGREES.get(word, 0.0) for word in words(text)), default=0.0)
    loud = min(0.2, 0.1 * len(_LOUD.findall(text)))
    return min(1.0, max(0.3 - 0.3 * polarity.score + loud, named if named > 0.5 else 0.0))  # noqa: PLR2004


def topics(labels: Sequence[str], text: str, said: str) -> dict[str, float]:
    """Return for each label how much the text shares with it."""
    profiles = {label: _profile(label, said, labels) for label in labels}
    found = set(content_words(text))
    scores: dict[str, float] = {}
    for label, (own, told) in profiles.items():
        elsewhere = {stem for name, (_, other) in profiles.items() if name != label for stem in other}
        scores[label] = 2.0 * len(own & found) + len((told - elsewhere - own) & found)
        if "?" in text and label.lower() in _ASKED:
            scores[label] += 0.5
    return scores


def _by_tone(tones: Mapping[str, float], polarity: Polarity) -> Choice:
    """Choose the label whose own tone is nearest to the text's."""
    gaps = sorted((abs(_TONE_SCALE * tone - polarity.score), label) for label, tone in tones.items())
    margin = min(0.4, gaps[1][0] - gaps[0][0])
    return Choice(value=gaps[0][1], certainty=polarity.certainty * (0.6 + margin))


def _by_rank(ordered: Sequence[JsonScalar], level: float, certainty: float) -> Choice:
    """Choose by position on an ordered scale."""
    index = min(len(ordered) - 1, int(level * len(ordered)))
    return Choice(value=ordered[index], certainty=certainty * 0.9)


def _by_topic(labels: Sequence[str], text: str, said: str) -> Choice:
    """Choose the label that shares most with the text; without any, the one that means "the rest"."""
    scores = topics(labels, text, said)
    ranked = sorted(labels, key=lambda label: -scores[label])
    best = scores[ranked[0]]
    if best <= 0:
        rest = next((label for label in labels if label.lower() in _REST), labels[0])
        return Choice(value=rest, certainty=0.4)
    second = scores[ranked[1]] if len(ranked) > 1 else 0.0
    return Choice(value=ranked[0], certainty=0.55 + 0.4 * (best - second) / (best + 1))


def _profile(label: str, said: str, labels: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the stems of a label and those of the clauses that speak of it and of no other label."""
    own = set(content_words(label)) or set(words(label))
    told: set[str] = set()
    others = [name for name in labels if name != label]
    for clause in _CLAUSE.split(said):
        if _names(clause, label) and not any(_names(clause, name) for name in others):
            told.update(content_words(clause))
    return own, told


def _names(clause: str, label: str) -> bool:
    """Return whether a clause names a label."""
    return re.search(
        rf"(?<!\w){re.escape(label)}(?!\w)", clause.replace("_", " "), re.IGNORECASE
    ) is not None or (label in clause)
