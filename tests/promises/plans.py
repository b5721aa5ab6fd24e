"""Promises about plans: data bound, cost bounded, work told in plain words, models and prices."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["PLANS"]

README = ("README.md", "What it promises, and where the promise ends")
SETTINGS = ("README.md", "Settings")
TRY = ("README.md", "Try it: two commands")
DATA = ("docs/ir.md", "Data")
SAYS = ("docs/mcp.md", "What a plan says")
USE = ("docs/architecture.md", "One use case")
BOUND = (
    "docs/decisions/0010-bytes-bound-prompt-tokens.md",
    "10. A prompt's tokens are bounded by its UTF-8 bytes",
)
DEPENDENCIES = (
    "docs/decisions/0003-runtime-dependencies.md",
    "3. Runtime dependencies, each with its reason",
)

KEYLESS = (
    "docs/decisions/0036-priced-without-a-key.md",
    "36. A plan is priced without a key, and approved only with it",
)

PLANS: tuple[Promise, ...] = (
    promise(
        "plan.bad_input",
        "Bad input is refused when you plan, on every surface: what is wrong, where, what to do",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do",
        "core/plan/test_build.py::test_an_unknown_flow_is_named_with_the_one_probably_meant",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do",
    ),
    promise(
        "plan.bad_input.10_mb_document",
        "A 10 MB document is refused by its size",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[a 10 MB document]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[a 10 MB document]",
    ),
    promise(
        "plan.bad_input.bad_rows",
        "Three bad rows of 120 are listed by row, line, column and value, and nothing is planned",
        DATA,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[3 bad rows of 120]",
        "core/plan/test_bind.py::test_all_faults_of_a_row_are_listed_at_once",
        "core/plan/test_bind.py::test_three_bad_rows_of_120_are_listed_with_row_line_column_and_value",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[3 bad rows of 120]",
    ),
    promise(
        "plan.bad_input.link_out_of_the_roots",
        "A symbolic link that leads out of the allowed folders is refused",
        DATA,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[a symlink out of the roots]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[a symlink out of the roots]",
    ),
    promise(
        "plan.bad_input.many_faults",
        "Twenty faults at once are all told",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[20 faults at once]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[20 faults at once]",
    ),
    promise(
        "plan.bad_input.many_parts",
        "Faults of flow, inputs, output and models are told together",
        USE,
        "cli/test_remedies.py::test_of_several_faults_each_comes_with_its_own_words",
        "core/plan/test_request.py",
    ),
    promise(
        "plan.bad_input.missing_column",
        "A missing column is named with the columns there are",
        DATA,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[missing column]",
        "core/plan/test_bind.py::test_a_column_fault_names_what_there_is",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[missing column]",
    ),
    promise(
        "plan.bad_input.missing_key",
        "A plan whose key is missing has its price and names the variable; it can neither be approved nor run, and no "
        "yes is used up",
        KEYLESS,
        "cli/test_bad_input.py::test_a_plan_whose_key_is_missing_is_priced_and_can_neither_be_approved_nor_run",
        "core/engine/test_approvals.py::test_a_key_that_is_gone_after_the_yes_uses_nothing_up",
        "core/engine/test_approvals.py::test_without_the_key_nobody_says_yes_but_anybody_says_no",
        "core/plan/test_build.py::test_a_plan_is_priced_without_the_key_and_says_first_that_it_cannot_be_approved",
        "server/test_bad_input.py::test_a_plan_whose_key_is_missing_is_priced_and_can_neither_be_approved_nor_run",
    ),
    promise(
        "plan.bad_input.not_yaml",
        "Text that is not YAML is refused with its line",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[not YAML]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[not YAML]",
    ),
    promise(
        "plan.bad_input.outside_the_roots",
        "A path outside the allowed folders is refused",
        DATA,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[a path outside the roots]",
        "core/engine/test_files.py::test_a_document_outside_the_allowed_folders_is_not_read",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[a path outside the roots]",
    ),
    promise(
        "plan.bad_input.unknown_flow",
        "An unknown flow is refused with the flows there are",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[unknown flow]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[unknown flow]",
    ),
    promise(
        "plan.bad_input.unpriced_model",
        "A model without a known price is refused, so that a cap means something",
        README,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do"
        "[a model without a price under a usd cap]",
        "core/plan/test_build.py::test_a_model_without_a_price_is_refused_before_anything",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do"
        "[a model without a price under a usd cap]",
    ),
    promise(
        "plan.bad_input.yaml_bomb",
        "A few hundred bytes of YAML that would unfold to gigabytes are refused at once",
        USE,
        "cli/test_bad_input.py::test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do[a YAML bomb]",
        "server/test_bad_input.py::test_a_plan_from_bad_input_is_refused_with_what_to_do[a YAML bomb]",
    ),
    promise(
        "plan.data",
        "Inputs are values or csv, json, jsonl and text files; every row is validated before the plan is made",
        DATA,
        "core/plan/test_bind.py",
    ),
    promise(
        "plan.files_inside_the_roots",
        "Files lie inside the allowed folders after links are resolved, for reading and for results",
        DATA,
        "core/plan/test_files.py",
    ),
    promise(
        "plan.likely_and_at_most",
        "The plan says what it will likely cost and what it can cost at most",
        README,
        "core/engine/test_approvals.py::test_a_what_if_estimate_leaves_the_plan_alone",
        "core/plan/test_estimate.py",
        "core/plan/test_worst_case.py",
        "server/test_conversation.py::test_an_estimate_prices_fewer_rows_lower",
    ),
    promise(
        "plan.offline_model",
        "The offline model is rule-based and needs no key; its dollars are marked as simulated",
        TRY,
        "core/llm/test_offline.py",
        "core/llm/test_offline_replies.py",
        "core/llm/test_prices.py::test_the_offline_model_is_charged_at_a_named_models_prices_and_marked_simulated",
        "core/plan/test_describe.py::test_the_offline_model_is_marked_and_nothing_leaves_the_machine",
    ),
    promise(
        "plan.one_import_of_litellm",
        "litellm is imported in one file only, at the call",
        DEPENDENCIES,
        "core/llm/test_litellm.py",
        "core/llm/test_package.py",
        "project/test_imports.py",
    ),
    promise(
        "plan.options",
        "Options are typed strictly, and nothing given means every default",
        USE,
        "cli/test_documents.py::test_options_reach_the_plan",
        "core/plan/test_options.py",
    ),
    promise(
        "plan.plain_words",
        "The plan is told in plain words by general rules: what is done, what leaves the machine, the price",
        USE,
        "core/plan/test_describe.py",
        "core/plan/test_words.py",
    ),
    promise(
        "plan.prices",
        "Prices are a dated snapshot with its source, exact to the nano-dollar; the operator's file overrides it",
        SETTINGS,
        "core/llm/test_prices.py",
        "core/test_money.py",
    ),
    promise(
        "plan.provider_failures",
        "A provider's failure is one error that says whether it may have been paid, without the provider's words",
        USE,
        "core/llm/test_failures.py",
    ),
    promise(
        "plan.provider_keys",
        "The first key found chooses the default model; a key stands in no file and no answer",
        SETTINGS,
        "core/engine/test_keys.py",
        "core/llm/test_keys.py",
    ),
    promise(
        "plan.provider_schemas",
        "Each provider gets as much of a contract as it can enforce, and the full contract still judges the answer",
        README,
        "core/llm/test_projection.py",
    ),
    promise(
        "plan.says",
        "A plan keeps every question to a person in sight, counts what it cuts, and says what closing the client does, "
        "what an earlier run saves and why a free one needs a yes",
        SAYS,
        "core/plan/test_steps.py",
        "core/plan/test_terms.py",
    ),
    promise(
        "plan.stored",
        "A stored plan opens as it was made, or not at all",
        USE,
        "core/plan/test_build.py",
    ),
    promise(
        "plan.worst_case_is_a_bound",
        "Worst cases count one token for each byte, and no answer makes a run reserve more than the plan's worst case",
        BOUND,
        "core/llm/test_prices.py::test_no_usage_within_the_bound_costs_more_than_the_worst_case",
        "core/llm/test_prompt.py::test_the_bound_of_a_request_holds_for_texts_that_grow_when_written_as_json",
        "core/plan/test_worst_case.py::test_no_answer_makes_a_run_reserve_more_than_the_worst_case",
    ),
)
