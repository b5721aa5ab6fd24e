"""Let two models argue and a third one decide: rounds in which each sees what the others have said.

The debate ends early when both take the same position. Either way the synthesizer is told whether they agree, and the
field `converged` of its answer is set to what is the case, whatever the model says.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from stratum_core import Budget, all_records, configure, contract, debate, flow, infer, run, usage_of

PROPOSAL = """\
We should move the support desk to a four-day week.
People who are rested answer better and faster, and good staff is easier to keep.
Customers who write on a Friday wait until Monday, and angry customers are a serious risk.
The trial in spring was a great success.
Two teams lost sight of urgent cases, and nobody noticed the problem for days.
"""


@contract
class Argument(BaseModel):
    position: Literal["accept", "reject"]
    argument: str = Field(max_length=300, description="The strongest point, in one sentence.")


@contract
class Verdict(BaseModel):
    decision: Literal["accept", "reject"]
    reason: str = Field(max_length=500)
    converged: bool = Field(description="Whether both sides agreed.")


@infer(intent="Argue in favour of the proposal.", context="Answer what the other side has said.")
async def advocate(topic: str, arguments: JsonValue) -> Argument: ...


@infer(intent="Argue against the proposal.", context="Answer what the other side has said.")
async def critic(topic: str, arguments: JsonValue) -> Argument: ...


@infer(intent="Weigh the arguments and decide about the proposal.")
async def judge(topic: str, arguments: JsonValue, converged: bool) -> Verdict: ...


@flow(budget=Budget(usd=0.20))
async def decide(proposal: str) -> Verdict:
    return await debate([advocate, critic], proposal, rounds=2, synthesize=judge, agree_on="position")


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    verdict = run(decide(PROPOSAL))
    for record in all_records():
        if isinstance(said := record.output, dict) and "argument" in said:
            print(f"{record.function} ({said['position']}): {said['argument']}")
    agreed = "agreed" if verdict.converged else "did not agree"
    print(f"They {agreed}. The judge: {verdict.decision}. {verdict.reason}")
    print(usage_of(all_records()))


if __name__ == "__main__":
    main()
