"""Documents that the tests of this stage share."""

from __future__ import annotations

from pathlib import Path

__all__ = ["REVIEWS", "corpus", "small"]

CORPUS = Path(__file__).parents[2] / "corpus" / "ok"

REVIEWS = """\
stratum: "1"
name: review-triage
contracts:
  Review:
    id: string
    text: { type: opaque<string>, max_length: 8000 }
  Sentiment:
    label: { enum: [positive, negative, neutral] }
    confidence: { type: float, min: 0, max: 1 }
    reasoning: string
functions:
  classify:
    mode: infer
    intent: Classify the emotional tone of a customer review
    input: { text: opaque<string>, language: optional<string> }
    output: Sentiment
    ensure:
      - len(result.reasoning) > 10
    budget: { usd: 0.02 }
    cache: session
flows:
  one:
    description: Classify one review
    input: { review: Review }
    output: bool
    steps:
      - id: tone
        function: classify
        inputs: { text: input.review.text, language: '"en"' }
    return: tone.confidence < 0.7 and tone.label == "negative"
  all:
    input: { reviews: list<Review> }
    output: list<bool>
    budget: { usd: 5.00, ms: 3600000 }
    steps:
      - id: flags
        for_each: input.reviews
        flow: one
        inputs: { review: item }
        concurrency: 12
        require: 95%
    return: flags
"""


def small(steps: str, *, functions: str = "") -> str:
    """Return a document whose one flow has the given steps, indented by nothing."""
    indented = "\n".join(f"      {line}" if line else "" for line in steps.splitlines())
    return f'stratum: "1"\n{functions}flows:\n  main:\n    output: json\n    steps:\n{indented}\n    return: input.x\n'


def corpus() -> list[Path]:
    """Return every document of the corpus that must load without a diagnostic."""
    return sorted(CORPUS.glob("*.stratum.*"))
