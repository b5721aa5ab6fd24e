"""Promises about a team's server: who is who, what is whose, and answers for others."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["TEAM"]

OPERATOR = ("docs/team.md", "What the operator sees")
SERVER = ("docs/team.md", "A server for a team")
REMOTE = ("docs/team.md", "Another person's yes")

TEAM = (
    promise(
        "team.another_persons_yes",
        "Above the policy's limit a named other person has to answer; their answer is final and nobody answers for "
        "themselves",
        REMOTE,
        "cli/test_team.py::test_a_person_answers_for_somebody_else_at_a_terminal",
        "cli/test_team.py::test_a_plan_that_does_not_wait_for_this_person_is_told",
        "cli/test_team.py::test_nobody_answers_for_others_inside_an_agents_shell_or_without_a_terminal",
        "core/approval/test_binding.py::test_where_the_policy_wants_a_remote_answer_a_local_one_is_refused_honestly",
        "core/engine/test_approvals.py::test_an_answer_from_this_account_is_refused_where_the_policy_wants_another",
        "core/engine/test_remote.py",
        "team/test_serve.py::test_above_the_limit_another_person_has_to_say_yes_and_it_is_signed",
        "team/test_serve.py::test_an_approver_answers_only_for_those_they_are_named_for",
        "team/test_serve.py::test_an_approver_without_a_folder_plans_nothing",
        "team/test_serve.py::test_another_persons_no_is_final",
        "team/test_serve.py::test_who_answers_for_nobody_is_refused",
    ),
    promise(
        "team.apart",
        "A person of a team sees, approves, runs and cancels only what is theirs, and reads only their folder",
        SERVER,
        "team/test_serve.py::test_a_person_plans_agrees_and_runs_over_http",
        "team/test_serve.py::test_a_persons_own_limit_for_a_day_holds_before_anything_is_sent",
        "team/test_serve.py::test_files_are_read_in_the_persons_own_folder_only",
        "team/test_serve.py::test_neither_tokens_nor_keys_are_written_anywhere",
        "team/test_serve.py::test_one_person_can_neither_see_approve_run_nor_cancel_what_is_anothers",
    ),
    promise(
        "team.operator",
        "The operator sees the runs, spending, answers and waiting plans of all people, an approver what waits",
        OPERATOR,
        "cli/test_team_people.py",
    ),
    promise(
        "team.requests",
        "A request needs a token for this address that is neither expired nor revoked, the right host and origin, "
        "and a body within the limit",
        SERVER,
        "cli/test_team.py::test_serving_over_http_needs_a_team",
        "team/test_serve.py::test_a_request_without_a_good_token_is_refused",
        "team/test_serve.py::test_a_token_for_another_address_a_revoked_and_an_expired_one_are_refused",
        "team/test_serve.py::test_another_host_a_foreign_origin_and_a_large_body_are_refused",
        "team/test_serve.py::test_an_answer_of_the_wrong_form_is_refused",
    ),
    promise(
        "team.signed",
        "Another person's answer is signed; one that was changed, or has no signature of this server, starts nothing",
        REMOTE,
        "cli/test_team.py::test_rotating_makes_a_new_key_and_says_which",
        "core/approval/test_signing.py",
        "core/engine/test_remote.py::test_a_local_answer_that_is_made_to_look_remote_starts_nothing",
        "core/engine/test_remote.py::test_an_answer_changed_in_the_control_file_starts_nothing",
    ),
    promise(
        "team.tokens",
        "A token is shown once, kept as a digest, listed without itself and revoked at once",
        SERVER,
        "cli/test_team.py::test_a_token_for_somebody_the_team_does_not_have_is_refused",
        "cli/test_team.py::test_a_token_is_shown_once_listed_without_itself_and_revoked",
        "team/test_team.py",
    ),
)
