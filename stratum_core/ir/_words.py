"""Spelling help: the word a writer most likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = ["KEY_ALIASES", "did_you_mean", "listed", "meant_key", "nearest"]

KEY_ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("intent",),
    "instruction": ("intent",),
    "task": ("intent",),
    "goal": ("intent",),
    "question": ("intent",),
    "system": ("context",),
    "instructions": ("context",),
    "rules": ("context",),
    "depends_on": ("after",),
    "dependsOn": ("after",),
    "depends": ("after",),
    "needs": ("after",),
    "requires": ("after", "given"),
    "if": ("when",),
    "condition": ("when",),
    "foreach": ("for_each",),
    "forEach": ("for_each",),
    "map": ("for_each",),
    "loop": ("for_each",),
    "for": ("for_each",),
    "max_concurrency": ("concurrency",),
    "parallelism": ("concurrency",),
    "outputs": ("output", "return"),
    "result": ("return",),
    "returns": ("return", "output"),
    "return_type": ("output",),
    "output_type": ("output",),
    "output_schema": ("output",),
    "input_schema": ("input",),
    "params": ("inputs", "input"),
    "parameters": ("inputs", "input"),
    "args": ("inputs", "input"),
    "arguments": ("inputs", "input"),
    "with": ("inputs",),
    "input": ("inputs",),
    "inputs": ("input",),
    "max_retries": ("retries",),
    "maxRetries": ("retries",),
    "retry": ("retries",),
    "postconditions": ("ensure",),
    "ensures": ("ensure",),
    "assert": ("ensure",),
    "preconditions": ("given",),
    "minimum": ("min",),
    "maximum": ("max",),
    "ge": ("min",),
    "le": ("max",),
    "minLength": ("min_length",),
    "maxLength": ("max_length",),
    "min_items": ("min_length",),
    "max_items": ("max_length",),
    "minItems": ("min_length",),
    "maxItems": ("max_length",),
    "regex": ("pattern",),
    "values": ("enum",),
    "choices": ("enum", "options"),
    "desc": ("description",),
    "doc": ("description",),
    "fn": ("function",),
    "func": ("function",),
    "call": ("function",),
    "subflow": ("flow",),
    "expr": ("compute", "expression"),
    "compute": ("expression",),
    "expression": ("compute",),
    "name": ("id",),
    "maxTokens": ("max_tokens",),
    "max_output_tokens": ("max_tokens",),
    "fallback": ("fallbacks",),
    "fallback_models": ("fallbacks",),
    "caching": ("cache",),
    "samples": ("quorum",),
    "votes": ("quorum",),
    "max_usd": ("usd",),
    "cost": ("usd",),
    "cost_usd": ("usd",),
    "dollars": ("usd",),
    "max_ms": ("ms",),
    "timeout_ms": ("ms",),
    "time_ms": ("ms",),
    "types": ("contracts",),
    "schemas": ("contracts",),
    "models": ("contracts",),
    "workflows": ("flows",),
    "pipelines": ("flows",),
    "version": ("stratum",),
    "human": ("await_human",),
    "await": ("await_human",),
    "ask": ("await_human",),
    "approval": ("await_human",),
    "agent": ("agents",),
    "judge": ("synthesize",),
    "synthesizer": ("synthesize",),
    "max_rounds": ("rounds",),
    "iterations": ("max_iterations",),
    "onTimeout": ("on_timeout",),
    "onError": ("on_error",),
}
"""Keys of other languages, each with what is meant here; the first that is allowed at the place counts."""

_CUTOFF = 0.6
_SURE = 0.8


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like `word`, or None when none is close."""
    words = list(candidates)
    folded = {candidate.casefold(): candidate for candidate in reversed(words)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    close = difflib.get_close_matches(word[:100], words, n=1, cutoff=_CUTOFF)
    return close[0] if close else None


def meant_key(name: str, free: Sequence[str]) -> tuple[str | None, bool]:
    """Return the key that was meant among those still free, and whether that is certain enough to go on with it."""
    alias = next((word for word in KEY_ALIASES.get(name, ()) if word in free), None)
    if alias is not None:
        return alias, True
    near = nearest(name, free)
    if near is None:
        return None, False
    return near, difflib.SequenceMatcher(None, name.casefold(), near).ratio() >= _SURE


def did_you_mean(word: str | None) -> str:
    """Return the question `did you mean ...? `, or nothing."""
    return f"did you mean `{word}`? " if word else ""


def listed(words: Iterable[str]) -> str:
    """Return words parted by commas, cut after twenty; `none` when there are none."""
    names = list(words)
    cut = 20
    more = f" and {len(names) - cut} more" if len(names) > cut else ""
    return (", ".join(names[:cut]) or "none") + more
