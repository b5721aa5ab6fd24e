"""Web frameworks take infer, compute and flow functions as they take `async def`: as handlers, dependencies, tasks."""

from __future__ import annotations

from typing import Annotated

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from stratum_core import (
    ContractViolation,
    all_records,
    compute,
    configure,
    contract,
    flow,
    infer,
    opaque,
    run,
)
from stratum_core.testing import FunctionClient

pytestmark = pytest.mark.anyio


@contract
class Note(BaseModel):
    text: str
    stars: int = 3


@contract
class Verdict(BaseModel):
    label: str


@infer(intent="Judge it.")
async def judge(note: opaque[str]) -> Verdict: ...


@infer(intent="Judge it.")
async def judge_note(note: Note) -> Verdict: ...


@compute
def double(number: int) -> int:
    return 2 * number


@compute(ensure="result < 100")
async def times(number: Annotated[int, Query(description="What is counted.")], factor: int = 3) -> int:
    return number * factor


@compute
def rated(note: Note) -> list[Note]:
    return [note, Note(text=note.text, stars=note.stars + 1)]


@flow
async def summed(numbers: list[int]) -> int:
    return sum([await double(number) for number in numbers])


def web(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def client() -> FunctionClient:
    return FunctionClient(lambda _: {"label": "good"})


async def test_each_kind_of_function_is_a_handler_as_it_stands() -> None:
    app = FastAPI()
    for function in (judge, judge_note, double, times, rated, summed):
        app.post(f"/{function.__name__}")(function)
    with configure(client=client()):
        async with web(app) as asked:
            answers = [
                await asked.post("/judge", params={"note": "Fine."}),
                await asked.post("/judge_note", json={"text": "Fine."}),
                await asked.post("/double", params={"number": 2}),
                await asked.post("/times", params={"number": 2}),
                await asked.post("/rated", json={"text": "Fine."}),
                await asked.post("/summed", json=[1, 2]),
            ]
    assert [answer.json() for answer in answers] == [
        {"label": "good"},
        {"label": "good"},
        4,
        6,
        [{"text": "Fine.", "stars": 3}, {"text": "Fine.", "stars": 4}],
        6,
    ]


async def test_each_kind_of_function_is_a_dependency_as_it_stands() -> None:
    app = FastAPI()

    @app.get("/waits")
    async def waits(
        verdict: Annotated[Verdict, Depends(judge)],
        doubled: Annotated[int, Depends(double)],
        product: Annotated[int, Depends(times)],
    ) -> list[object]:
        return [verdict, doubled, product]

    @app.post("/plain")
    def plain(total: Annotated[int, Depends(summed)]) -> int:
        return total

    with configure(client=client()):
        async with web(app) as asked:
            waited = await asked.get("/waits", params={"note": "Fine.", "number": 2})
            summed_up = await asked.post("/plain", json=[1, 2])
    assert (waited.json(), summed_up.json()) == ([{"label": "good"}, 4, 6], 6)


async def test_a_handler_in_a_thread_runs_a_flow_of_its_own() -> None:
    app = FastAPI()

    @app.get("/summed")
    def handle(number: int) -> int:
        return run(summed([number, number]))

    async with web(app) as asked:
        assert (await asked.get("/summed", params={"number": 2})).json() == 8


async def test_what_the_framework_checks_and_describes_is_the_function_itself() -> None:
    app = FastAPI()
    app.post("/times")(times)
    app.post("/double")(double)
    async with web(app) as asked:
        refused = await asked.post("/double", params={"number": "two"})
        described = (await asked.get("/openapi.json")).json()["paths"]
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["query", "number"]
    parameters = described["/times"]["post"]["parameters"]
    assert [(one["name"], one["required"]) for one in parameters] == [("number", True), ("factor", False)]
    assert parameters[0]["description"] == "What is counted."
    assert described["/double"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "type": "integer",
        "title": "Response Double Double Post",
    }


async def test_a_broken_contract_reaches_the_frameworks_error_handlers() -> None:
    app = FastAPI()
    app.post("/double")(double)

    @app.exception_handler(ContractViolation)
    def refuse(_: Request, fault: ContractViolation) -> JSONResponse:
        return JSONResponse({"code": fault.code, "detail": fault.message}, status_code=422)

    async with web(app) as asked:
        answer = await asked.post("/double", params={"number": 2**63})
    assert answer.status_code == 422
    assert answer.json() == {
        "code": "contract_violation",
        "detail": "double(): the argument `number`: the value does not satisfy int: $: expected a whole number of "
        "at most 64 bits, not 9223372036854775808",
    }


async def test_a_background_task_is_awaited() -> None:
    app = FastAPI()

    @app.get("/later")
    async def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(judge, "Fine.")
        return "soon"

    with configure(client=client()):
        async with web(app) as asked:
            assert (await asked.get("/later")).json() == "soon"
        await BackgroundTask(judge, "Fine.")()
    assert [record.function for record in all_records()] == ["judge", "judge"]
