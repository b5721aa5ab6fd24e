"""Arguments that do not fit: each tool says which, what it is and what is allowed, in our words and without a link."""

from __future__ import annotations

import pytest
from mcp.types import Tool

from stratum_core.contracts import JsonValue
from tests.server._talk import server_of, talking
from tests.support.jobs import Job

GIVEN: dict[str, JsonValue] = {"spec": "x: 1\n", "plan_id": "plan_1", "run_id": "run_1", "path": "x.py"}


def _given(tool: Tool) -> dict[str, JsonValue]:
    """Return what a tool cannot do without."""
    return {name: GIVEN[name] for name in tool.input_schema["required"]}


async def test_every_tool_names_an_unknown_argument_and_those_it_has(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        for tool in (await talk.client.list_tools()).tools:
            text = await talk.error(tool.name, **_given(tool), surprise=[1, 2])
            names = ", ".join(tool.input_schema["properties"])
            assert text == (
                f"Error executing tool {tool.name}: invalid_input: {tool.name} has no argument `surprise`\n"
                f"What to do: call {tool.name} again; its arguments are {names}"
            )


async def test_every_tool_names_an_argument_that_is_missing_or_of_the_wrong_type(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        for tool in (await talk.client.list_tools()).tools:
            missing = await talk.error(tool.name)
            wrong = await talk.error(tool.name, **dict.fromkeys(tool.input_schema["required"], 7))
            for name in tool.input_schema["required"]:
                assert f"`{name}` is missing" in missing
                assert f"`{name}` must be text; it is 7" in wrong
            assert "pydantic" not in missing + wrong
            assert "http" not in missing + wrong


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("execute", {"plan": "plan_1"}, "execute has no argument `plan` (did you mean `plan_id`?)"),
        ("plan", {"spec": "x", "input": {}}, "plan has no argument `input` (did you mean `inputs`?)"),
        (
            "plan",
            {"spec": "x", "cap": 1},
            'plan has no argument `cap` (did you mean the option, options: {"cap_usd": ...}?)',
        ),
        (
            "plan",
            {"spec": "x", "rows": 3},
            'plan has no argument `rows` (did you mean the option, options: {"rows": ...}?)',
        ),
        ("plan", {"spec": "x", "inputs": "many"}, '`inputs` must be a record of names and values; it is "many"'),
        ("plan", {"spec": "x", "options": 3}, "`options` must be a record of names and values; it is 3"),
        ("estimate_cost", {"plan_id": "p", "rows": "x"}, '`rows` must be a whole number of at least 1; it is "x"'),
        ("estimate_cost", {"plan_id": "p", "rows": 1.5}, "`rows` must be a whole number of at least 1; it is 1.5"),
        ("estimate_cost", {"plan_id": "p", "rows": 0}, "`rows` must be a whole number of at least 1; it is 0"),
        ("estimate_cost", {"plan_id": "p", "batch": "perhaps"}, '`batch` must be true or false; it is "perhaps"'),
        ("approve", {"plan_id": "p" * 201}, "`plan_id` must have at most 200 characters; it has 201"),
        ("validate", {"spec": {"stratum": "1", "a": "b" * 90}}, '`spec` must be text; it is {"stratum": "1", "a": "bb'),
    ],
)  # fmt: skip
async def test_what_was_probably_meant_is_named(
    job: Job, tool: str, arguments: dict[str, JsonValue], said: str
) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        assert said in await talk.error(tool, **arguments)


async def test_of_many_unknown_arguments_the_first_are_named_and_the_rest_counted(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        text = await talk.error("cancel", run_id="run_1", **{f"zz{number}": number for number in range(20)})
    assert text.count("has no argument") == 8
    assert "; and 12 more\n" in text


async def test_what_an_argument_holds_steers_no_terminal_and_is_cut(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        text = await talk.error("cancel", run_id="run_1", **{"\x1b[2J" + "x" * 500: "\u202e" + "y" * 5_000})
    assert text.isprintable() or set(text) & {"\n"}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 400


async def test_options_of_the_wrong_type_say_what_they_must_be(job: Job) -> None:
    arguments = job.plan_arguments()
    async with talking(server_of(job), "2025-11-25") as talk:
        text = await talk.error("plan", **{**arguments, "options": {"rows": "many", "cap": 1}})
    assert '`rows` must be a whole number; it is "many"' in text
    assert "there is no option `cap` (did you mean `cap_usd`?)" in text


async def test_every_argument_of_every_tool_has_a_type_that_is_told_in_words(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        for tool in (await talk.client.list_tools()).tools:
            for name, schema in tool.input_schema["properties"].items():
                wrong: JsonValue = [[1]] if schema["type"] != "object" else 5
                text = await talk.error(tool.name, **{**_given(tool), name: wrong})
                assert f"`{name}` must be " in text
