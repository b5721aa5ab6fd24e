"""The words about one function: which parts of it are others, and how its calls moved.

Made from hashes and figures by general rules. No text of a prompt, an input or an answer is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stratum_core.contracts import JsonValue
from stratum_core.counts import counted
from stratum_core.drift._compare import FunctionDrift, Side
from stratum_core.drift._definitions import PartName
from stratum_core.drift._figures import Figures
from stratum_core.money import format_usd

__all__ = ["facts", "leading", "sentence", "shown"]

_NAMES: Mapping[PartName, str] = {
    "contract": "contract",
    "inputs": "inputs",
    "conditions": "conditions",
    "intent": "intent",
    "template": "prompt template",
    "model": "model",
    "fallbacks": "models that stand in",
    "schema": "schema as sent",
    "temperature": "temperature",
    "max_tokens": "most tokens of an answer",
    "retries": "contract retries allowed",
    "cache": "cache",
    "stable": "stable",
    "quorum": "votes",
    "refine": "refine",
    "budget": "budget",
    "expression": "expression",
    "code": "registered code",
    "requests": "requests for equal inputs",
    "answered_by": "answered by",
}
_HASHED: frozenset[PartName] = frozenset(
    {
        "contract",
        "inputs",
        "conditions",
        "intent",
        "template",
        "schema",
        "refine",
        "expression",
        "code",
        "requests",
    }
)
"""Parts whose value is a hash, which says nothing in a sentence."""
_FOLLOWS: Mapping[PartName, frozenset[PartName]] = {
    "template": frozenset({"intent", "contract", "inputs"}),
    "schema": frozenset({"contract", "model", "fallbacks"}),
    "max_tokens": frozenset({"contract"}),
    "answered_by": frozenset({"model", "fallbacks"}),
}
"""Parts that change along with others: a sentence names only what came first."""
_CAUSES: Mapping[str, str] = {
    "rejected": "contract broken",
    "cut_off": "cut off at the output limit",
    "refused": "refused",
    "lost": "lost in a crash",
    "given_up": "given up",
    "not_converged": "not converged",
    "no_agreement": "no agreement",
    "not_judged": "not judged",
}
_ALL = 100


def sentence(each: FunctionDrift, first: Side, second: Side) -> str:
    """Return how a function changed from one run to the other, and how its calls moved."""
    if each.in_both:
        moved = _moved(each, (first.simulated, second.simulated)) if each.asks else ()
        return f"{each.function}: {'; '.join((_definition(each), *moved))}"
    alone, figures = (first, each.first_figures) if each.second is None else (second, each.second_figures)
    named = f"; the other run has it as {each.also_named}" if each.also_named else ""
    asked = f"; {counted(figures.calls, 'call')}" if each.asks else ""
    return f"{each.function}: only in {alone.run_id}{named}{asked}"


def facts(each: FunctionDrift, first: Side, second: Side) -> tuple[tuple[str, str, str], ...]:
    """Return each part and figure of a function that differs: its name, what it was, what it is."""
    if not each.in_both:
        return ()
    rows = [(_NAMES[part], *_was_and_is(each, part)) for part in each.changed]
    if each.asks:
        before = _figure_rows(each.first_figures, simulated=first.simulated)
        after = _figure_rows(each.second_figures, simulated=second.simulated)
        rows += [(name, told, after[name]) for name, told in before.items() if told != after[name]]
    return tuple(rows)


def leading(each: FunctionDrift) -> list[str]:
    """Return the names of the parts that changed on their own account."""
    return [_NAMES[part] for part in _leading(each)]


def shown(value: JsonValue) -> str:
    """Return the value of a part or an option as a person reads it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)


def _was_and_is(each: FunctionDrift, part: PartName) -> tuple[str, str]:
    was, now = each.values(part)
    return shown(was), shown(now)


def _leading(each: FunctionDrift) -> list[PartName]:
    changed = {*each.changed}
    return [part for part in each.changed if not changed & _FOLLOWS.get(part, frozenset())]


def _definition(each: FunctionDrift) -> str:
    """Return which parts are others; the contract always, because it is what answers are held to."""
    if not each.changed:
        return "same contract, prompt, model and schema" if each.asks else "unchanged"
    said = [] if "contract" in each.changed else ["same contract"]
    for part in _leading(each):
        was, now = _was_and_is(each, part)
        if part in _HASHED:
            said.append(f"other {_NAMES[part]}")
        elif part == "model":
            said.append(f"other model ({was} -> {now})")
        else:
            said.append(f"{_NAMES[part]} {now}, was {was}")
    return ", ".join(said)


