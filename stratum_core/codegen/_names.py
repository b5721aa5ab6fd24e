"""Names: what a part of a document is called in Python, and back.

A step, a comprehension's variable, a function or a flow gets its own name, with one `_` behind it where Python or the
module needs the plain one. Reading takes one `_` off, so both ways are exact. Inputs and fields keep their names: they
are part of the hashes.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Collection

__all__ = ["BUILTINS", "document_name", "local_name"]

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_HARD_TO_READ = frozenset({"l", "O", "I"})


def local_name(name: str, taken: Collection[str] = ()) -> str:
    """Return the Python name of a step, variable, function or flow.

    Args:
        name: Its name in the document.
        taken: Names that mean something else where it is used.
    """
    is_taken = name in taken or name in BUILTINS or name in _HARD_TO_READ or keyword.iskeyword(name)
    return f"{name}_" if is_taken or name.endswith("_") else name


def document_name(name: str) -> str:
    """Return the document's name of something that has a Python name."""
    return name.removesuffix("_") or name
