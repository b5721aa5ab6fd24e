"""Promises about the plugin for Claude Code."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["PLUGIN"]

PAGE = "docs/claude-code.md"
INSTALL = (PAGE, "Install")
BRINGS = (PAGE, "What it brings")
COSTS = (PAGE, "What it costs")
HOOKS = (PAGE, "Hooks")
AROUND = (PAGE, "Ways around the guard on the shell")
LIMITS = (PAGE, "What no hook can stop")
DECISION = (
    "docs/decisions/0018-hooks-guard-the-hasty.md",
    "18. Hooks deny, fail closed, and are not the boundary",
)
FOLDERS = (
    "docs/decisions/0035-two-folders-that-are-not-there.md",
    "35. Two folders that are not there: commands of the plugin, and back ends of the runtime",
)

PLUGIN: tuple[Promise, ...] = (
    promise(
        "plugin.around",
        "The page says of each way around the guard on the shell whether it is stopped",
        AROUND,
        "claude/test_hooks_shell.py::test_the_page_says_the_truth_about_what_is_stopped",
    ),
    promise(
        "plugin.closed",
        "A guard that fails refuses, and an agent cannot switch it off by a permission mode",
        HOOKS,
        "claude/test_hooks.py::TestFailingClosed",
        "claude/test_plugin_session.py::test_without_a_python_the_guard_refuses",
        "claude/test_plugin_session.py::test_approving_in_the_shell_is_refused_in_every_permission_mode",
    ),
    promise(
        "plugin.commands",
        "What is typed as a slash command is a skill; a run takes its journal, clients, questions and clock as ports",
        FOLDERS,
        "claude/test_plugin.py::TestFiles::test_the_page_names_every_hook_skill_and_part",
        "core/runtime/test_replay.py::test_a_finished_run_is_replayed_without_a_request",
    ),
    promise(
        "plugin.cost",
        "What the plugin costs in tokens and in time is measured by a command, and stays within its bounds",
        COSTS,
        "claude/test_plugin.py::test_the_figures_on_the_page_are_those_that_are_measured",
    ),
    promise(
        "plugin.decided",
        "Guards deny and fail closed, read the shell's language, and leave code generation to the client's permissions",
        DECISION,
        "claude/test_hooks.py::TestAllowTools",
        "claude/test_hooks.py::TestFailingClosed",
        "claude/test_hooks_shell.py::test_ordinary_commands_pass_without_a_word",
    ),
    promise(
        "plugin.files",
        "Manifests, server entry, hooks and skills are in step with each other and with the server",
        BRINGS,
        "claude/test_plugin.py::TestFiles",
    ),
    promise(
        "plugin.hooks",
        "Each hook does what its row says",
        HOOKS,
        "claude/test_hooks.py",
        "claude/test_hooks_shell.py",
        "claude/test_hooks_state.py",
        "claude/test_plugin_session.py",
    ),
    promise(
        "plugin.install",
        "Two commands install it from a clone or from an installed package",
        INSTALL,
        "claude/test_plugin.py::TestRealClient",
        "claude/test_plugin.py::TestWheel",
        "claude/test_plugin.py::test_the_package_says_where_the_plugin_is",
    ),
    promise(
        "plugin.limits",
        "A hook that was planted behind the client's back does not answer in a session that runs",
        LIMITS,
        "claude/test_plugin_session.py::test_a_hook_planted_behind_the_clients_back_does_not_answer",
    ),
    promise(
        "plugin.seen",
        "The person reads the plan in the server's words, and at the start what was interrupted",
        HOOKS,
        "claude/test_plugin_session.py::test_the_person_reads_the_plan_in_the_servers_words_and_is_asked_once",
        "claude/test_plugin_session.py::test_a_session_starts_with_what_was_interrupted_and_the_agent_knows_it_too",
    ),
)
