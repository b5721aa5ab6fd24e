"""Names of a package that are imported when they are asked for first.

A package whose parts serve different stages lists them here, so that whoever needs one part does not load the others:
the Python library reads types of the IR but no document, and needs no YAML for it. Type checkers and the order of the
stages see plain imports, which stand beside the list under `TYPE_CHECKING`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping

__all__ = ["late"]


def late(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that imports a module when one of its names is asked for.

    Args:
        package: The package's `__name__`.
        places: The public names each of its modules has, with spaces between them, by module.
    """
    module_of = {name: f"{package}.{module}" for module, names in places.items() for name in names.split()}

    def __getattr__(name: str) -> object:  # noqa: N807 - it is one, of the package
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(module_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
