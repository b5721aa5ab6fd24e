"""Promises about runs: caps, contracts, the record, crashes and resume."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["RUNS"]

README = ("README.md", "What it promises, and where the promise ends")
TODAY = ("README.md", "What runs today")
BOUNDARIES = ("docs/architecture.md", "Three boundaries")
USE = ("docs/architecture.md", "One use case")
DOCUMENT = ("docs/ir.md", "Documents")
VERBS = ("docs/ir.md", "Verbs and modifiers")
EXPRESSIONS = ("docs/ir.md", "Expressions")
REPLAY = (
    "docs/decisions/0007-replay-attempts.md",
    "7. The journal records attempts; everything else is derived again",
)
COMMANDS = (
    "docs/decisions/0008-commands-in-the-control-file.md",
    "8. Commands to a runner are rows in the control file",
)
RUNNER = (
    "docs/decisions/0009-engine-and-runner-packages.md",
    "9. The engine is a package, the runner a module of the runtime",
)
SECURITY = ("SECURITY.md", "What is guarded")

RUNS: tuple[Promise, ...] = (
    promise(
        "run.background",
        "A run goes on when the client is closed, or ends with it where the plan says so",
        BOUNDARIES,
        "core/engine/test_outliving.py",
        "core/engine/test_runs.py::test_a_run_in_the_foreground_ends_with_who_started_it",
        "core/engine/test_runs.py::test_who_stops_waiting_does_not_stop_the_run",
        "server/test_conversation.py::test_a_cancelled_call_stops_waiting_and_never_the_run",
    ),
    promise(
        "run.budget_holds",
        "The cap holds: the worst case of every request is reserved before it is sent",
        README,
        "core/runtime/test_budgets.py",
        "core/test_budget.py",
    ),
    promise(
        "run.cancel",
        "A cancel is a row in the control file: nothing new is sent, what is in flight is settled and kept",
        COMMANDS,
        "cli/test_runs.py::test_ctrl_c_stops_watching_and_the_run_can_be_cancelled",
        "core/engine/test_resuming.py::test_a_cancel_outlives_the_runner_that_did_not_come_to_read_it",
        "core/engine/test_resuming.py::test_a_cancel_that_is_there_before_the_runner_is_lets_nothing_be_sent",
        "core/engine/test_runs.py::test_a_cancelled_run_drains_and_stays_cancelled",
        "core/journal/test_control.py::test_a_cancel_reaches_the_runner_as_a_row",
        "core/runtime/test_stopping.py",
    ),
    promise(
        "run.census",
        "A run ends with its state, a count of what was done, failed by cause and possibly paid, and a receipt",
        USE,
        "cli/test_reports.py::test_a_run_shows_its_census_its_first_failures_and_its_files",
        "core/engine/test_runs.py::test_an_approved_plan_runs_to_its_result",
        "core/journal/test_journal.py::test_a_run_ends_with_its_state_and_census",
        "core/runtime/test_map.py::test_only_the_first_failures_are_shown_but_all_are_counted",
    ),
    promise(
        "run.contract_retries",
        "Answers satisfy their contract or are asked for again, a stated number of times",
        README,
        "core/runtime/test_infer.py",
    ),
    promise(
        "run.crash_safe_record",
        "Intent and reservation are one commit before a request leaves; answer and settlement one commit after",
        BOUNDARIES,
        "core/journal/test_encoding.py",
        "core/journal/test_journal.py",
        "core/journal/test_journal_model.py",
        "core/journal/test_foreign_files.py",
        "core/journal/test_sqlite.py",
    ),
    promise(
        "run.expression_faults",
        "A fault of an expression at run time is an error of the step and never buys another call",
        EXPRESSIONS,
        "core/runtime/test_flow.py::test_a_fault_in_an_expression_fails_the_flow_with_its_place",
        "core/runtime/test_infer.py::test_a_fault_inside_an_ensure_buys_no_further_call",
        "core/runtime/test_unchecked.py",
    ),
    promise(
        "run.flow",
        "Independent steps run at the same time; a step waits for what it reads and what it comes after",
        VERBS,
        "core/runtime/test_flow.py",
    ),
    promise(
        "run.for_each",
        "A list is worked through in input order, so many at once, with stated outcomes for items that fail",
        VERBS,
        "core/runtime/test_map.py",
    ),
    promise(
        "run.ids",
        "Ids are checked before they become part of a path, and one that is unknown is said to be so",
        SECURITY,
        "cli/test_bad_input.py::test_an_unknown_plan_ends_with_1",
        "cli/test_bad_input.py::test_an_unknown_run_ends_with_1",
        "core/engine/test_approvals.py::test_an_id_of_nothing_is_said_to_be_one",
        "core/journal/test_control.py::test_ids_that_are_none_are_refused_everywhere",
        "core/journal/test_sqlite.py::test_an_id_that_could_be_a_path_is_refused_and_nothing_is_made",
        "server/test_bad_input.py::test_an_unknown_plan_is_named_as_such",
        "server/test_bad_input.py::test_an_unknown_run_is_named_as_such",
    ),
    promise(
        "run.limits_of_retries",
        "At most `retries + 1 + 2` requests leave for one call; the 2 are for rate limits and server faults",
        DOCUMENT,
        "core/llm/test_litellm.py::test_under_persistent_rate_limits_each_call_is_one_request",
        "core/runtime/test_infer.py::TestTransport::test_persistent_rate_limits_cost_exactly_the_allowed_requests",
    ),
    promise(
        "run.newer_record",
        "State written by a newer version is refused and left as it is; an older one is copied before it is changed",
        SECURITY,
        "cli/test_bad_input.py::test_a_state_directory_of_a_newer_version_is_refused_untouched",
        "core/engine/test_files.py::test_a_control_file_from_a_newer_version_is_refused_untouched",
        "core/engine/test_files.py::test_a_run_from_a_newer_version_is_refused_untouched_and_the_list_still_shows_it",
        "core/journal/test_migrations.py",
        "server/test_bad_input.py::test_a_state_directory_of_a_newer_version_is_refused_untouched",
    ),
    promise(
        "run.one_owner",
        "Each run's journal has exactly one writer; a second runner leaves a live run alone",
        COMMANDS,
        "core/engine/test_runs.py::test_a_second_runner_leaves_a_live_run_alone",
        "core/journal/test_journal.py::test_once_the_run_is_opened_elsewhere_the_old_owner_cannot_write",
        "core/journal/test_sqlite.py::test_a_live_owner_keeps_every_other_process_out",
    ),
    promise(
        "run.out_file",
        "Results are written whole to csv, json or jsonl, with nested values, quotes and formulas kept harmless",
        SECURITY,
        "core/engine/test_resuming.py::test_a_folder_that_became_a_link_after_the_yes_is_not_written_through",
        "core/engine/test_resuming.py::test_a_result_that_could_not_be_written_is_written_by_resume_for_nothing",
        "core/runtime/test_output.py",
        "server/test_conversation.py::test_results_go_to_the_file_the_person_named",
    ),
    promise(
        "run.possibly_paid",
        "Calls in flight at a crash are possibly paid: charged at worst case, reported, counted in the cap",
        REPLAY,
        "core/journal/test_journal.py"
        "::test_what_was_in_flight_becomes_possibly_paid_at_its_reservation_when_the_run_is_opened_again",
        "core/runtime/test_replay.py::test_what_was_possibly_paid_counts_against_the_cap_of_the_resumed_run",
    ),
    promise(
        "run.private_state",
        "Plans, answers and results are readable by their owner only",
        SECURITY,
        "core/engine/test_runs.py::test_what_a_run_leaves_is_private",
        "core/journal/test_control.py::test_the_control_file_is_private",
        "core/journal/test_sqlite.py::test_files_and_directories_are_private",
    ),
    promise(
        "run.record_is_chained",
        "Edits, removals and reordering of a run's events, and a cut-off end, are found",
        SECURITY,
        "cli/test_runs.py::test_the_record_of_a_run_is_checked_on_request",
        "core/journal/test_chain.py",
    ),
    promise(
        "run.resume_as_approved",
        "A run goes on only as it was approved: with its plan, its prices, its record, and while the policy allows it",
        USE,
        "core/engine/test_resuming.py",
    ),
    promise(
        "run.resume_pays_nothing_twice",
        "No answer on record is paid for again, through `kill -9`",
        README,
        "core/engine/test_runs.py::test_runs_killed_at_any_moment_end_as_if_nothing_had_happened",
        "core/journal/test_sqlite.py"
        "::test_after_kill_9_in_mid_write_every_acknowledged_answer_is_there_and_the_rest_is_charged",
        "core/runtime/test_replay.py",
    ),
    promise(
        "run.runner_is_a_process",
        "The runner is a process of its own: what it imports and how it dies stay out of server and command line",
        RUNNER,
        "cli/test_processes.py::test_run_worker_becomes_the_runner",
        "core/engine/test_runs.py::test_a_runner_that_cannot_start_is_reported",
        "core/engine/test_runs.py::test_a_terminated_run_drains_and_goes_on_when_it_is_resumed",
    ),
    promise(
        "run.state_in_one_file",
        "Plans, answers, runs and commands are rows of one control file that many processes share",
        COMMANDS,
        "core/journal/test_control.py",
    ),
    promise(
        "run.what_runs_today",
        "Functions, expressions, sub-flows, `when`, `for_each` with its modifiers, retries, budgets and resume run",
        TODAY,
        "core/runtime/test_flow.py::test_a_condition_decides_whether_a_step_runs",
        "core/runtime/test_flow.py::test_a_flow_calls_flows",
        "core/runtime/test_flow.py::test_a_computed_function_keeps_its_conditions",
        "core/runtime/test_map.py::test_enough_successes_complete_the_step_and_count_the_failures",
    ),
)
