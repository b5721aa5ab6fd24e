"""Start with a model, end with a rule: `@infer` becomes `@compute`, and who calls the step never notices.

You ask a model while you do not know the rule. Once its answers show you one, you write it down: the signature stays,
the calls are awaited as before, contracts and `ensure` hold as before, and the bill is zero.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field

from stratum_core import (
    all_records,
    clear_traces,
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

Urgency: TypeAlias = Literal["low", "high", "critical"]


@contract
class Ticket(BaseModel):
    text: opaque[str] = Field(description="What the customer wrote.")
    users_affected: int = Field(ge=0)


TICKETS = [
    Ticket(text="How do I change the colour of my avatar?", users_affected=1),
    Ticket(text="CRITICAL: the shop is down and nobody can pay!", users_affected=900),
    Ticket(text="This is terrible, the export fails again and my team is very angry.", users_affected=12),
]


@infer(intent="Say how urgent a support ticket is.")
async def urgency_asked(ticket: Ticket) -> Urgency: ...


@compute
def urgency_ruled(ticket: Ticket) -> Urgency:
    if ticket.users_affected >= 100:
        return "critical"
    return "high" if ticket.users_affected >= 10 else "low"


async def triage(tickets: list[Ticket], urgency: Callable[[Ticket], Awaitable[Urgency]]) -> list[Urgency]:
    """The caller. It knows a step that takes a ticket and gives an urgency, and nothing else about it."""
    return await each(urgency(ticket) for ticket in tickets)


@flow
async def before(tickets: list[Ticket]) -> list[Urgency]:
    return await triage(tickets, urgency_asked)


@flow
async def after(tickets: list[Ticket]) -> list[Urgency]:
    return await triage(tickets, urgency_ruled)


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    for name, step in (("model", before), ("rule", after)):
        clear_traces()
        print(f"{name + ':':7}{', '.join(run(step(TICKETS)))}; {usage_of(all_records())}")


if __name__ == "__main__":
    main()
