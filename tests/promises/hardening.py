"""Promises about the runner process, and about what hostile input, files and accounts can do."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["HARDENING"]

OUTLIVES = ("docs/runner.md", "What a runner outlives, and what ends it")
LIMITS = ("docs/limits.md", "Limits")
SECURITY = ("SECURITY.md", "What is guarded")
WARM = ("docs/runner.md", "Warm start")

HARDENING: tuple[Promise, ...] = (
    promise(
        "harden.canary_keys",
        "No key is in anything a run writes, sends or says, whatever providers quote back",
        SECURITY,
        "hardening/test_canary_keys.py",
    ),
    promise(
        "harden.fuzz",
        "Whatever bytes, values and ids come, every use case answers soon and writes nothing anywhere else",
        SECURITY,
        "hardening/test_fuzz.py",
    ),
    promise(
        "harden.left_over",
        "The list of runs ends with what was left undone and what it has cost",
        OUTLIVES,
        "cli/test_reports.py::test_the_list_of_runs_ends_with_what_was_left_undone",
    ),
    promise(
        "harden.limits",
        "Each limit on documents and data is hit before anything is paid, and the answer names it",
        LIMITS,
        "core/checks/test_extent.py",
        "core/ir/expressions/test_limits.py",
        "core/plan/test_scale.py::test_a_walk_follows_so_many_steps_and_items",
        "core/plan/test_scale.py::test_a_walk_gives_up_behind_them_and_says_what_to_do",
        "hardening/test_limits_of_a_plan.py",
    ),
    promise(
        "harden.looking_is_not_holding",
        "Those who look whether a run is held do not take one another for its holder",
        OUTLIVES,
        "core/journal/test_sqlite.py::test_those_who_look_whether_a_run_is_held_do_not_take_one_another_for_its_holder",
    ),
    promise(
        "harden.memory_limit",
        "A runner that comes to the operator's memory limit drains, and its run says why and goes on later",
        OUTLIVES,
        "core/engine/test_memory_limit.py",
        "core/runtime/test_worker_statuses.py",
    ),
    promise(
        "harden.ordinary_account",
        "What Stratum makes is for its owner only, whatever the umask, and rights that are missing are told",
        SECURITY,
        "hardening/test_ordinary_account.py",
    ),
    promise(
        "harden.outlives",
        "A run goes on when whoever started it is killed with its whole process group; SIGTERM drains it",
        OUTLIVES,
        "core/engine/test_outliving.py",
        "core/engine/test_runs.py::test_a_terminated_run_drains_and_goes_on_when_it_is_resumed",
    ),
    promise(
        "harden.paths",
        "No name of a file, a result or a module leads out of the project, through links neither",
        SECURITY,
        "hardening/test_paths_and_links.py",
    ),
    promise(
        "harden.proxies",
        "A plan whose requests may go through a proxy says so",
        SECURITY,
        "hardening/test_proxies.py",
    ),
    promise(
        "harden.texts",
        "No text a person sees has a character that acts",
        SECURITY,
        "hardening/test_texts_people_see.py",
    ),
    promise(
        "harden.warm_start",
        "A runner gets ready while the person reads, works on nothing that was not approved, and ends when unused",
        WARM,
        "core/engine/test_warm_start.py",
        "server/test_approval.py::test_while_the_person_reads_a_runner_gets_ready_which_a_no_ends",
    ),
)
