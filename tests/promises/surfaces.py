"""Promises about the surfaces: Claude Code, the MCP server, the command line."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["SURFACES"]

CLAUDE = ("README.md", "Use it from Claude Code")
LINE = ("README.md", "Use it from the command line")
TRY = ("README.md", "Try it: two commands")
SETTINGS = ("README.md", "Settings")
TODAY = ("README.md", "What runs today")
RICH = ("docs/decisions/0005-click-and-rich.md", "5. The command line is click, its terminal output is rich")
CLI = ("docs/cli.md", "The command line")
MCP = ("docs/mcp.md", "The MCP server")
OTHERS = ("docs/mcp.md", "Other clients")
LATE = (
    "docs/decisions/0012-server-imports-the-engine-late.md",
    "12. The server imports the engine at the first call",
)
NOTICE = (
    "docs/decisions/0033-told-once-in-a-session.md",
    "33. What was left undone is told once in a session",
)

SURFACES: tuple[Promise, ...] = (
    promise(
        "surface.claude.conversation",
        "In Claude Code the agent plans, the client shows the plan in its own dialog, and after your tick the job runs",
        CLAUDE,
        "claude/test_review_job.py::test_a_person_who_agrees_in_the_terminal_sees_the_plan_and_gets_the_results",
        "server/test_conversation.py::test_the_same_over_stdio_where_only_the_wire_is_written_to",
    ),
    promise(
        "surface.claude.declined",
        "A person who says no, or nothing that is a yes, gets nothing run",
        CLAUDE,
        "claude/test_review_job.py::test_a_vague_answer_is_not_a_yes",
        "server/test_approval.py::test_the_note_of_a_no_is_told",
    ),
    promise(
        "surface.claude.headless",
        "In headless mode the job ends in needs approval with the command for the person",
        CLAUDE,
        "claude/test_review_job.py::test_print_mode_ends_in_needs_approval_with_the_command_for_the_person",
        "server/test_approval.py::test_a_client_that_cannot_ask_gets_the_command_for_the_person",
    ),
    promise(
        "surface.claude.install",
        "`stratum install` sets Claude Code up in the scope you name; `--dry-run` shows what it would do",
        CLAUDE,
        "cli/test_install.py",
        "docs/test_commands.py::test_an_installation_shows_what_it_would_do",
    ),
    promise(
        "surface.claude.real_client",
        "What is said about Claude Code is tried with the real client",
        TRY,
        "claude/test_harness.py",
        "claude/test_review_job.py",
    ),
    promise(
        "surface.cli.demo",
        "The demo asks before it runs; without a terminal it stops at needs approval and says how",
        TRY,
        "cli/test_demo.py",
    ),
    promise(
        "surface.cli.documents",
        "`validate`, `plan` and `estimate` say what they find to people and to machines",
        LINE,
        "cli/test_documents.py",
        "docs/test_commands.py",
    ),
    promise(
        "surface.cli.exit_codes",
        "Every command ends with a documented exit code, and a fault inside never shows as a traceback",
        CLI,
        "cli/test_bad_input.py",
        "cli/test_runs.py::test_each_error_has_its_exit_code",
        "cli/test_runs.py::test_each_state_has_its_exit_code",
        "docs/test_statements.py::test_the_help_states_every_exit_code",
    ),
    promise(
        "surface.cli.json",
        "With `--json` stdout holds one JSON value and nothing else; without a terminal output is plain",
        RICH,
        "cli/test_documents.py::test_every_verb_that_answers_has_json_for_machines",
        "cli/test_processes.py::test_json_stands_alone_on_stdout_even_when_the_policy_is_missing",
    ),
    promise(
        "surface.cli.processes",
        "`stratum serve` and the runner are processes that replace the command",
        CLI,
        "cli/test_processes.py",
    ),
    promise(
        "surface.cli.reference",
        "The reference of the command line and of the tools is complete",
        CLI,
        "cli/test_docs.py",
    ),
    promise(
        "surface.cli.reports",
        "Plans, runs and findings are shown with what they stand at and what to do next",
        LINE,
        "cli/test_reports.py",
    ),
    promise(
        "surface.cli.runs",
        "`approve`, `execute`, `resume`, `cancel`, `runs` and `show` carry a job from a plan to its receipt",
        LINE,
        "cli/test_runs.py",
        "core/engine/test_runs.py",
    ),
    promise(
        "surface.cli.terminal_output",
        "Only the command line imports what draws on a terminal; the server's standard output is the protocol",
        RICH,
        "project/test_repository.py::test_only_the_command_line_imports_what_draws_on_a_terminal",
    ),
    promise(
        "surface.server.approval",
        "The server asks the person through the client and never decides by itself",
        MCP,
        "server/test_approval.py",
    ),
    promise(
        "surface.server.bad_input",
        "Every wrong call is answered with what is wrong and what to do; nothing is lost and nothing is paid",
        MCP,
        "core/engine/test_approvals.py",
        "core/engine/test_files.py",
        "server/test_bad_input.py",
    ),
    promise(
        "surface.server.conversation",
        "Both eras of the protocol carry the whole conversation, with progress, over stdio too",
        MCP,
        "server/test_conversation.py",
    ),
    promise(
        "surface.server.light",
        "The slow import of the provider library, and the engine's, stay out of the server's start",
        LATE,
        "project/test_imports.py::test_importing_the_server_loads_no_litellm",
        "server/test_surface.py::test_the_server_starts_without_the_engine_and_the_provider_library",
    ),
    promise(
        "surface.server.notice",
        "The first good answer of a session tells in 200 characters which runs of the project were left undone, once",
        NOTICE,
        "core/engine/test_left_over.py",
        "server/test_notice.py",
        "team/test_serve.py::test_what_was_left_undone_is_told_once_in_a_session_and_never_where_there_is_none",
    ),
    promise(
        "surface.server.other_clients",
        "The protocol's own suite passes in both revisions but for what is not offered; the Inspector finds no fault",
        OTHERS,
        "conformance/test_clients.py",
    ),
    promise(
        "surface.server.replies",
        "Replies are bounded, keep their names, and hold no text that steers a terminal",
        MCP,
        "server/test_replies.py",
    ),
    promise(
        "surface.server.roots",
        "The operator's folders count first, then the client's, then the working folder",
        MCP,
        "server/test_roots.py",
    ),
    promise(
        "surface.server.strict",
        "Tools are few, strict and described within bounds, and say which argument does not fit and what is allowed",
        MCP,
        "server/test_arguments.py",
        "server/test_surface.py",
    ),
    promise(
        "surface.settings",
        "The table of settings names exactly the variables that are read",
        SETTINGS,
        "core/engine/test_settings.py",
        "docs/test_statements.py::test_the_settings_table_names_exactly_the_variables_the_code_reads",
        "server/test_roots.py::test_folders_named_by_the_operator_count_before_the_clients",
    ),
)