def _moved(each: FunctionDrift, simulated: tuple[bool, bool]) -> Iterator[str]:
    """Yield how the calls of a function moved, the share of right answers first."""
    was, now = each.first_figures, each.second_figures
    if not (was.calls or now.calls):
        yield "every answer was reused" if was.reused or now.reused else "no model was asked"
        return
    yield _right_words(was, now)
    if was.retries != now.retries:
        yield f"{_retries(now)}, was {_total(was.retries) or 'none'}"
    if now.unanswered or was.unanswered:
        yield _unanswered_words(was, now)
    before, after = _tokens(was), _tokens(now)
    if before != after:
        yield f"{after} tokens a call, was {before}"
    yield _money_words(was, now, simulated)


def _right_words(was: Figures, now: Figures) -> str:
    if not was.answered or not now.answered:
        return f"{_right(was)} before, {_right(now)} now"
    if _percent(was) == _percent(now):
        return f"{_right(now)}, as before"
    return f"{_right(was)} before, {_share(now)} now"


def _right(figures: Figures) -> str:
    return f"{_share(figures)} right at the first try" if figures.answered else _share(figures)


def _share(figures: Figures) -> str:
    return f"{_percent(figures)} of {figures.answered:,}" if figures.answered else "no answer"


def _percent(figures: Figures) -> str:
    """Return the share of first answers that were accepted; all and none are said only where they are."""
    right, answered = figures.right_at_first, figures.answered
    share = round(_ALL * right / answered)
    return f"{share if right in {0, answered} else min(max(share, 1), _ALL - 1)} %"


def _retries(figures: Figures) -> str:
    if not figures.retries:
        return "no retries"
    word = "retry" if sum(figures.retries.values()) == 1 else "retries"
    return _total(figures.retries, word)


def _unanswered_words(was: Figures, now: Figures) -> str:
    before, after = _causes_total(was), _causes_total(now)
    if not after:
        return f"every call answered, was {before} without an answer"
    tail = "as before" if before == after else f"was {before or 'none'}"
    return f"{after} without an answer, {tail}"


def _causes_total(figures: Figures) -> str:
    return _total(_causes(figures.unanswered), "call" if sum(figures.unanswered.values()) == 1 else "calls")


def _causes(unanswered: Mapping[str, int]) -> dict[str, int]:
    """Return what calls ended in, in words."""
    return {_CAUSES.get(cause, cause.replace("_", " ")): count for cause, count in unanswered.items()}


def _total(counts: Mapping[str, int], word: str = "") -> str:
    """Return a sum with its parts; empty when there is nothing to count."""
    total = f"{sum(counts.values()):,} {word}".rstrip()
    return f"{total} ({_counts(counts)})" if counts else ""


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _tokens(figures: Figures) -> str:
    return f"{_each(figures.tokens, figures.calls):,}"


def _money_words(was: Figures, now: Figures, simulated: tuple[bool, bool]) -> str:
    before, after = (format_usd(_each(figures.nusd, figures.calls)) for figures in (was, now))
    mark_before, mark_after = (" (simulated)" if each else "" for each in simulated)
    if simulated[0] != simulated[1]:
        return f"{after} a call{mark_after}, was {before}{mark_before}"
    return f"{after} a call{' as before' if before == after else f', was {before}'}{mark_after}"


def _figure_rows(figures: Figures, *, simulated: bool) -> dict[str, str]:
    """Return every figure of a function by its name."""
    mark = " (simulated)" if simulated else ""
    return {
        "calls": f"{figures.calls:,}",
        "calls under way": f"{figures.under_way:,}",
        "answers reused": f"{figures.reused:,}",
        "requests": f"{figures.requests:,}",
        "right at the first try": _share(figures),
        "retries": _counts(figures.retries) or "none",
        "without an answer": _counts(_causes(figures.unanswered)) or "none",
        "tokens in": f"{figures.input_tokens:,}",
        "tokens out": f"{figures.output_tokens:,}",
        "tokens a call": _tokens(figures),
        "cost": format_usd(figures.nusd) + mark,
        "cost a call": format_usd(_each(figures.nusd, figures.calls)) + mark,
    }


def _each(amount: int, calls: int) -> int:
    """Return an amount by call, rounded up."""
    return -(-amount // calls) if calls else 0
