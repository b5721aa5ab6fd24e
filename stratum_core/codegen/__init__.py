"""Code generation: a checked document as one Python module with the same hashes, and Python read back as a document."""

from typing import TYPE_CHECKING

from stratum_core.late import late

if TYPE_CHECKING:
    from stratum_core.codegen._main import FileInput, PlannedInputs
    from stratum_core.codegen._module import generate, main_flow
    from stratum_core.codegen._read_expressions import Reading, UnreadableError, document_expression
    from stratum_core.codegen._read_flows import Body, read_body
    from stratum_core.codegen._read_module import after_comments, read_module
    from stratum_core.codegen._read_verbs import Callee, ModuleNames
else:
    __getattr__ = late(
        __name__,
        {
            "_main": "FileInput PlannedInputs",
            "_module": "generate main_flow",
            "_read_expressions": "Reading UnreadableError document_expression",
            "_read_flows": "Body read_body",
            "_read_module": "after_comments read_module",
            "_read_verbs": "Callee ModuleNames",
        },
    )

__all__ = [
    "Body",
    "Callee",
    "FileInput",
    "ModuleNames",
    "PlannedInputs",
    "Reading",
    "UnreadableError",
    "after_comments",
    "document_expression",
    "generate",
    "main_flow",
    "read_body",
    "read_module",
]
