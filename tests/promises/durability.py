"""Promises about what outlasts crashes: the chaos suite, the audit trail, keeping and removing."""

from __future__ import annotations

from tests.support.promise import promise

__all__ = ["DURABILITY"]

CHAOS = ("docs/durability.md", "The chaos suite")
AUDIT = ("docs/durability.md", "The audit trail")
KEEPING = ("docs/durability.md", "Keeping and removing")
PLACES = ("docs/durability.md", "Files of other versions and places")
MEASURED = ("docs/durability.md", "Measured")
REMOVED = (
    "docs/decisions/0024-removed-runs-keep-their-rows.md",
    "24. Removed runs keep their rows, and chaos runners are forked warm",
)

DURABILITY = (
    promise(
        "durability.anchors",
        "What reaches a provider stays inside the cap, ends with a closed account, and is bounded under 429; a yes for "
        "something else reaches none",
        MEASURED,
        "chaos/test_anchors.py",
    ),
    promise(
        "durability.audit",
        "Who agreed to what, when and how is told; a record that was edited, cut or written anew is found",
        AUDIT,
        "cli/test_audit.py::test_the_trail_and_the_record_are_shown_and_a_change_ends_with_1",
        "core/engine/test_audit.py",
    ),
    promise(
        "durability.chaos",
        "Runs that are killed, stopped, starved and raced end as the undisturbed one, and nothing is paid twice",
        CHAOS,
        "chaos/test_chaos.py",
    ),
    promise(
        "durability.gc",
        "What is old goes only when told to; a run at work never, and one that could go on only when that is asked for",
        KEEPING,
        "cli/test_audit.py::test_an_age_that_is_none_is_wrong_usage",
        "cli/test_audit.py::test_gc_shows_what_is_old_and_removes_it_only_when_told_to",
        "cli/test_audit.py::test_sizes_are_told_in_a_unit_one_reads",
        "core/engine/test_storage.py",
    ),
    promise(
        "durability.killed_writers",
        "A file that a killed process left half written is read as it was before",
        PLACES,
        "core/journal/test_killed_writers.py",
    ),
    promise(
        "durability.places",
        "Newer files and network file systems are refused; older files are copied, then brought up to date whole",
        PLACES,
        "core/journal/test_migrations.py",
        "core/journal/test_old_files.py",
        "core/journal/test_sqlite.py::test_a_network_file_system_is_refused",
    ),
    promise(
        "durability.rows_stay",
        "Of a removed run stays who agreed to it, what it cost and the head of its chain; it starts nothing again",
        REMOVED,
        "core/engine/test_storage.py"
        "::test_of_a_removed_run_the_data_goes_and_who_agreed_what_it_cost_and_its_head_stay",
    ),
)
