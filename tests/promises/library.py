"""Promises about the Python library: contracts, functions and flows written as Python."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["LIBRARY"]

TYPES = ("docs/library.md", "Types and contracts")
OPAQUE = ("docs/library.md", "Opaque data")
CONDITIONS = ("docs/library.md", "Conditions")
DECORATION = ("docs/library.md", "What is checked when a function is decorated")

LIBRARY: tuple[Promise, ...] = (
    promise(
        "library.types",
        "Annotations are read as the types documents have, values are held to them in both directions, and what no "
        "document could write is refused with what to write instead",
        TYPES,
        "core/authoring/test_types.py",
        "core/authoring/test_signatures.py",
    ),
    promise(
        "library.contracts",
        "@contract stands on a pydantic model with fixed fields; a plain class and a contract that holds itself are "
        "refused",
        TYPES,
        "core/authoring/test_contract_classes.py",
    ),
    promise(
        "library.same_hashes",
        "A contract, a function and its prompt have the same hashes in Python and in a document",
        TYPES,
        "core/authoring/test_hashes.py",
    ),
    promise(
        "library.opaque",
        "Opaque data, however deep in an argument, stands in a delimited attachment and never in instruction text",
        OPAQUE,
        "core/authoring/test_opaque.py",
    ),
    promise(
        "library.conditions",
        "A lambda and the text it could have been are the same condition; what only Python can judge runs as Python "
        "and is marked",
        CONDITIONS,
        "core/authoring/test_conditions.py",
    ),
    promise(
        "library.decoration",
        "What is wrong with a definition is told when it is decorated, with its place and what to write instead",
        DECORATION,
        "core/authoring/test_analysis.py",
    ),
)
