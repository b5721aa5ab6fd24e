"""Words and sentences: the small text operations the offline model is made of.

Only closed-class words are listed (articles, pronouns, auxiliaries); what a word means comes from the lexicon in
`_polarity` or from the request itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

__all__ = [
    "clip",
    "content_words",
    "english_share",
    "is_steering",
    "keywords",
    "sentences",
    "summary",
    "words",
]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'\u201d\u2019)]*\s+|\n+|(?<=[\u3002\uff01\uff1f])")
_FUNCTION_WORDS: Final = frozenset({
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "both", "but", "by", "can", "could", "did", "do", "does",
    "doing", "don", "down", "each", "few", "for", "from", "had", "has", "have", "having", "he", "her",
    "here", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "itself", "just", "me",
    "more", "most", "my", "no", "nor", "not", "now", "of", "off", "on", "once", "one", "only", "or",
    "other", "our", "out", "over", "own", "same", "she", "should", "so", "some", "such", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "through",
    "to", "too", "under", "until", "up", "very", "was", "we", "were", "what", "when", "where", "which",
    "while", "who", "whom", "why", "will", "with", "would", "you", "your", "yours",
})  # fmt: skip
_STEERING = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b(?:instruction|prompt|rule|previous|above|earlier|system)"
    r"|\b(?:you are now|as an ai|system prompt|developer mode)\b"
    r"|^\W*(?:system|assistant|user|developer)\s*:",
    re.IGNORECASE | re.DOTALL,
)
_ASKING = re.compile(
    r"\b(?:mark|label|classify|rate|set|output|return|answer|respond|treat)\b", re.IGNORECASE
)
_STEM_CHARS = 5
_MIN_WORD_CHARS = 3


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [word.lower() for word in _WORD.findall(text.replace("_", " "))]


def content_words(text: str) -> list[str]:
    """Return stems of the words that carry meaning: lower case, without closed-class words, cut to five letters.

    Cutting is a crude stemmer that works alike in most European languages ("invoice", "invoices", "invoicing").
    """
    return [
        word[:_STEM_CHARS]
        for word in words(text)
        if len(word) >= _MIN_WORD_CHARS and word not in _FUNCTION_WORDS
    ]


def english_share(text: str) -> float:
    """Return the share of closed-class English words, about 0.3 to 0.6 in English prose and near 0 elsewhere."""
    found = words(text)
    return sum(word in _FUNCTION_WORDS for word in found) / len(found) if found else 0.0


def sentences(text: str) -> list[str]:
    """Return the sentences of a text without those that try to steer the reader (see `is_steering`).

    A text that does nothing but steer has none.
    """
    parts = [part.strip() for part in _SENTENCE_END.split(text)]
    return [part for part in parts if part and not is_steering(part)]


def is_steering(sentence: str, labels: Iterable[str] = ()) -> bool:
    """Return whether a sentence speaks to a model rather than about its subject.

    With `labels` also when it asks for one of them ("classify this as positive").
    """
    if _STEERING.search(sentence):
        return True
    found = set(words(sentence))
    wanted = {label.lower() for label in labels}
    return bool(_ASKING.search(sentence) and wanted & found)


def keywords(text: str, count: int) -> list[str]:
    """Return the words that occur most, in order of first appearance among equals."""
    stems: dict[str, str] = {}
    for word in words(text):
        if len(word) >= _MIN_WORD_CHARS and word not in _FUNCTION_WORDS:
            stems.setdefault(word[:_STEM_CHARS], word)
    ranked = Counter(content_words(text)).most_common(count)
    return [stems[stem] for stem, _ in ranked]


def summary(text: str, count: int) -> str:
    """Return the sentences that share most words with the whole text, in their order."""
    parts = sentences(text)
    weight = Counter(content_words(text))
    ranked = sorted(
        range(len(parts)),
        key=lambda index: (-sum(weight[stem] for stem in set(content_words(parts[index]))), index),
    )
    return " ".join(parts[index] for index in sorted(ranked[:count]))


def clip(text: str, limit: int) -> str:
    """Return at most `limit` characters, cut at a word with an ellipsis where there is room."""
    if len(text) <= limit:
        return text
    if limit <= 1:
        return text[:limit]
    cut = text[: limit - 1]
    shorter = cut.rsplit(maxsplit=1)[0] if " " in cut[limit // 2 :] else cut
    return shorter.rstrip(" ,;:-") + "…"
