"""Promises about people inside a run: questions, answers, waiting."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["PEOPLE"]

VERBS = ("docs/ir.md", "Verbs and modifiers")
CLI = ("docs/cli.md", "The command line")
MCP = ("docs/mcp.md", "The MCP server")
ROW = (
    "docs/decisions/0014-a-wait-is-a-row.md",
    "14. Waiting for a person is a row, and the runner ends",
)
DEBATE = (
    "docs/decisions/0027-a-persons-word-ends-a-debate.md",
    "27. What a person decides ends a debate",
)
WITHDRAWN = (
    "docs/decisions/0029-questions-that-no-longer-matter.md",
    "29. A question that no longer matters is withdrawn",
)
SECURITY = ("SECURITY.md", "What is guarded")

PEOPLE: tuple[Promise, ...] = (
    promise(
        "people.answered_through_a_channel",
        "Only a person answers: through the client's form or at a terminal, never through an argument",
        SECURITY,
        "claude/test_person_decides.py",
        "cli/test_decide.py::test_an_answer_cannot_be_passed_as_an_argument",
        "cli/test_decide.py::test_it_refuses_inside_an_agents_shell_though_it_has_a_terminal",
        "server/test_reviews.py::test_an_answer_nobody_was_asked_for_counts_for_nothing",
        "server/test_reviews.py::test_no_argument_answers",
    ),
    promise(
        "people.at_the_terminal",
        "`stratum decide` shows what a run waits for and takes typed answers, for one question or all of a kind",
        CLI,
        "cli/test_decide.py",
    ),
    promise(
        "people.by_date",
        "`stratum plans` lists every plan and how it stands, `stratum audit` every answer and run by date: who and how",
        CLI,
        "cli/test_plans.py",
        "core/engine/test_plans.py",
    ),
    promise(
        "people.debate_decided",
        "What a person decides in a debate stands in the conclusion's agreed field; the plan says where it cannot",
        DEBATE,
        "core/authoring/test_human.py::test_what_a_person_decides_stands_in_the_conclusion_of_a_debate",
        "core/checks/test_flows.py::test_where_a_person_decides_the_conclusion_can_hold_every_position",
        "core/plan/test_verbs.py::test_a_decided_field_may_be_as_long_as_what_the_agents_say_there",
        "core/plan/test_verbs.py::test_every_verb_and_modifier_is_told_in_plain_words",
        "core/runtime/test_debate.py",
    ),
    promise(
        "people.first_answer_stands",
        "An answer fits its type or is refused, and of several the first stands",
        ROW,
        "cli/test_decide.py::test_being_second_is_told",
        "core/engine/test_reviews.py::test_the_first_of_two_deciders_stands_and_the_other_is_told",
        "core/journal/test_reviews.py",
    ),
    promise(
        "people.in_the_clients_form",
        "`resume` puts the questions of a run into the client's form, up to five of a kind, with nothing filled in",
        MCP,
        "server/test_reviews.py",
    ),
    promise(
        "people.lapse",
        "A question with a timeout lapses by the wall clock, also while nothing runs, and the lapse stands",
        ROW,
        "core/engine/test_reviews.py::test_a_question_lapses_while_no_process_runs",
        "core/journal/test_reviews.py::test_a_question_lapses_though_no_process_runs",
        "core/runtime/test_human.py::test_a_lapse_stands_though_somebody_answers_later_or_the_clock_is_set_back",
    ),
    promise(
        "people.shown_as_data",
        "A person sees what came from outside told as data, bounded, without what steers a terminal",
        SECURITY,
        "cli/test_decide.py::test_escapes_in_the_data_do_not_reach_the_terminal",
        "core/engine/test_reviews.py::test_a_person_sees_what_came_from_outside_told_as_data",
        "core/runtime/test_human.py::test_what_is_shown_is_bounded_and_tells_what_is_data",
    ),
    promise(
        "people.waiting_is_no_outcome",
        "Waiting is neither a success nor a failure: what does not read the answer goes on, then the run waits",
        VERBS,
        "core/runtime/test_human.py",
    ),
    promise(
        "people.waiting_without_a_process",
        "A run waits for a person without a process, and goes on after the answer without paying anything again",
        ROW,
        "core/engine/test_reviews.py",
        "server/test_reviews.py::test_a_waiting_run_is_resumed_by_another_server",
    ),
    promise(
        "people.withdrawn",
        "A question of a lost branch is withdrawn, also after a crash; a late answer is told so and changes nothing",
        WITHDRAWN,
        "cli/test_decide.py::test_a_question_that_is_withdrawn_while_it_is_read_says_so_and_takes_no_answer",
        "core/engine/test_reviews.py::test_a_runner_that_died_before_it_withdrew_a_question_leaves_that_to_the_next",
        "core/engine/test_reviews.py::test_what_a_lost_branch_asks_is_withdrawn_and_a_late_answer_changes_nothing",
        "core/journal/test_reviews.py::test_a_question_that_was_withdrawn_and_is_asked_again_waits_again",
        "core/journal/test_reviews.py::test_a_question_that_was_withdrawn_takes_no_answer_and_says_why",
        "core/runtime/test_human.py::test_a_crash_between_a_decision_and_the_withdrawal_leaves_it_to_the_next_process",
        "core/runtime/test_human.py::test_branches_that_both_ask_wait_until_one_is_answered_and_the_other_is_withdrawn",
        "core/runtime/test_human.py::test_what_was_withdrawn_waits_again_when_it_is_asked_again",
        "server/test_reviews.py::test_an_answer_to_what_was_withdrawn_meanwhile_counts_for_nothing_and_the_person_is_told",
    ),
)
