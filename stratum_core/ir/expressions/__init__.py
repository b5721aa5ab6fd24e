"""Expressions: the small typed language of conditions, inputs and computed values.

A strict subset of Python's expressions, checked before anything runs and bounded when it runs. `compile_expression`
takes a text and the types of the names it may read, and gives a compiled expression or findings with positions and
fixes; nothing here raises for a wrong text. docs/ir.md describes the language for people.
"""

from stratum_core.ir.expressions._codes import EXPRESSION_CODES
from stratum_core.ir.expressions._compile import (
    CompiledExpression,
    CompileResult,
    canonical,
    compile_expression,
    literal_expression,
)
from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._functions import SIGNATURES
from stratum_core.ir.expressions._limits import DEFAULT_FUEL
from stratum_core.ir.expressions._narrow import Facts, path_of

__all__ = [
    "DEFAULT_FUEL",
    "EXPRESSION_CODES",
    "SIGNATURES",
    "CompileResult",
    "CompiledExpression",
    "Facts",
    "Finding",
    "canonical",
    "compile_expression",
    "literal_expression",
    "path_of",
]
