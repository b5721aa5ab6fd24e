"""Promises about who answers and who pays."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["MODELS"]

PAGE = ("docs/models.md", "Who answers, and who pays")
LOGIN = ("docs/models.md", "Through the login")

MODELS = (
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
