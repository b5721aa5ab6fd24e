"""Worlds for the estimates: a piece of work, and how the model and the data behave that it meets.

The planner is told nothing of this. See `_calibration.py`, which lets each world happen.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WORLDS", "World"]

_BRANCHES = """
stratum: "1"
contracts:
  Review: { id: int, text: opaque<string> }
  Tone: { label: { enum: [good, bad, mixed] }, why: string }
functions:
  judge: { mode: infer, intent: Judge the review, input: { review: Review }, output: Tone, retries: 2, max_tokens: 900 }
  reply: { mode: infer, intent: Write a reply, input: { text: opaque<string> }, output: string, max_tokens: 1200 }
flows:
  one:
    input: { review: Review }
    output: json
    steps:
      - { id: tone, function: judge, inputs: { review: input.review } }
      - { id: answer, when: tone.label == "bad", function: reply, inputs: { text: input.review.text } }
    return: { label: tone.label, reply: answer }
  all:
    input: { reviews: list<Review> }
    output: list<json>
    steps:
      - { id: rows, for_each: input.reviews, flow: one, inputs: { review: item }, require: 0, on_error: drop }
    return: rows
"""

_REFINED = """
stratum: "1"
contracts:
  Review: { id: int, text: opaque<string> }
  Draft: { label: { enum: [good, bad, mixed] }, why: string }
functions:
  draft:
    mode: infer
    intent: Draft an answer
    input: { review: Review }
    output: Draft
    max_tokens: 900
    refine: { until: result.label == "good", feedback: result.why, max_iterations: 4 }
  vote:
    mode: infer
    intent: Say whether it may be sent
    input: { draft: Draft }
    output: Draft
    max_tokens: 300
    quorum: 3
    agree_on: label
    threshold: 2
flows:
  main:
    input: { reviews: list<Review> }
    output: json
    steps:
      - { id: drafts, for_each: input.reviews, function: draft, inputs: { review: item }, require: 0, on_error: drop }
      - { id: votes, for_each: drafts, function: vote, inputs: { draft: item }, require: 0, on_error: drop }
    return: votes
"""

_ARGUED = """
stratum: "1"
contracts:
  Review: { id: int, text: opaque<string> }
  Stand: { label: { enum: [good, bad, mixed] }, why: string }
  Parts: { parts: { type: "list<string>", max_length: 30 } }
functions:
  split: { mode: infer, intent: List the claims, input: { reviews: list<Review> }, output: Parts, max_tokens: 1500 }
  weigh: { mode: infer, intent: Weigh a claim, input: { claim: string }, output: Stand, max_tokens: 500 }
  other: { mode: infer, intent: Weigh it differently, input: { claim: string }, output: Stand, max_tokens: 500 }
  pro:
    mode: infer
    intent: Speak for it
    input: { topic: json, arguments: optional<json> }
    output: Stand
    max_tokens: 600
  con:
    mode: infer
    intent: Speak against it
    input: { topic: json, arguments: optional<json> }
    output: Stand
    max_tokens: 600
  end:
    mode: infer
    intent: Conclude
    input: { topic: json, arguments: json, converged: bool }
    output: Stand
    max_tokens: 600
flows:
  main:
    input: { reviews: list<Review> }
    output: json
    steps:
      - { id: split, function: split, inputs: { reviews: input.reviews } }
      - id: weighed
        for_each: split.parts
        race:
          branches:
            one: { function: weigh, inputs: { claim: item } }
            two: { function: other, inputs: { claim: item } }
        require: 0
        on_error: drop
      - id: verdict
        debate: { agents: [pro, con], topic: weighed, rounds: 3, agree_on: label, synthesize: end }
        on_error: none
    return: verdict
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How a model and the data behave; each figure is that of the first run."""

    name: str
    document: str
    answer_tokens: float = 90
    """Median of an answer."""
    tail: float = 0.4
    """Spread of the answers' lengths, as a logarithm; 1 and more is heavy."""
    pareto: float = 0.0
    """Share of answers that are drawn out by a factor without a mean."""
    bytes_per_token: float = 3.9
    preamble_tokens: int = 20
    drift: float = 0.0
    """How far the lengths move from run to run at random, as a logarithm."""
    trend: float = 0.0
    """How much longer answers get with every run."""
    jump_at: int | None = None
    """The run from which on answers are half as long again."""
    broken: float = 0.03
    """Share of answers that break their contract; another one for every run around this."""
    lost: float = 0.002
    """Share of requests that are lost on the way and charged whole."""
    busy: float = 0.01
    """Share of requests that are sent away, free of charge."""
    cut: float = 0.001
    """Share of answers that are cut off."""
    labels: tuple[float, float, float] = (3.0, 1.5, 1.0)
    """How usual each label is; what a run has is drawn around this."""
    evenness: float = 6.0
    """How much alike the runs are in that; small is unlike."""
    rows: tuple[int, int] = (6, 60)
    cached: float = 0.0
    """Share of runs whose prompts come from the provider's cache, at a tenth of the price."""


WORLDS: tuple[World, ...] = (
    World(name="steady", document=_BRANCHES),
    World(name="heavy tails", document=_BRANCHES, tail=1.1, pareto=0.02),
    World(name="drift", document=_BRANCHES, drift=0.1, trend=0.02),
    World(name="a new version", document=_BRANCHES, jump_at=30, broken=0.06),
    World(name="unlike data", document=_BRANCHES, evenness=1.5, rows=(3, 150), cached=0.3),
    World(name="bad days", document=_BRANCHES, broken=0.15, lost=0.01, busy=0.08, cut=0.02),
    World(name="iterations and votes", document=_REFINED, evenness=4.0, drift=0.04),
    World(name="races and debates", document=_ARGUED, tail=0.7, evenness=3.0, rows=(4, 20)),
)
