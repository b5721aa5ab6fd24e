"""Texts the offline model writes: extracts, reasons and replies, made of what the request holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from stratum_core.llm.offline._language import clip, content_words, keywords, sentences, summary
from stratum_core.llm.offline._patterns import matches
from stratum_core.llm.offline._polarity import Polarity, read_polarity
from stratum_core.llm.offline._reading import Material

__all__ = ["find_date", "find_number", "find_token", "fit_pattern", "write_text"]

_QUOTE_CHARS = 140
_PURPOSES = (
    ("reason", re.compile(r"reason|rational|explan|explain|justif|why", re.IGNORECASE)),
    ("quote", re.compile(r"quot|excerpt|snippet|evidence", re.IGNORECASE)),
    ("title", re.compile(r"title|subject|headline|topic|name", re.IGNORECASE)),
    ("summary", re.compile(r"summar|abstract|gist|overview|digest|highlight|tl.?dr", re.IGNORECASE)),
    ("reply", re.compile(r"repl|respon|answer|message|draft|letter|email|apolog", re.IGNORECASE)),
)
_INTENT_REPLY = re.compile(r"\b(?:draft|write|compose|reply|respond|answer)\b", re.IGNORECASE)
_INTENT_SUMMARY = re.compile(r"\b(?:summari[sz]e|condense|shorten|recap)\b", re.IGNORECASE)
_TOKENS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "url": re.compile(r"https?://[^\s<>\"')]+"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,}\d"),
}
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)?(?![\w])")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_WORDED_DATE = re.compile(
    r"\b(\d{1,2})\.? ([A-Z][a-z]{2,8})\.?,? (\d{4})\b"
    r"|\b([A-Z][a-z]{2,8}) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b"
)
_PATTERN_TRIES = (
    "A-1",
    "AB-12",
    "ABC-123",
    "abc",
    "ABC",
    "Abc",
    "a",
    "A",
    "1",
    "12",
    "123",
    "1234",
    "12345",
    "a1",
)
_TRIES = 40


def write_text(name: str, described: str, material: Material, polarity: Polarity, decided: str) -> str:
    """Return a text for a field.

    Args:
        name: The field's name.
        described: Its description.
        material: The request.
        polarity: How its subject reads.
        decided: What other fields of the same record already say, e.g. `label is negative`.
    """
    subject = material.subject
    purpose = next((kind for kind, hint in _PURPOSES if hint.search(name)), "") or _purpose_by_intent(
        material
    )
    if material.side:
        return _point(material)
    best = _best_sentence(subject, f"{name} {described}")
    match purpose:
        case "reason":
            return _reason(best, decided)
        case "quote":
            return best or "Nothing is said."
        case "title":
            return clip(best, 60).rstrip(".!?") or "Untitled"
        case "reply":
            return _reply(subject, polarity)
        case "summary":
            return summary(subject, 2) or "Nothing is said."
        case _:
            return best or "Nothing is said."


def find_date(material: Material) -> str | None:
    """Return the first calendar date in the texts as ISO 8601, or None."""
    for text in material.texts:
        iso = _ISO_DATE.search(text)
        if iso is not None and _as_date(iso[0], "%Y-%m-%d"):
            return iso[0]
        worded = _WORDED_DATE.search(text)
        if worded is not None:
            parts = (worded[1], worded[2], worded[3]) if worded[1] else (worded[5], worded[4], worded[6])
            found = _as_date(" ".join(parts), "%d %B %Y") or _as_date(" ".join(parts), "%d %b %Y")
            if found:
                return found
    return None


def find_number(name: str, material: Material) -> float | None:
    """Return the number nearest to a mention of the field's name, else the first number, else None."""
    wanted = set(content_words(name))
    numbers: list[tuple[int, float]] = []
    for text in material.texts:
        for sentence in sentences(text):
            shared = len(wanted & set(content_words(sentence)))
            numbers.extend(
                (-shared, float(found[0].replace(",", "."))) for found in _NUMBER.finditer(sentence)
            )
    return min(numbers, key=lambda entry: entry[0])[1] if numbers else None


def find_token(name: str, material: Material) -> str | None:
    """Return the email address, link or phone number a field's name asks for, or None."""
    for kind, shape in _TOKENS.items():
        if kind in name.lower():
            return next((found[0] for text in material.texts if (found := shape.search(text))), None)
    return None


def fit_pattern(text: str, pattern: str, material: Material) -> str:
    """Return a text that matches a regular expression: the given one, a word of the request, or a plain sample."""
    tokens = [token.strip(".,;:!?()\"'") for part in (*material.texts, text) for token in part.split()]
    slug = "-".join(content_words(text)[:3]) or "text"
    tries = [text, *tokens[:_TRIES], slug, slug.upper(), *_PATTERN_TRIES]
    return next((found for found in tries if matches(pattern, found)), text)


def _purpose_by_intent(material: Material) -> str:
    """Return what a field without a telling name is for, from what the function is for."""
    intent = material.instruction.partition("\n")[0]
    if _INTENT_REPLY.search(intent):
        return "reply"
    return "summary" if _INTENT_SUMMARY.search(intent) else ""


def _point(material: Material) -> str:
    """Return the sentence that speaks most for the side to be taken; one that was not said yet, where there is any."""
    topic, *said = material.texts or ("",)
    sign = 1 if material.side == "for" else -1
    ranked = sorted(sentences(topic), key=lambda one: -sign * read_polarity(one).score)
    new = [one for one in ranked if not any(one in other for other in said)]
    return next(iter(new or ranked), "Nothing is said.")


def _best_sentence(subject: str, asked: str) -> str:
    """Return the sentence that shares most with what is asked, else the first."""
    parts = sentences(subject)
    if not parts:
        return ""
    wanted = set(content_words(asked))
    best = max(range(len(parts)), key=lambda index: (len(wanted & set(content_words(parts[index]))), -index))
    return clip(parts[best], _QUOTE_CHARS)


def _reason(best: str, decided: str) -> str:
    """Return a reason for what was decided."""
    if not best:
        return "The text says nothing that could be judged."
    return f'The text says "{best}"' + (f", so {decided}." if decided else ".")


def _reply(subject: str, polarity: Polarity) -> str:
    """Return a polite reply that takes up what the text says."""
    quote = clip(next(iter(sentences(subject)), ""), _QUOTE_CHARS)
    about = " and ".join(keywords(quote, 2)) or "your message"
    if polarity.score > 0.2:  # noqa: PLR2004 - clearly positive
        return (
            f'Thank you for writing to us. It is good to read that "{quote}" We will pass it on to the team.'
        )
    if polarity.score < -0.1:  # noqa: PLR2004 - leaning negative
        return (
            f'Thank you for telling us, and we are sorry about this. You wrote: "{quote}" That is not the standard '
            f"we want to meet. Please reply with your order details, so that we can look into the {about} with you "
            "and suggest a next step."
        )
    return (
        f'Thank you for your message. You wrote: "{quote}" Could you tell us a little more about the {about}, '
        "so that we can help you better?"
    )


def _as_date(text: str, form: str) -> str:
    """Return a date in ISO 8601, or nothing when it is none."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        return ""
