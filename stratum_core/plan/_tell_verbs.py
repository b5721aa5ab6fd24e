"""Verbs of several calls and what modifies one, in words: who is asked, how often, and what decides."""

from __future__ import annotations

from stratum_core.contracts import BoolType, EnumType, FloatType, IntType, Type, is_text
from stratum_core.plan._rules import tree_of
from stratum_core.plan._sizes import bare
from stratum_core.plan._words import (
    and_list,
    condition_words,
    count_words,
    duration_words,
    name_words,
    quoted,
)
from stratum_core.specs import DebateVerb, HumanVerb, InferSpec, ParallelVerb, Program, RaceVerb

__all__ = ["debate_words", "human_words", "modifier_words", "together_words", "undecided_words"]

_LISTED_OPTIONS = 6


def together_words(verb: ParallelVerb | RaceVerb) -> str:
    """Say how branches run and which of them count."""
    if isinstance(verb, RaceVerb):
        return "at the same time, taking the first that succeeds"
    at_once = verb.concurrency or len(verb.branches)
    how = "at the same time" if at_once >= len(verb.branches) else f"{count_words(at_once)} at a time"
    match verb.require:
        case "all":
            return how
        case "any":
            return f"{how}, until one succeeds"
        case 0:
            return f"{how}, leaving out what fails"
        case count:
            return f"{how}, until {count_words(count)} succeed"


def debate_words(verb: DebateVerb) -> str:
    """Say how long sides argue, and what ends it sooner."""
    sides = f"{count_words(len(verb.agents))} sides"
    rounds = "one round" if verb.rounds == 1 else f"up to {count_words(verb.rounds)} rounds"
    same = "the same" if verb.agree_on is None else f"the same {name_words(verb.agree_on)}"
    return f"let {sides} argue for {rounds}, until they say {same}"


def undecided_words(verb: DebateVerb, conclusion: Type) -> str:
    """Say what happens when the sides do not agree, and whether a person's answer stands in the conclusion."""
    match verb.unresolved:
        case "human" if verb.decided_field(conclusion) is None:
            return "if they do not agree, ask you; what you say is one more argument"
        case "human":
            return "if they do not agree, ask you to decide"
        case "fail":
            return "if they do not agree, stop here"
        case _:
            return ""


def human_words(verb: HumanVerb) -> str:
    """Say what a person is asked, which answers fit, and what happens without one."""
    answers = _answer_words(verb.answer)
    return f"ask you: {quoted(verb.question)}{answers}{_timeout_words(verb)}"


def _answer_words(kind: Type) -> str:
    """Say which answers fit."""
    kind = bare(kind)
    match kind:
        case EnumType(values=values):
            shown = [quoted(str(value), most=40) for value in values[:_LISTED_OPTIONS]]
            more = [f"{len(values) - _LISTED_OPTIONS} more"] if len(values) > _LISTED_OPTIONS else []
            return f" ({and_list([*shown, *more], word='or')})"
        case BoolType():
            return " (yes or no)"
        case IntType() | FloatType():
            return " (a number)"
        case _:
            return " (in your own words)" if is_text(kind) else ""


def _timeout_words(verb: HumanVerb) -> str:
    """Say how long an answer is waited for, and what stands in for it."""
    if verb.timeout_s is None:
        return ""
    then = "giving up" if verb.on_timeout is None else f"taking {quoted(verb.on_timeout, most=40)}"
    return f", waiting up to {duration_words(verb.timeout_s)}, then {then}"


def modifier_words(spec: InferSpec, program: Program) -> str:
    """Say how often a function is asked for one answer, and what the answer must pass."""
    found = ""
    if spec.quorum is not None:
        votes, needed = count_words(spec.quorum.votes), count_words(spec.quorum.threshold)
        found += (
            f", asked {votes} times; at least {needed} must agree on the {name_words(spec.quorum.agree_on)}"
        )
    if spec.refine is not None:
        types: dict[str, Type] = {part.name: part.type for part in spec.inputs}
        types["result"] = spec.output
        if spec.refine.check is not None:
            types["check"] = program.functions[spec.refine.check].output
        until = condition_words(tree_of(spec.refine.until), types)
        most = spec.refine.max_iterations
        found += (
            f", tried up to {count_words(most)} times until {until}" if most > 1 else f", and only if {until}"
        )
    return found
