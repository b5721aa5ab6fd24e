"""Promises about the Python library: contracts, functions and flows written as Python."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["LIBRARY"]

TYPES = ("docs/library.md", "Types and contracts")
OPAQUE = ("docs/library.md", "Opaque data")
CONDITIONS = ("docs/library.md", "Conditions")
CONFORMANCE = ("docs/conformance.md", "Figures")
DECORATION = ("docs/library.md", "What is checked when a function is decorated")

START = ("docs/library.md", "Start")
CALLS = ("docs/library.md", "Calls")
FLOWS = ("docs/library.md", "Flows and budgets")
TOGETHER = ("docs/library.md", "Calls that run together")
PEOPLE = ("docs/library.md", "People")
DURABLE = ("docs/library.md", "Durable flows")
DATA = ("docs/library.md", "Data from files")
SETTINGS = ("docs/library.md", "Settings")
AMONG = ("docs/library.md", "Scripts, threads, notebooks, web handlers")
ERRORS = ("docs/library.md", "Errors")

RUNS = (
    "docs/decisions/0020-library-runs.md",
    "20. A flow in Python is a run: paths from inputs, a stop for each call, and one import for the name",
)

MEANING = (
    "docs/decisions/0021-python-conditions-and-types.md",
    "21. Python means what a document means, or says that it does not",
)

LATE = (
    "docs/decisions/0034-the-library-runs-late.md",
    "34. The library loads what runs with the first call",
)

LIBRARY: tuple[Promise, ...] = (
    promise(
        "library.among_others",
        "Scripts, threads, running loops, FastAPI and strict type checkers take the library as it is, and importing it "
        "loads no provider's library",
        AMONG,
        "core/authoring/test_interop.py",
        "core/authoring/test_web.py",
    ),
    promise(
        "library.calls",
        "Every result type is validated, defaults are sent, a broken answer goes back with the actual value, a refused "
        "key is not tried again, and compute and infer functions are called alike",
        CALLS,
        "core/authoring/test_calls.py",
        "core/authoring/test_repeated_calls.py",
    ),
    promise(
        "library.conditions",
        "A lambda and the text it could have been are the same condition; what only Python can judge runs as Python "
        "and is marked",
        CONDITIONS,
        "core/authoring/test_conditions.py",
    ),
    promise(
        "library.conformance",
        "Every rule of the library and every known defect of its kind has a test; a cap holds for a hundred calls at "
        "once, prompts do not grow, and a call makes no more requests than it has attempts",
        CONFORMANCE,
        "core/authoring/test_conformance.py",
        "project/test_requirements.py::test_a_rule_of_the_library_is_shown_by_tests_that_exist",
    ),
    promise(
        "library.contracts",
        "@contract stands on a pydantic model with fixed fields; a plain class and a contract that holds itself are "
        "refused",
        TYPES,
        "core/authoring/test_contract_classes.py",
    ),
    promise(
        "library.data",
        "A program reads files as a plan does: formats, columns, and errors that name each bad row",
        DATA,
        "core/authoring/test_data.py",
    ),
    promise(
        "library.decoration",
        "What is wrong with a definition is told when it is decorated, with its place and what to write instead",
        DECORATION,
        "core/authoring/test_analysis.py",
        "core/authoring/test_misuse.py",
    ),
    promise(
        "library.durable",
        "A durable flow that is run again answers from its record what was paid for, and takes no record of anything "
        "else",
        DURABLE,
        "core/authoring/test_durable.py",
        "core/authoring/test_durable_tasks.py",
    ),
    promise(
        "library.durable_is_shown",
        "`stratum runs` and `stratum show` show the durable flows that keep their records in the state directory, and "
        "no command acts on one",
        DURABLE,
        "cli/test_library_flows.py",
        "core/engine/test_library_flows.py",
    ),
    promise(
        "library.error_fields",
        "What is read of an error is an attribute with a type, also after a pickle, and the page has them all",
        ERRORS,
        "core/authoring/test_error_fields.py",
    ),
    promise(
        "library.errors",
        "Errors of calls have a code, a remedy and a detail, and pickle",
        ERRORS,
        "core/authoring/test_client_errors.py",
        "core/authoring/test_calls.py::test_errors_of_calls_survive_a_process_border",
    ),
    promise(
        "library.flows",
        "A call is charged to its function's budget and to every flow around it, branches together never exceed a cap, "
        "and flows at the same time share nothing",
        FLOWS,
        "core/authoring/test_flows.py",
    ),
    promise(
        "library.late",
        "A program loads only what it runs: importing and decorating load neither the runtime nor a client, and "
        "nothing loads what only plans and documents need",
        LATE,
        "core/authoring/test_light_import.py",
        "core/test_late.py",
    ),
    promise(
        "library.one_meaning",
        "What Python and documents share has the same hash, and what only Python can judge is marked",
        MEANING,
        "core/authoring/test_hashes.py",
        "core/authoring/test_conditions.py",
    ),
    promise(
        "library.opaque",
        "Opaque data, however deep in an argument, stands in a delimited attachment and never in instruction text",
        OPAQUE,
        "core/authoring/test_opaque.py",
    ),
    promise(
        "library.people",
        "A question to a person is answered once, by a value of its type, in wall-clock time outside the budget",
        PEOPLE,
        "core/authoring/test_human.py",
    ),
    promise(
        "library.runs",
        "A call stands at a path of its scope and inputs, ends alone, is asked without a price only where no money cap "
        "stands around it, and never outside its flow's loop and life",
        RUNS,
        "core/authoring/test_calls.py::test_a_refused_key_ends_its_call_and_leaves_the_flow_to_ask_another_provider",
        "core/authoring/test_calls.py::test_without_a_money_cap_a_model_without_a_price_is_asked_and_its_cost_is_unknown",
        "core/authoring/test_durable.py::test_a_durable_flow_inside_one_that_keeps_no_record_is_refused",
        "core/authoring/test_flows.py::test_a_call_outlives_its_flow_only_as_an_error",
        "core/authoring/test_interop.py::test_a_call_in_another_loop_than_its_flow_is_refused_for_its_cap_could_not_hold",
        "core/authoring/test_interop.py::test_importing_an_error_does_not_load_the_library",
        "core/authoring/test_together.py::test_calls_of_a_branch_stand_inside_it_wherever_they_run",
    ),
    promise(
        "library.same_hashes",
        "A contract, a function and its prompt have the same hashes in Python and in a document",
        TYPES,
        "core/authoring/test_bodies.py",
        "core/authoring/test_hashes.py",
    ),
    promise(
        "library.settings",
        "Settings hold for what starts after them, and a with block takes them back",
        SETTINGS,
        "core/authoring/test_interop.py::test_settings_of_a_with_block_end_with_it",
        "core/authoring/test_interop.py::test_a_setting_that_makes_no_sense_is_refused_and_changes_nothing",
        "core/authoring/test_flows.py::test_settings_hold_for_a_flow_from_its_start",
    ),
    promise(
        "library.start",
        "What the page shows runs as it is, without a key",
        START,
        "docs/test_library_page.py",
    ),
    promise(
        "library.together",
        "parallel, race and debate end together: what is given up is cancelled and its cost counted",
        TOGETHER,
        "core/authoring/test_together.py",
    ),
    promise(
        "library.types",
        "Annotations are read as the types documents have, values are held to them in both directions, and what no "
        "document could write is refused with what to write instead",
        TYPES,
        "core/authoring/test_types.py",
        "core/authoring/test_signatures.py",
    ),
)
