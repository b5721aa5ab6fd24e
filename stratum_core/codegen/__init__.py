"""Code generation: a checked document as one Python module with the same hashes, and Python read back as a document."""

from stratum_core.codegen._module import generate, main_flow
from stratum_core.codegen._read_expressions import Reading, UnreadableError, document_expression
from stratum_core.codegen._read_flows import Body, read_body
from stratum_core.codegen._read_module import after_comments, read_module
from stratum_core.codegen._read_verbs import Callee, ModuleNames

__all__ = [
    "Body",
    "Callee",
    "ModuleNames",
    "Reading",
    "UnreadableError",
    "after_comments",
    "document_expression",
    "generate",
    "main_flow",
    "read_body",
    "read_module",
]
