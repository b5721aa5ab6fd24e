"""Promises about the verbs and modifiers whose outcome is decided between several answers, and about answers reused."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["LANGUAGE"]

DOCUMENT = ("docs/ir.md", "Documents")
VERBS = ("docs/ir.md", "Verbs and modifiers")
DATA = ("docs/ir.md", "Data")
TODAY = ("README.md", "What runs today")
CONTENT = (
    "docs/decisions/0015-answers-by-content.md",
    "15. Answers are found again by the content of their question",
)
ALONE = ("docs/decisions/0013-registered-files-run-alone.md", "13. Registered code is one file, run alone")
REGISTERED = ("docs/policy.md", "Registered Python functions")
GUIDE = ("stratum_core/ir/guide.md", "Stratum IR on one page")
EXAMPLES = ("examples/README.md", "Orders and tasks: work without a model")

LANGUAGE: tuple[Promise, ...] = (
    promise(
        "language.cache",
        "With `cache` equal questions of a run are paid once, and with `cache: global` those of later runs, too",
        DOCUMENT,
        "core/runtime/test_cache.py",
    ),
    promise(
        "language.debate",
        "Agents of a debate argue in rounds until they agree, then one concludes; if they do not, `unresolved` decides",
        VERBS,
        "core/runtime/test_debate.py",
    ),
    promise(
        "language.debate_as_its_contract",
        "A verdict may stand where the synthesizer's plain contract is wanted; `converged` is left out there",
        VERBS,
        "core/checks/test_step_values.py::test_a_debate_gives_the_synthesizers_contract_and_converged",
        "core/runtime/test_debate.py::test_a_verdict_may_be_passed_on_as_the_plain_contract",
        "core/runtime/test_narrow.py",
    ),
    promise(
        "language.examples_without_a_model",
        "The examples without a model give the results their page tells",
        EXAMPLES,
        "core/engine/test_examples.py",
    ),
    promise(
        "language.fallbacks",
        "The next of `fallbacks` is asked when a model cannot answer, and never because an answer broke its contract",
        DOCUMENT,
        "core/runtime/test_fallbacks.py",
        "core/plan/test_verbs.py::test_a_chain_of_models_is_priced_at_its_dearest_with_one_request_more_for_each",
        "core/plan/test_verbs.py::test_models_that_step_in_are_listed_checked_and_asked_for_their_keys",
    ),
    promise(
        "language.guide",
        "The one-page guide is at most 6 KB, and everything it says of types, steps and expressions holds",
        GUIDE,
        "docs/test_guide.py",
    ),
    promise(
        "language.losers_cost",
        "Of a branch that did not decide only the cost is kept, and it counts against every cap around it",
        VERBS,
        "core/runtime/test_census.py",
        "core/runtime/test_parallel_resumed.py"
        "::test_what_losers_have_cost_counts_against_the_caps_around_them_in_a_resumed_run",
        "core/runtime/test_race.py::test_a_loser_leaves_its_cost_and_nothing_else",
        "core/runtime/test_race.py::test_no_cap_is_passed_and_nothing_left_open_whoever_wins",
    ),
    promise(
        "language.parallel",
        "`parallel` waits for all branches, the first, so many, or each to its end; what is not needed is cut off",
        VERBS,
        "core/runtime/test_parallel.py",
        "core/runtime/test_parallel_resumed.py",
    ),
    promise(
        "language.priced",
        "The price of a plan counts every vote, iteration, round, branch and stand-in",
        VERBS,
        "core/plan/test_verbs.py",
    ),
    promise(
        "language.python_is_pinned",
        "A document names registered code and nothing else; code that changed after the yes does not run",
        ALONE,
        "core/engine/test_registered.py",
        "core/test_registry.py",
        "core/runtime/test_registered.py::test_code_that_changed_after_the_plan_does_not_run",
    ),
    promise(
        "language.python_runs_alone",
        "Registered code runs in a process of its own without keys, limited in time, memory and output",
        REGISTERED,
        "core/runtime/test_registered.py",
    ),
    promise(
        "language.quorum",
        "With `quorum` the answer is one that enough votes agree on; no vote is sent unless there is room for all",
        DOCUMENT,
        "core/checks/test_functions.py::test_a_quorum_is_complete_decides_and_names_a_plain_field",
        "core/runtime/test_quorum.py",
    ),
    promise(
        "language.race",
        "The first branch of a race that succeeds wins, and a resumed run knows the same winner",
        VERBS,
        "core/runtime/test_race.py",
    ),
    promise(
        "language.refine",
        "With `refine` a function is asked again with feedback until its condition holds, so many times and no more",
        DOCUMENT,
        "core/checks/test_functions.py::test_refine_reads_the_check_the_result_and_the_inputs",
        "claude/test_code_until_tests_pass.py",
        "core/runtime/test_refine.py",
    ),
    promise(
        "language.reuse",
        "`reuse` takes the answers of an earlier run wherever the same question is asked; only what is new is paid for",
        DATA,
        "core/engine/test_reuse.py",
    ),
    promise(
        "language.reuse_is_by_content",
        "An answer is known by its question and not by its place, and one that breaks a condition is not taken",
        CONTENT,
        "core/engine/test_reuse.py::test_an_answer_that_breaks_a_condition_is_neither_taken_nor_counted",
        "core/engine/test_reuse.py::test_only_new_rows_are_paid_however_rows_were_inserted_removed_or_doubled",
        "core/runtime/test_cache.py::test_a_global_answer_serves_later_runs_and_none_of_another_definition",
    ),
    promise(
        "language.same_after_a_crash",
        "A crash at any write changes no outcome of branches, votes, rounds or iterations, and nothing is paid twice",
        VERBS,
        "core/runtime/test_cache.py::test_a_crash_anywhere_pays_nothing_twice_whoever_asks_first",
        "core/runtime/test_debate.py::test_a_crash_at_any_write_costs_nothing_that_is_on_record",
        "core/runtime/test_fallbacks.py::test_a_crash_anywhere_changes_nothing_but_what_was_in_flight",
        "core/runtime/test_parallel_resumed.py"
        "::test_a_crash_at_any_write_costs_nothing_that_is_on_record_and_changes_no_result",
        "core/runtime/test_quorum.py::test_a_crash_anywhere_changes_nothing_but_what_was_in_flight",
        "core/runtime/test_race.py::test_a_crash_at_any_write_costs_nothing_that_is_on_record_and_changes_no_winner",
        "core/runtime/test_refine.py::test_a_crash_anywhere_changes_nothing_but_what_was_in_flight",
    ),
    promise(
        "language.sent_to_each_model",
        "The plan names, for every verb, the data that each model is sent",
        VERBS,
        "core/plan/test_sent.py",
    ),
    promise(
        "language.whole",
        "The whole document language runs: every verb and every modifier of functions and steps",
        TODAY,
        "core/checks/test_program.py::test_branches_are_kept_in_order_with_their_calls",
        "core/checks/test_program.py::test_modifiers_of_a_model_call_are_kept",
        "core/engine/test_branches.py",
        "docs/test_statements.py::test_every_page_tells_that_the_whole_language_runs",
        "docs/test_statements.py::test_the_reference_tells_of_every_verb_and_modifier",
    ),
)
