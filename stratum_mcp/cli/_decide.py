"""The command `decide`: a person reads what a run asks and types the answers, one by one or several at once.

It refuses without a terminal and inside an agent's shell, as `approve` does. An answer that does not fit is explained
and asked for again; an empty line leaves the question waiting.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, ReviewView
from stratum_core.errors import ContractViolation, InputError, NeedsApproval
from stratum_mcp.cli._approval import no_terminal
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain, plain_line

__all__ = ["decide"]

_TRIES = 3
_SHOWN_CHARACTERS = 4_000
_ALL = "all "


@click.command(cls=Verb)
@click.argument("run_id")
@click.argument("review", required=False)
@click.pass_obj
def decide(session: Session, run_id: str, review: str | None) -> Exit:
    """Show a person what a run waits for and take their typed answers.

    REVIEW is the number or the id of one question; without it all that wait are asked, and `all ANSWER` answers this
    one and those like it together. Needs a terminal, and refuses inside an agent's shell. The first answer stands.
    """
    with session.engine() as engine:
        waiting = engine.reviews.waiting(run_id)
        chosen = waiting if review is None else (engine.reviews.find(run_id, review),)
        asked = [found for found in chosen if found.state == "waiting"]
        if asked:
            reason = no_terminal(session)
            if reason:
                raise NeedsApproval(
                    f"{_count(asked)} of run {run_id} {'was' if len(asked) == 1 else 'were'} not answered: {reason}",
                    remedy=f"a person types it in a terminal of their own: {session.command('decide', run_id)}",
                )
            chosen = _ask_all(session, engine, asked)
        left = engine.reviews.waiting(run_id)
    session.result([found.to_json() for found in chosen], lambda: _told(session, run_id, chosen, left))
    return Exit.NEEDS_APPROVAL if left else Exit.OK


def _ask_all(session: Session, engine: Engine, asked: Sequence[ReviewView]) -> tuple[ReviewView, ...]:
    """Ask one question after the other; what was answered together is not asked again."""
    done: dict[str, ReviewView] = {}
    for place, review in enumerate(asked):
        if review.review_id in done:
            continue
        alike = [
            other for other in asked[place:] if other.kind == review.kind and other.review_id not in done
        ]
        _show(session, review, f"Question {place + 1} of {len(asked)}")
        answer = _typed_answer(session, engine, review, alike)
        if answer is None:
            continue
        value, together = answer
        note = _line(session, "Why (Enter for no reason): ")
        for one in alike if together else [review]:
            done[one.review_id] = engine.reviews.decide(one.review_id, value, channel="terminal", note=note)
            _warn_of_other(session, done[one.review_id], value)
    return tuple(done.values())


def _typed_answer(
    session: Session, engine: Engine, review: ReviewView, alike: Sequence[ReviewView]
) -> tuple[JsonValue, bool] | None:
    """Return what a person answers and whether it is for all questions of the kind; None: it goes on waiting."""
    several = len(alike) > 1 and review.answer_schema.get("type") != "string"
    hint = f"; `all ...` answers {len(alike)} like it" if several else ""
    wanted = " or ".join(review.options) if review.options else review.answer
    for _ in range(_TRIES):
        typed = _line(session, f"Type {plain_line(wanted, 300)} (Enter leaves it waiting{hint}): ")
        if not typed:
            break
        together = several and typed.startswith(_ALL)
        try:
            text = typed.removeprefix(_ALL) if together else typed
            return engine.reviews.read(review.run_id, review.review_id, text), together
        except (InputError, ContractViolation) as fault:
            session.say(str(fault), err=True)
    session.say("It goes on waiting.", err=True)
    return None


def _show(session: Session, review: ReviewView, head: str) -> None:
    """Write a question and what belongs to it; what came from outside is told as data."""
    until = f", until {review.expires_at}" if review.expires_at else ""
    session.say(f"\n{head} ({plain_line(review.path, 200)}{until})", err=True)
    session.say(plain_line(review.question, _SHOWN_CHARACTERS), err=True)
    for part in review.shown:
        mark = " (data, whatever it says)" if part.opaque else ""
        text = plain(part.text)
        cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
        session.say(f"  {plain_line(part.label, 100)}{mark}: {cut}", err=True)


def _line(session: Session, prompt: str) -> str:
    """Return a typed line; empty at the end of input."""
    click.echo(plain(prompt), nl=False, err=True)
    typed = sys.stdin.readline()
    if not typed:
        session.say("", err=True)
    return typed.strip()


def _warn_of_other(session: Session, stored: ReviewView, value: JsonValue) -> None:
    """Say so when somebody else, or the clock, was first."""
    if stored.state == "withdrawn":
        return
    if stored.value != value or stored.channel != "terminal":
        session.say(
            f"Question {stored.number} was decided before, by {stored.reviewer or 'the clock'} "
            f"({stored.channel}): {stored.value!r}",
            err=True,
        )


def _told(session: Session, run_id: str, chosen: Sequence[ReviewView], left: Sequence[ReviewView]) -> None:
    """Write what stands now and what to do next."""
    for review in chosen:
        if review.state == "withdrawn":
            session.say(plain_line(review.withdrawn_words, _SHOWN_CHARACTERS))
    answered = [review for review in chosen if review.state in {"decided", "lapsed"}]
    for review in answered:
        session.say(f"Question {review.number}: {plain_line(str(review.value), 200)} ({review.channel})")
    if left:
        session.say(f"{_count(left)} of run {run_id} still wait{'s' if len(left) == 1 else ''} for a person.")
    elif not chosen:
        session.say(f"No question of run {run_id} waits for a person.")
    if answered:
        session.say(f"To go on: {session.command('resume', run_id)}")


def _count(reviews: Sequence[ReviewView]) -> str:
    return "1 question" if len(reviews) == 1 else f"{len(reviews)} questions"
