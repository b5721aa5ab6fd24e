"""Promises about documents: how they are read, typed, checked, evaluated and hashed."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["DOCUMENTS"]

README = ("README.md", "What it promises, and where the promise ends")
DOCUMENT = ("docs/ir.md", "Documents")
VERBS = ("docs/ir.md", "Verbs and modifiers")
EXPRESSIONS = ("docs/ir.md", "Expressions")
HASHES = ("docs/ir.md", "Hashes")
ERRORS = ("docs/errors.md", "Diagnostics")
CLI = ("docs/cli.md", "The command line")
JSON = ("docs/decisions/0006-values-are-json.md", "6. Inside the runtime a value is JSON")

DOCUMENTS: tuple[Promise, ...] = (
    promise(
        "document.conformance",
        "Conformance files say what every implementation has to agree on: faults, hashes, layout, plan",
        ("tests/corpus/ir/README.md", "Conformance files"),
        "core/ir/test_conformance_files.py",
    ),
    promise(
        "document.every_fault_at_once",
        "Every fault of a document in one pass, with place and fix, before anything is called",
        README,
        "cli/test_bad_input.py::test_validate_shows_every_fault_with_its_place_and_its_line",
        "core/checks/test_flows.py::test_a_broken_flow_does_not_keep_the_others_from_being_checked",
        "core/checks/test_one_pass.py",
        "core/checks/test_upstream_faults.py",
        "core/ir/test_load_shape.py::test_many_faults_are_reported_in_one_pass_in_document_order",
        "server/test_bad_input.py::test_every_fault_of_a_document_arrives_at_once_with_its_place",
    ),
    promise(
        "document.expressions.bounded",
        "Evaluation is bounded in characters, depth, parts, work and size; patterns run in linear time",
        EXPRESSIONS,
        "core/ir/expressions/test_garbage.py",
        "core/ir/expressions/test_limits.py",
        "core/ir/expressions/test_patterns.py",
        "docs/test_statements.py::test_the_reference_states_the_limits_of_the_code",
    ),
    promise(
        "document.expressions.foreign_spellings",
        "Spellings of other languages are diagnostics with a fix that gives a valid expression of the same meaning",
        EXPRESSIONS,
        "core/ir/expressions/test_foreign.py",
    ),
    promise(
        "document.expressions.like_python",
        "Expressions are a strict subset of Python's and mean what CPython says",
        EXPRESSIONS,
        "core/ir/expressions/test_against_cpython.py",
        "core/ir/expressions/test_conformance.py",
        "core/ir/expressions/test_evaluate.py",
        "core/ir/expressions/test_parse.py",
    ),
    promise(
        "document.expressions.typed",
        "Every expression is typed before anything runs: unknown fields, possible nulls, tests that cannot hold",
        EXPRESSIONS,
        "core/ir/expressions/test_findings.py",
        "core/ir/expressions/test_types.py",
    ),
    promise(
        "document.fixes",
        "A fix removes its diagnostic and adds none; an edit changes exactly the value it names",
        ERRORS,
        "core/checks/test_corpus.py::test_a_fix_removes_its_diagnostic",
        "core/ir/test_load_shape.py::test_a_fix_mends_the_document",
        "core/ir/test_positions.py::test_no_edit_changes_anything_but_the_value_it_names",
    ),
    promise(
        "document.hash",
        "`ir_hash` names a document's meaning: layout and written-out defaults do not change it, what is done does",
        HASHES,
        "core/contracts/test_hash.py",
        "core/ir/test_canonical.py",
        "core/ir/test_dump.py",
    ),
    promise(
        "document.hostile_text",
        "Text that is no document, too large, too deep or full of aliases is refused at its place; nothing raises",
        DOCUMENT,
        "core/engine/test_hostile.py",
        "core/ir/test_hostile_text.py",
    ),
    promise(
        "document.mended",
        "`validate --fix` makes every certain fix and changes nothing else; `fmt` prints the one layout",
        CLI,
        "cli/test_mending.py",
        "core/checks/test_free_ids.py",
        "core/checks/test_missing_inputs.py",
        "core/checks/test_repair.py",
        "core/ir/test_edits.py",
    ),
    promise(
        "document.one_bad_document_a_code",
        "Codes are stable, and `tests/corpus/bad` holds a document for each",
        ERRORS,
        "core/checks/test_catalogue.py",
        "core/checks/test_corpus.py",
        "core/ir/test_exports.py",
    ),
    promise(
        "document.opaque",
        "Data marked `opaque` never stands in instruction text",
        README,
        "core/checks/test_opaque.py",
        "core/llm/test_prompt.py",
        "core/runtime/test_opaque.py",
    ),
    promise(
        "document.positions",
        "Every finding has its place: path, line and column, also inside expressions and JSON",
        ERRORS,
        "core/ir/test_diagnostics.py",
        "core/ir/test_positions.py",
        "core/ir/test_yaml_clean.py",
    ),
    promise(
        "document.schema",
        "The published schema takes every document the loader takes and refuses what has a bad shape",
        DOCUMENT,
        "cli/test_documents.py::test_schema_is_json_and_the_guide_is_text",
        "core/ir/test_ir_schema.py",
    ),
    promise(
        "document.shape",
        "A document has its contracts, functions and flows, with the defaults the reference states",
        DOCUMENT,
        "core/checks/test_functions.py",
        "core/checks/test_program.py",
        "core/ir/test_load_shape.py",
        "docs/test_statements.py::test_a_page_states_the_default",
        "docs/test_statements.py::test_what_is_left_out_has_the_defaults_the_pages_state",
    ),
    promise(
        "document.steps",
        "A step reads only the input and earlier steps, and has the type of its verb and modifiers",
        VERBS,
        "core/checks/test_flows.py",
        "core/checks/test_step_values.py",
    ),
    promise(
        "document.types",
        "Types are written in short or long form; spellings of other languages are told what to write",
        DOCUMENT,
        "core/contracts/test_type_json.py",
        "core/ir/test_type_text.py",
    ),
    promise(
        "document.values",
        "A value satisfies its contract and comes back in one normal form, or every fault is told with its path",
        JSON,
        "core/contracts/test_relations.py",
        "core/contracts/test_schema.py",
        "core/contracts/test_values.py",
    ),
)
