"""Durable steps of LangGraph with its SQLite saver: a node that loops in so many threads at once.

Runs in the peers' own environment and prints one JSON line: steps a second, and the 99th percentile of a step's time
in milliseconds. Every step is written before the next one starts (`durability="sync"`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from typing import TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

IN_FLIGHT, STEPS = int(sys.argv[1]), int(sys.argv[2])
EACH = STEPS // IN_FLIGHT

times: list[float] = []


class State(TypedDict):
    """What a step hands to the next one."""

    number: int
    answer: str
    at: float


async def answer(state: State) -> State:
    """Return what a model would."""
    now = time.perf_counter()
    if state["at"]:
        times.append(now - state["at"])
    return {"number": state["number"] + 1, "answer": "x" * 200, "at": now}


def go_on(state: State) -> str:
    """Loop until all steps are taken."""
    return "answer" if state["number"] < EACH else END


async def measure(path: str) -> float:
    """Return the seconds all threads took."""
    graph = StateGraph(State)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", go_on)
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        compiled = graph.compile(checkpointer=saver)
        started = time.perf_counter()
        await asyncio.gather(
            *(
                compiled.ainvoke(
                    {"number": 0, "answer": "", "at": 0.0},
                    {"configurable": {"thread_id": str(thread)}, "recursion_limit": EACH + 10},
                    durability="sync",
                )
                for thread in range(IN_FLIGHT)
            )
        )
        return time.perf_counter() - started


with tempfile.TemporaryDirectory() as directory:
    taken = asyncio.run(measure(f"{directory}/peer.sqlite"))
times.sort()
print(json.dumps({"steps_s": EACH * IN_FLIGHT / taken, "p99_ms": times[int(len(times) * 0.99)] * 1000}))
