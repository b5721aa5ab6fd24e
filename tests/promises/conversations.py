"""Promises about whole conversations in Claude Code, and what a developer can look at in them."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["CONVERSATIONS"]

PAGE = "docs/conversations.md"
TESTS = "claude/test_conversations.py::"
SERVER = ("docs/mcp.md", "The MCP server")
COMMANDS = ("docs/cli.md", "The command line")

CONVERSATIONS: tuple[Promise, ...] = (
    promise(
        "conversations.alone",
        "The server without the plugin plans, asks and runs, also where the agent has to look for its tools",
        (PAGE, "Without the plugin"),
        TESTS + "test_without_the_plugin_the_server_alone_plans_asks_and_runs",
    ),
    promise(
        "conversations.cap",
        "A run that came to its cap goes on after the person named a higher one in a dialog",
        (PAGE, "The cap runs out"),
        TESTS + "test_a_run_that_came_to_its_cap_goes_on_after_the_person_named_a_higher_one",
    ),
    promise(
        "conversations.changed",
        "A change is a new plan with a new question; the plan before it never runs",
        (PAGE, "A change"),
        TESTS + "test_a_no_runs_nothing_and_a_change_is_a_new_plan_with_a_new_question",
    ),
    promise(
        "conversations.debate",
        "What a debate leaves open is asked in the chat, and can be answered in a later session",
        (PAGE, "The answer on another day"),
        TESTS + "test_what_a_debate_leaves_open_is_asked_in_the_chat_and_can_be_answered_in_another_session",
    ),
    promise(
        "conversations.developer",
        "A developer sees graph, functions, budgets and prompts as text, takes the plan as Python and runs it",
        (PAGE, "A developer's look"),
        TESTS + "test_a_developer_looks_into_a_plan_takes_it_as_python_and_runs_that",
        TESTS + "test_lasting_work_becomes_infer_python_as_the_skill_says",
    ),
    promise(
        "conversations.headless",
        "Without a person nothing runs, and the command for the person is named",
        (PAGE, "Without a person"),
        TESTS + "test_in_print_mode_the_plan_waits_for_a_person_and_names_the_command",
    ),
    promise(
        "conversations.killed",
        "A session that was cut off is picked up in the next one, which names it at its start; nothing is paid twice",
        (PAGE, "A session that was cut off"),
        TESTS + "test_a_run_that_was_killed_with_its_session_goes_on_in_the_next_and_pays_nothing_twice",
    ),
    promise(
        "conversations.outline",
        "A plan can be read with its steps, contracts, conditions, budgets and compiled prompts, and without its data",
        SERVER,
        "core/engine/test_outline.py",
        "server/test_surface.py::test_a_plan_can_be_read_as_a_developer_does",
    ),
    promise(
        "conversations.outline-command",
        "`stratum show PLAN --outline` writes the same",
        COMMANDS,
        "cli/test_runs.py::test_show_writes_the_outline_of_a_plan",
    ),
    promise(
        "conversations.plain",
        "A plain request is one plan in plain words that is seen, one dialog, live progress, one line and a file",
        (PAGE, "A plain request"),
        TESTS + "test_a_plain_request_becomes_a_plan_a_question_live_progress_and_a_file",
    ),
)
