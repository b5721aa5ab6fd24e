"""Search: every match of a pattern in a text, for `find_all`.

The engine behind `matches` only says whether a pattern is found, and the standard library's can take exponential time.
This one simulates all alternatives at once (Thompson 1968, https://swtch.com/~rsc/regexp/regexp1.html), with states
that are built when first met, as RE2 does. One attempt reads each character once. An attempt that reads far and fails
can be repeated at the next character, so the whole is not linear for every pattern; each character read is charged, so
it ends with the fuel instead of with patience.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from stratum_core.contracts import JsonValue
from stratum_core.ir.expressions._meter import Meter
from stratum_core.ir.expressions._regex import (
    Alternatives,
    Assertion,
    Characters,
    Pattern,
    Repeat,
    Row,
    is_word,
    read_pattern,
)

__all__ = ["compile_search", "find_all"]

_MAX_STATES = 20_000
"""States and transitions one evaluation keeps for one pattern; then it starts over."""


@dataclass(frozen=True, slots=True)
class _Fork:
    """Try one place of the program, then the other."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class _Found:
    """The end of the program: a match."""


_Step = Characters | Assertion | _Fork | _Found
Program = tuple[_Step, ...]


@lru_cache(maxsize=256)
def compile_search(pattern: str) -> Program:
    """Return the program of a pattern.

    Raises:
        ExpressionError: It uses what `find_all` does not know.
    """
    steps: list[_Step] = []
    _emit(read_pattern(pattern), steps)
    return (*steps, _Found())


def _emit(pattern: Pattern, steps: list[_Step]) -> None:
    """Append the steps of a part; every part goes on at the step after its last."""
    match pattern:
        case Characters() | Assertion():
            steps.append(pattern)
        case Row(parts=parts):
            for part in parts:
                _emit(part, steps)
        case Alternatives(parts=parts):
            _emit_alternatives(parts, steps)
        case Repeat():
            _emit_repeat(pattern, steps)


def _emit_alternatives(parts: tuple[Pattern, ...], steps: list[_Step]) -> None:
    """Append alternatives; each but the last is followed by a jump behind them all."""
    jumps: list[int] = []
    for part in parts[:-1]:
        fork = len(steps)
        steps.append(_Found())
        _emit(part, steps)
        jumps.append(len(steps))
        steps.append(_Found())
        steps[fork] = _Fork(fork + 1, len(steps))
    _emit(parts[-1], steps)
    for jump in jumps:
        steps[jump] = _Fork(len(steps), len(steps))


def _emit_repeat(repeat: Repeat, steps: list[_Step]) -> None:
    """Append a repeat, written out."""
    for _ in range(repeat.low):
        _emit(repeat.part, steps)
    if repeat.high is None:
        fork = len(steps)
        steps.append(_Found())
        _emit(repeat.part, steps)
        steps.append(_Fork(fork, fork))
        steps[fork] = _ordered(fork + 1, len(steps), greedy=repeat.greedy)
        return
    forks: list[int] = []
    for _ in range(repeat.high - repeat.low):
        forks.append(len(steps))
        steps.append(_Found())
        _emit(repeat.part, steps)
    for fork in forks:
        steps[fork] = _ordered(fork + 1, len(steps), greedy=repeat.greedy)


def _ordered(inside: int, after: int, *, greedy: bool) -> _Fork:
    return _Fork(inside, after) if greedy else _Fork(after, inside)


@dataclass(slots=True)
class _State:
    """Places of the program in order of preference, and the kind of character before them."""

    places: tuple[int, ...]
    before: str
    """`start`, `word` or `other`."""
    next: dict[str, tuple[_State, bool]] = field(default_factory=dict[str, "tuple[_State, bool]"])
    """For each next character (empty at the end): the state after it, and whether a match ends before it."""


class _Searcher:
    """The states of one pattern in one evaluation: a fresh one each time, so that the fuel used is always the same."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.states: dict[tuple[tuple[int, ...], str], _State] = {}
        self.size = 0

    def state(self, places: tuple[int, ...], before: str) -> _State:
        """Return the state of these places."""
        key = (places, before)
        found = self.states.get(key)
        if found is None:
            found = self.states[key] = _State(places, before)
        return found

    def step(self, meter: Meter, state: _State, character: str) -> tuple[_State, bool]:
        """Return the state after a character, and whether a match ends before it."""
        known = state.next.get(character)
        if known is None:
            if self.size > _MAX_STATES:
                self.states.clear()
                self.size = 0
            known = state.next[character] = self.advance(meter, state, character)
            self.size += 1 + len(known[0].places)
        return known

    def advance(self, meter: Meter, state: _State, character: str) -> tuple[_State, bool]:
        """Follow every place of a state over one character."""
        reached: dict[int, None] = {}
        seen: set[int] = set()
        stack = list(reversed(state.places))
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            match self.program[place]:
                case _Found():
                    return self.after(meter, reached, seen, character), True
                case _Fork(first=first, second=second):
                    stack += [second, first]
                case Assertion() as assertion:
                    if _holds(assertion, state.before, character):
                        stack.append(place + 1)
                case Characters(test=test):
                    if character and test(character):
                        reached[place + 1] = None
        return self.after(meter, reached, seen, character), False

    def after(self, meter: Meter, reached: dict[int, None], seen: set[int], character: str) -> _State:
        """Return the state of the places reached; charges for the work of finding them."""
        meter.charge(4 + 4 * len(seen))
        before = "word" if character and is_word(character) else "other"
        return self.state(tuple(reached), before)

    def match_end(self, meter: Meter, text: str, start: int) -> int:
        """Return the end of the match that starts here, or `start` when there is none."""
        before = "start" if start == 0 else "word" if is_word(text[start - 1]) else "other"
        state, end, position = self.state((0,), before), start, start
        while state.places:
            meter.charge(2)
            state, found = self.step(meter, state, text[position : position + 1])
            if found:
                end = position
            position += 1
        return end


def _holds(assertion: Assertion, before: str, character: str) -> bool:
    """Return whether a place between two characters is what the assertion asks for."""
    match assertion.condition:
        case "start":
            return before == "start"
        case "end":
            return not character
        case _:
            here = (before == "word") is not (bool(character) and is_word(character))
            return here is (assertion.condition == "boundary")


def find_all(meter: Meter, program: Program, text: str) -> JsonValue:
    """Return the matches from left to right, none overlapping; empty ones are left out.

    Raises:
        FuelExhausted: It took too much work.
    """
    found = meter.searches.get(id(program))
    searcher = found if isinstance(found, _Searcher) else _Searcher(program)
    meter.searches[id(program)] = searcher
    matches: list[JsonValue] = []
    position = 0
    while position < len(text):
        meter.charge(2)
        end = searcher.match_end(meter, text, position)
        if end > position:
            meter.charge(4)
            meter.write_text(end - position)
            matches.append(text[position:end])
        position = max(end, position + 1)
    meter.write_items(len(matches))
    return matches
