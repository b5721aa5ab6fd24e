"""Ask three questions about one text at the same time: all answers or none, under one cap.

`require="all"` gives each answer with its own type, in the order of the calls. When one fails, the other two are
cancelled at once, and what they had used is counted.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, Field

from stratum_core import (
    Budget,
    all_records,
    configure,
    contract,
    flow,
    infer,
    opaque,
    parallel,
    run,
    usage_of,
)

MAIL = """\
The invoice of 3 May 2026 has the wrong address, and the refund you promised has not come. I am really disappointed.
Please call me: +49 30 1234567.
"""


@contract
class Summary(BaseModel):
    headline: str = Field(max_length=80)
    summary: str = Field(max_length=300, description="What the writer wants, in one or two sentences.")


@contract
class Card(BaseModel):
    team: Literal["billing", "technical", "sales"]
    mood: Literal["calm", "annoyed", "furious"]
    summary: Summary


@infer(
    intent="Choose the team that answers. billing: invoices and refunds. technical: faults. sales: new orders."
)
async def route(mail: opaque[str]) -> Literal["billing", "technical", "sales"]: ...


@infer(intent="Judge the mood of the writer.")
async def feel(mail: opaque[str]) -> Literal["calm", "annoyed", "furious"]: ...


@infer(
    intent="Summarise the mail for a colleague.",
    ensure=lambda result: len(result.headline) < len(result.summary),
)
async def condense(mail: opaque[str]) -> Summary: ...


@flow(budget=Budget(usd=0.05, ms=60_000))
async def read(mail: str) -> Card:
    team, mood, summary = await parallel(route(mail), feel(mail), condense(mail), require="all")
    return Card(team=team, mood=mood, summary=summary)


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    card = run(read(MAIL))
    print(f"For {card.team}, from somebody {card.mood}: {card.summary.headline}")
    print(card.summary.summary)
    print(usage_of(all_records()))


if __name__ == "__main__":
    main()
