"""Promises about approval: what a yes binds, how it is given, and what the operator's policy decides."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["AGREEMENT"]

README = ("README.md", "What it promises, and where the promise ends")
CHANNELS = ("docs/policy.md", "Channels")
POLICY = ("docs/policy.md", "The operator's policy file")
USE = ("docs/architecture.md", "One use case")
BOUNDARIES = ("docs/architecture.md", "Three boundaries")

AGREEMENT: tuple[Promise, ...] = (
    promise(
        "agreement.binds_exactly_one_plan",
        "Nothing runs without a yes to exactly this plan: document, file digests, model, options, cap",
        README,
        "core/approval/test_binding.py::test_a_stored_answer_binds_hash_and_cap_and_expires",
        "core/engine/test_approvals.py::test_a_changed_document_is_another_plan",
        "core/engine/test_approvals.py::test_nothing_runs_without_an_answer",
        "core/journal/test_control.py::test_an_answer_about_another_hash_is_refused",
        "core/journal/test_control.py::test_an_approval_for_another_cap_is_refused",
        "core/plan/test_build.py::test_the_hash_covers_everything_an_approval_covers",
        "server/test_approval.py::test_an_answer_counts_only_for_the_plan_it_was_given_to",
    ),
    promise(
        "agreement.changed_file_is_refused_and_the_yes_kept",
        "A file that changed after the plan is refused with both digests; nothing is paid and the yes is not used up",
        USE,
        "cli/test_runs.py::test_a_file_edited_after_the_yes_is_refused_and_nothing_is_paid",
        "core/engine/test_runs.py::test_a_file_that_changed_after_the_plan_is_refused_and_the_yes_is_kept",
        "core/plan/test_build.py::test_a_changed_file_is_refused_with_both_digests",
        "server/test_bad_input.py::test_a_file_edited_between_plan_and_execute_is_refused_and_nothing_is_paid",
    ),
    promise(
        "agreement.channels_are_local",
        "Every channel but another person's is local to the account and recorded with what it shows; none is strong",
        CHANNELS,
        "core/approval/test_channels.py::test_every_channel_but_another_persons_is_local_and_none_is_called_strong",
        "core/approval/test_channels.py::test_the_principal_is_the_account_whatever_the_environment_says",
    ),
    promise(
        "agreement.consumed_with_the_run",
        "A yes is used up in the transaction that creates its run; asked again, the plan leads to the same run",
        USE,
        "core/engine/test_approvals.py::test_a_yes_is_used_up_by_its_run_and_the_plan_keeps_leading_to_it",
        "core/engine/test_runs.py::test_executing_twice_starts_one_run",
        "core/journal/test_control.py::test_an_approved_plan_starts_one_run_and_asked_again_returns_it",
        "core/journal/test_control.py::test_four_processes_that_race_for_one_approval_get_one_run",
        "server/test_bad_input.py::test_a_consumed_approval_starts_no_second_run",
        "server/test_conversation.py::test_execute_again_gives_the_same_run_and_spends_nothing",
    ),
    promise(
        "agreement.dialog",
        "In the client's own form a tick and Accept is the only yes; a closed dialog or a vague answer decides nothing",
        CHANNELS,
        "claude/test_review_job.py::test_a_vague_answer_is_not_a_yes",
        "server/test_approval.py::test_a_closed_question_decides_nothing_and_names_the_command",
        "server/test_approval.py::test_an_answer_that_is_no_plain_yes_or_no_approves_nothing",
        "server/test_approval.py::test_the_form_has_a_required_yes_or_no_without_a_default",
    ),
    promise(
        "agreement.dialog_fits_the_screen",
        "The person is asked in four lines, with the price in the last one, never cut",
        (
            "docs/decisions/0011-four-lines-to-ask.md",
            "11. The dialog asks in four lines; the plan itself is longer",
        ),
        "claude/test_review_job.py::test_the_person_is_asked_in_four_lines_with_the_price_last",
        "core/engine/test_approvals.py::test_the_question_says_what_is_done_and_what_it_costs_last",
        "core/plan/test_describe.py::test_a_plan_fits_a_dialog_and_ends_with_the_price",
    ),
    promise(
        "agreement.enforced_in_the_engine",
        "A run is created in the engine and nowhere else, so server and command line ask for the same",
        BOUNDARIES,
        "claude/test_review_job.py::test_an_agent_that_runs_before_the_yes_is_refused_and_nothing_is_paid",
        "cli/test_bad_input.py::test_execute_without_approval_ends_with_3_and_names_the_command",
        "core/journal/test_control.py::test_without_an_answer_a_run_is_refused_with_the_command_for_the_person",
        "server/test_conversation.py::test_a_plan_is_refused_then_asked_about_then_run",
    ),
    promise(
        "agreement.expiry",
        "A plan and a yes last as long as the policy says; what has expired starts nothing and may be asked again",
        POLICY,
        "core/engine/test_approvals.py::test_a_yes_that_waited_too_long_is_asked_for_again",
        "core/engine/test_approvals.py::test_an_expired_plan_is_neither_approved_nor_run",
        "core/journal/test_control.py::test_an_expired_plan_starts_nothing_although_its_approval_stands",
        "core/journal/test_control.py::test_an_expired_yes_starts_nothing_and_may_be_given_again",
        "server/test_bad_input.py::test_an_expired_plan_can_neither_be_approved_nor_run",
    ),
    promise(
        "agreement.first_answer_stands",
        "The first answer to a plan stands, and a no is final for it",
        CHANNELS,
        "cli/test_runs.py::test_a_typed_no_is_final",
        "core/engine/test_approvals.py::test_a_no_is_final",
        "core/journal/test_control.py::test_a_no_is_final_and_never_expires",
        "core/journal/test_control.py::test_the_first_answer_wins",
        "server/test_approval.py::test_a_no_is_final_for_the_plan",
    ),
    promise(
        "agreement.flag",
        "`stratum demo --yes-under USD` approves up to that amount and nothing above it",
        CHANNELS,
        "cli/test_demo.py::test_a_flag_below_the_cap_approves_nothing",
        "cli/test_demo.py::test_with_the_flag_it_runs_to_the_end_and_writes_results",
    ),
    promise(
        "agreement.not_by_an_agent",
        "No argument of any tool approves, and nothing in a document or an argument changes the policy",
        POLICY,
        "server/test_approval.py::test_no_argument_approves",
        "server/test_surface.py::test_an_unknown_argument_is_refused_by_every_tool",
        "server/test_surface.py::test_the_instructions_fit_and_begin_with_who_approves",
    ),
    promise(
        "agreement.policy_answers",
        "Plans within everything the policy approves need no person; every other plan does",
        POLICY,
        "cli/test_demo.py::test_what_the_policy_approves_is_not_asked_about",
        "core/approval/test_binding.py::test_a_cap_up_to_the_policys_limit_needs_no_question",
        "core/approval/test_binding.py::test_the_policy_approves_what_all_of_its_conditions_name",
        "core/approval/test_binding.py::test_the_policy_leaves_to_a_person_what_it_does_not_approve",
        "core/engine/test_approvals.py::test_a_policy_does_not_answer_for_dearer_plans",
        "core/engine/test_approvals.py::test_the_operators_policy_can_answer",
        "server/test_approval.py::test_the_policy_answers_before_a_person_is_asked",
    ),
    promise(
        "agreement.policy_file_is_strict",
        "Unknown keys of the policy file are errors, and a file that others may write is refused",
        POLICY,
        "core/approval/test_policy.py",
        "docs/test_pages.py::test_the_policy_file_on_its_page_is_read_and_shows_every_key",
        "docs/test_statements.py::test_the_policy_page_states_the_defaults_and_every_channel",
        "server/test_bad_input.py::test_an_unsafe_policy_is_told_at_the_first_call",
    ),
    promise(
        "agreement.policy_holds",
        "What the policy forbids cannot be planned, and a policy that became stricter after the yes holds",
        POLICY,
        "core/approval/test_binding.py::test_everything_a_policy_forbids_is_told_at_once",
        "core/checks/test_functions.py::test_the_operators_policy_holds",
        "core/engine/test_approvals.py::test_a_policy_that_became_stricter_after_the_yes_holds",
        "core/plan/test_build.py::test_a_model_the_operator_does_not_allow_is_refused",
    ),
    promise(
        "agreement.terminal",
        "`stratum approve` shows the plan and wants a typed yes; it refuses without a terminal and in an agent's shell",
        CHANNELS,
        "cli/test_runs.py::test_a_typed_yes_approves_and_execute_shows_a_live_bar",
        "cli/test_runs.py::test_anything_else_decides_nothing",
        "cli/test_runs.py::test_approve_refuses_inside_an_agents_shell_though_it_has_a_terminal",
        "cli/test_runs.py::test_approve_refuses_without_a_terminal",
        "core/approval/test_channels.py::test_a_terminal_is_refused_inside_an_agent_and_without_a_terminal",
    ),
)
