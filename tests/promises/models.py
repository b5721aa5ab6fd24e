"""Promises about who answers and who pays."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["MODELS"]

PAGE = ("docs/models.md", "Who answers, and who pays")
ALIKE = ("docs/models.md", "Prompts that begin alike")
AHEAD = (
    "docs/decisions/0028-one-request-goes-ahead.md",
    "28. One request goes ahead where a prefix is kept",
)
LOGIN = ("docs/models.md", "Through the login")

MODELS = (
    promise(
        "models.alike",
        "Of a map's calls with a long common prefix one goes ahead where a provider keeps it for less; nothing else "
        "waits, and answers are the same",
        ALIKE,
        "core/runtime/test_warm_first.py",
        "core/runtime/test_warm_first_wire.py",
    ),
    promise(
        "models.alike_bounded",
        "Who waits for a first request reserves nothing, is freed by its failure, a stop or ten seconds, and never "
        "waits under a time cap",
        AHEAD,
        "core/runtime/test_warm_first.py::test_a_first_request_that_fails_lets_the_others_go",
        "core/runtime/test_warm_first.py::test_nobody_waits_longer_than_a_bounded_time",
        "core/runtime/test_warm_first.py::test_what_has_a_time_cap_never_waits",
        "core/runtime/test_warm_first.py::test_who_waits_is_woken_by_a_stop_before_the_first_has_answered",
    ),
    promise(
        "models.alike_counted",
        "Kept prefixes are marked where the provider wants that, and what was read and written is priced as such",
        ALIKE,
        "core/llm/test_litellm.py::test_a_long_anthropic_prompt_marks_the_shared_prefix_and_not_the_retry_block",
        "core/llm/test_litellm.py::test_a_system_text_is_marked_sooner_than_an_input",
        "core/llm/test_litellm.py::test_an_anthropic_call_counts_cached_and_written_tokens_within_the_prompt",
        "core/llm/test_prices.py::test_the_least_a_provider_keeps_is_that_of_the_model",
    ),
    promise(
        "models.default",
        "Without a key the login is the default where its program is there; any provider's key goes before it",
        PAGE,
        "core/llm/test_claude_cli.py::test_without_a_key_the_login_is_the_default_and_any_key_goes_before_it",
        "core/llm/test_claude_cli.py::test_without_the_program_it_says_what_can_be_done",
    ),
    promise(
        "models.login",
        "Through the login a call is one request without tools or settings, inside the plan's bounds and told as such",
        LOGIN,
        "claude/test_login.py",
        "core/llm/test_claude_cli.py",
    ),
    promise(
        "models.missing",
        "What a model lacks is named as what it is, a key's variable or the login's program, with what to do",
        PAGE,
        "core/engine/test_keys.py::test_a_run_that_needs_a_login_whose_program_is_gone_says_so_on_resume",
        "core/llm/test_keys.py::test_a_key_that_is_missing_is_told_by_its_variable_with_the_ways_to_a_model",
        "core/llm/test_keys.py::test_a_login_without_its_program_lacks_a_program_and_no_variable",
        "install/test_doctor.py::TestConfiguration::test_a_login_without_its_program_is_told_as_that",
    ),
)
