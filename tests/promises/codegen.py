"""Promises about code both ways: documents as Python modules, modules as documents."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["CODEGEN"]

PLANNED = ("docs/codegen.md", "The files of a plan")
THERE = ("docs/codegen.md", "From a document to a module")
VERIFIED = ("docs/codegen.md", "What is verified")
FILES = ("docs/codegen.md", "Files that are there")
AGREED = (
    "docs/decisions/0031-kept-python-is-part-of-the-plan.md",
    "31. The Python a plan keeps is part of the plan",
)
KEPT = ("docs/codegen.md", "With a run")
REFUSED = ("docs/codegen.md", "What has no form in Python")
BACK = ("docs/codegen.md", "From a module to a document")
STATEMENTS = (
    "docs/decisions/0022-flows-in-both-languages.md",
    "22. A flow in Python says what its document says, statement by statement",
)
TOGETHER = ("docs/library.md", "Calls that run together")

CODEGEN: tuple[Promise, ...] = (
    promise(
        "codegen.each",
        "`each` bounds its calls, keeps their order, says how many must succeed and what a failure leaves; `or_none` "
        "gives None for a failed call, and a cap that runs out is no failure",
        TOGETHER,
        "core/authoring/test_each.py",
    ),
    promise(
        "codegen.emit",
        "A module is emitted as a valid document; what no document can say is listed with its line and the reason",
        BACK,
        "core/authoring/test_emit.py",
        "core/authoring/test_emit_awaits.py",
        "cli/test_codegen.py::test_a_module_is_emitted_as_the_document_it_was_made_from",
        "cli/test_codegen.py::test_what_no_document_can_say_is_listed_and_ends_with_1",
    ),
    promise(
        "codegen.files",
        "A file that is there is never replaced unasked: the difference is shown",
        FILES,
        "cli/test_codegen.py",
        "server/test_codegen.py",
    ),
    promise(
        "codegen.functions",
        "The functions of the expression language do the same for Python values",
        THERE,
        "core/test_functions.py",
    ),
    promise(
        "codegen.hashes",
        "A generated module has the hashes of its document, reads back as the very same document, is formatted, and "
        "passes a strict type checker",
        VERIFIED,
        "core/codegen/test_modules.py",
    ),
    promise(
        "codegen.hostile",
        "No text of a document leaves its literal, comment or docstring",
        VERIFIED,
        "core/codegen/test_hostile.py",
    ),
    promise(
        "codegen.kept",
        "A persistent plan says where the job is written as Python; the run writes that text when it is done, and "
        "never over a file that is there",
        KEPT,
        "core/engine/test_persistent.py",
        "cli/test_codegen.py::test_a_persistent_run_names_the_module_it_leaves",
        "server/test_codegen.py::test_a_persistent_run_names_the_module_it_leaves",
    ),
    promise(
        "codegen.kept_as_agreed",
        "The Python a plan keeps is made and bound when it is planned, what has no form is refused there, and other "
        "plans have the hash they had",
        AGREED,
        "core/engine/test_persistent.py::TestThePlan::test_binds_the_text_and_the_place_that_are_agreed_to",
        "core/engine/test_persistent.py::TestThePlan::test_is_another_than_the_one_that_keeps_nothing",
        "core/engine/test_persistent.py::TestThePlan::test_refuses_a_document_without_a_form_in_python",
        "core/engine/test_persistent.py::TestTheRun::test_finds_its_python_there_the_second_time",
    ),
    promise(
        "codegen.layout",
        "Whatever is broken over several lines still means the same",
        THERE,
        "core/codegen/test_layout.py",
    ),
    promise(
        "codegen.planned_files",
        "A module of a plan reads the plan's files with the same columns and row checks, takes other paths, and holds "
        "neither data nor a path of the machine",
        PLANNED,
        "core/codegen/test_planned_inputs.py",
        "core/engine/test_module_inputs.py",
        "core/engine/test_persistent.py::TestTheRun::test_leaves_the_job_as_python_beside_its_result",
    ),
    promise(
        "codegen.refused",
        "What has no form in Python, or in a document, is told at once with the reason",
        REFUSED,
        "core/codegen/test_refusals.py",
    ),
    promise(
        "codegen.round_trip",
        "A generated module is emitted as the very same document, flows included",
        STATEMENTS,
        "core/authoring/test_emit.py::test_a_generated_module_is_emitted_as_its_document",
        "core/codegen/test_modules.py::test_a_module_is_read_back_as_the_very_same_document",
    ),
    promise(
        "codegen.same",
        "Under the same client a module sends the same requests and gives the same value as its document",
        THERE,
        "core/codegen/test_runs.py",
    ),
)
