"""A scripted answer is a value of the function's type, whatever form such a value travels in."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import ParseFailure, configure, contract, infer
from stratum_core.testing import Answer, FunctionClient, ScriptedClient

pytestmark = pytest.mark.anyio

_PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
_NAMES = """
from typing import Annotated
from pydantic import Field
from stratum_core import configure, infer, opaque, run
from stratum_core.testing import ScriptedClient
"""


@contract
class Mood(BaseModel):
    label: str


@contract
class Held(BaseModel):
    value: int


@infer(intent="Count.", retries=0)
async def count(text: str) -> int: ...


@infer(intent="Split.", retries=0)
async def words(text: str) -> list[str]: ...


@infer(intent="Judge.", retries=0)
async def sure(text: str) -> bool | None: ...


@infer(intent="Count each word.", retries=0)
async def counts(text: str) -> dict[str, int]: ...


@infer(intent="Judge.", retries=0)
async def maybe(text: str) -> Mood | None: ...


@infer(intent="Tell.", retries=0)
async def anything(text: str) -> JsonValue: ...


@infer(intent="Choose.", retries=0)
async def chosen(text: str) -> Literal["a", "b"]: ...


@infer(intent="Hold.", retries=0)
async def held(text: str) -> Held: ...


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    with configure(default_model="openai/gpt-4.1-mini"):
        yield


def asked(answers: Sequence[Answer]) -> ScriptedClient:
    """Return a client that is the one in use."""
    client = ScriptedClient(answers)
    configure(client=client)
    return client


async def test_a_plain_value_is_given_as_it_is() -> None:
    asked([1, {"value": 2}, 0])
    assert [await count("a"), await count("b"), await count("c")] == [1, 2, 0]
    asked([["a", "b"], []])
    assert [await words("a"), await words("b")] == [["a", "b"], []]
    asked([None, True, False])
    assert [await sure("a"), await sure("b"), await sure("c")] == [None, True, False]


async def test_a_map_an_optional_contract_and_any_json_are_given_as_they_are() -> None:
    asked([{"a": 1}, {"value": {"b": 2}}, {}])
    assert [await counts("a"), await counts("b"), await counts("c")] == [{"a": 1}, {"b": 2}, {}]
    asked([{"label": "calm"}, None])
    assert [await maybe("a"), await maybe("b")] == [Mood(label="calm"), None]
    asked([{"a": [1]}, [2]])
    assert [await anything("a"), await anything("b")] == [{"a": [1]}, [2]]


async def test_a_contract_with_a_field_called_value_is_a_record() -> None:
    client = asked([{"value": 3}])
    assert (await held("a")).value == 3
    asked([3])
    with pytest.raises(ParseFailure):
        await held("b")
    assert len(client.requests) == 1


async def test_text_is_what_the_model_said() -> None:
    asked(['{"value": "a"}', {"value": "b"}, "a", {"label": "a"}])
    assert [await chosen("a"), await chosen("b")] == ["a", "b"]
    for said in ("not valid JSON", '{"value": ...}'):
        with pytest.raises(ParseFailure, match=re.escape(said)):
            await chosen("c")


async def test_a_record_that_no_value_of_the_type_can_be_stays_the_wrong_answer_it_is() -> None:
    asked([{"n": 2}])
    with pytest.raises(ParseFailure, match=re.escape('{"value": ...}')):
        await count("a")


async def test_a_function_of_the_request_answers_with_values_too() -> None:
    with configure(client=FunctionClient(lambda request: len(request.messages))):
        assert await count("a") == 2


def test_the_program_on_the_page_runs_as_it_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(@infer.*?)^```", _PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "page.py").write_text(_NAMES + block, "utf-8")
    with configure(client=None):
        assert "rate" in runpy.run_path(str(tmp_path / "page.py"))
