"""Ask again, with feedback, until the answer is good: quality is what a plain function says it is.

Each iteration is a whole call. The next one is told the latest feedback and nothing of earlier answers, so prompts do
not grow. When no iteration passes, the flow fails with every problem of the way: `ConvergenceFailure`.
"""

from __future__ import annotations

import os

from pydantic import BaseModel, Field

from stratum_core import (
    Budget,
    all_records,
    compute,
    configure,
    contract,
    flow,
    infer,
    opaque,
    refine,
    run,
    usage_of,
)

NOTES = """\
The Brook kettle holds 1.2 litres and boils in three minutes, which is quick for a kettle of its size.
Every part of the kettle can be replaced, and spare parts are sold for ten years.
The steel comes from a works in Sheffield.
"""


@contract
class Line(BaseModel):
    text: str = Field(min_length=20, description="The line, in plain words.")


@compute
def problems(result: Line, limit: int, word: str) -> list[str]:
    found: list[str] = []
    if len(result.text) > limit:
        found.append(f"it had {len(result.text)} characters")
    if word not in result.text:
        found.append(f"it did not say {word}")
    return found


@refine(
    check=problems,
    until=lambda check: len(check) == 0,
    # The next prompt holds this text and nothing before it, so it says everything that is asked for.
    feedback=lambda check, limit, word: (
        f"Use at most {limit} characters. Use the word {word}. Wrong was: {', '.join(check)}"
    ),
    max_iterations=4,
)
@infer(intent="Summarise the product in one line for the shop window.")
async def shop_line(notes: opaque[str], limit: int, word: str) -> Line: ...


@flow(budget=Budget(usd=0.05))
async def campaign(notes: str) -> str:
    line = await shop_line(notes, limit=90, word="spare parts")
    return line.text


def main() -> None:
    configure(default_model=os.environ.get("STRATUM_MODEL", "offline"))
    text = run(campaign(NOTES))
    (call,) = all_records()
    print(f"After {len(call.attempts)} iterations, {len(text)} characters: {text}")
    print(usage_of([call]))


if __name__ == "__main__":
    main()
