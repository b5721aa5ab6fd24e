"""Promises about the first minutes: commands that can be typed as printed, and remedies that can be followed."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["FIRST_STEPS"]

LINE = ("docs/cli.md", "The command line")

FIRST_STEPS: tuple[Promise, ...] = (
    promise(
        "first.commands",
        "A command somebody is told to type is found where it is typed: by its full path where PATH lacks the program, "
        "with the state directory where that is not the usual one",
        LINE,
        "core/test_commands.py",
        "server/test_reviews.py::test_one_question_is_asked_and_its_answer_ends_the_run",
    ),
    promise(
        "first.counts",
        "What is counted is told in the number that fits",
        LINE,
        "core/test_counts.py",
        "cli/test_remedies.py::test_one_finding_is_one",
    ),
    promise(
        "first.examples_without_a_key",
        "The commands of the examples run as they are printed, without a key and without a login",
        ("examples/README.md", "Examples"),
        "docs/test_commands.py::test_a_command_that_costs_nothing_does_what_the_page_says",
        "docs/test_commands.py::test_a_program_is_typed_as_a_fresh_clone_has_it",
    ),
    promise(
        "first.remedies",
        "What a person is told to do can be typed at the command line; an agent hears it in the words of its tools",
        LINE,
        "cli/test_remedies.py",
    ),
    promise(
        "first.tables",
        "Tables break no id and no figure over lines, and what is piped has no width",
        LINE,
        "cli/test_widths.py",
    ),
    promise(
        "first.where_the_program_is",
        "The pages say how a terminal of a clone finds the program",
        LINE,
        "docs/test_commands.py::test_the_page_of_the_commands_says_how_a_clone_finds_the_program",
    ),
)
