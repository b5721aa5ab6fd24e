"""Ask a person before anything leaves the house: a gate in the middle of a flow.

The question comes to this terminal; `configure(review_sink=...)` sends it to a chat or a web page instead. No budget's
clock runs while the person thinks. Nobody is asked twice: a durable flow keeps the decision.
"""

from __future__ import annotations

import os
import sys
from typing import Literal

from pydantic import BaseModel, Field

from stratum_core import (
    Budget,
    ConfigurationError,
    HumanReviewContext,
    all_records,
    await_human,
    configure,
    contract,
    flow,
    infer,
    opaque,
    run,
    usage_of,
)

COMPLAINT = "The lamp came broken, and this is the second time. I want my money back."


@contract
class Reply(BaseModel):
    text: str = Field(max_length=600, description="A polite answer that names the complaint.")


@infer(intent="Draft a reply to an unhappy customer.", ensure="'refund approved' not in result.text.lower()")
async def draft(complaint: opaque[str]) -> Reply: ...


@flow(budget=Budget(usd=0.05))
async def answer(complaint: str) -> str | None:
    """Return the reply that may be sent, or None when the person holds it back."""
    reply = await draft(complaint)
    decision = await await_human(
        HumanReviewContext(
            question="Send this reply?", artifacts={"complaint": complaint, "reply": reply.text}
        ),
        Literal["send", "hold back"],
        options=["send", "hold back"],
    )
    return reply.text if decision.value == "send" else None


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    try:
        text = run(answer(COMPLAINT))
    except ConfigurationError as error:
        sys.exit(f"Nobody could be asked. {error}")
    print("Held back; nothing was sent." if text is None else f"Sent: {text}")
    print(usage_of(all_records()))


if __name__ == "__main__":
    main()
