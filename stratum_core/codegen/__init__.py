"""Code generation: a checked document as one Python module with the same hashes, and such a module read back."""

from stratum_core.codegen._module import generate, main_flow

__all__ = ["generate", "main_flow"]
