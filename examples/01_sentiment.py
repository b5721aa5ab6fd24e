"""Judge reviews, then count: a contract, a model call held to it, free Python, and a flow with a cap around all of it.

Run it: `python examples/01_sentiment.py`. Without a key the built-in model answers; `STRATUM_MODEL=openai/gpt-4.1-mini`
asks that one, with the key in `OPENAI_API_KEY`.
"""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from stratum_core import (
    Budget,
    all_records,
    compute,
    configure,
    contract,
    each,
    flow,
    infer,
    opaque,
    run,
    usage_of,
)

REVIEWS = [
    "Best kettle I ever had. Quiet, quick, and it looks lovely.",
    "The handle broke on the second day, and nobody answers my emails. Awful.",
    "It arrived on Tuesday.",
    "Terrible smell of plastic, I am so disappointed.",
]


@contract
class Sentiment(BaseModel):
    label: Literal["positive", "negative", "neutral"]
    confidence: Annotated[float, Field(ge=0, le=1, description="How sure you are.")]
    reasoning: str = Field(max_length=300, description="One sentence.")


@contract
class Report(BaseModel):
    happy_percent: float
    complaints: list[str]
    unsure: list[str]


@infer(
    intent="Judge the tone of a customer's review.",
    context="A review that only states facts is neutral.",
    ensure=lambda result: result.label == "neutral" or result.confidence > 0.4,
)
async def judge(review: opaque[str]) -> Sentiment: ...


@compute
def report(reviews: list[str], tones: list[Sentiment]) -> Report:
    pairs = list(zip(reviews, tones, strict=True))
    happy = [review for review, tone in pairs if tone.label == "positive"]
    return Report(
        happy_percent=100 * len(happy) / len(reviews),
        complaints=[review for review, tone in pairs if tone.label == "negative"],
        unsure=[review for review, tone in pairs if tone.confidence < 0.6],
    )


@flow(budget=Budget(usd=0.10))
async def survey(reviews: list[str]) -> Report:
    tones = await each(judge(review) for review in reviews)
    return await report(reviews, tones)


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    found = run(survey(REVIEWS))
    print(f"{found.happy_percent:.0f} % are happy.")
    for review in found.complaints:
        print(f"- complaint: {review}")
    for review in found.unsure:
        print(f"- look again: {review}")
    print(usage_of(all_records()))


if __name__ == "__main__":
    main()
