"""The IR: documents, how they are loaded, written and hashed, and the diagnostics about them."""

from typing import TYPE_CHECKING

from stratum_core.late import late

if TYPE_CHECKING:
    from stratum_core.ir._canonical import canonical, function_hash, ir_hash
    from stratum_core.ir._codes import DOCUMENT_CODES, CodeInfo
    from stratum_core.ir._diagnostics import Diagnostic, Fix, Severity
    from stratum_core.ir._document import (
        INVALID,
        VERBS,
        AwaitHuman,
        Branch,
        BudgetForm,
        ComputeFunction,
        Contract,
        Debate,
        Document,
        Expr,
        Flow,
        Function,
        InferFunction,
        Invalid,
        LongType,
        Parallel,
        Race,
        Refine,
        Step,
        TypeForm,
        VerbName,
    )
    from stratum_core.ir._dump import dump
    from stratum_core.ir._edits import apply_fixes, has_inner_comments, leading_comments
    from stratum_core.ir._load import LoadedDocument, load
    from stratum_core.ir._positions import Path, Positions, format_path
    from stratum_core.ir._read_verbs import parse_duration
    from stratum_core.ir._require import parse_require
    from stratum_core.ir._schema import ir_schema
    from stratum_core.ir._source import MAX_BYTES, Span
    from stratum_core.ir._spec_hash import spec_hash
    from stratum_core.ir._type_text import ParsedType, TypeFinding, parse_type
else:
    __getattr__ = late(
        __name__,
        {
            "_canonical": "canonical function_hash ir_hash",
            "_codes": "DOCUMENT_CODES CodeInfo",
            "_diagnostics": "Diagnostic Fix Severity",
            "_document": "INVALID VERBS AwaitHuman Branch BudgetForm ComputeFunction Contract Debate "
            "Document Expr Flow Function InferFunction Invalid LongType Parallel Race Refine "
            "Step TypeForm VerbName",
            "_dump": "dump",
            "_edits": "apply_fixes has_inner_comments leading_comments",
            "_load": "LoadedDocument load",
            "_positions": "Path Positions format_path",
            "_require": "parse_require",
            "_read_verbs": "parse_duration",
            "_schema": "ir_schema",
            "_source": "MAX_BYTES Span",
            "_spec_hash": "spec_hash",
            "_type_text": "ParsedType TypeFinding parse_type",
        },
    )

__all__ = [
    "DOCUMENT_CODES",
    "INVALID",
    "MAX_BYTES",
    "VERBS",
    "AwaitHuman",
    "Branch",
    "BudgetForm",
    "CodeInfo",
    "ComputeFunction",
    "Contract",
    "Debate",
    "Diagnostic",
    "Document",
    "Expr",
    "Fix",
    "Flow",
    "Function",
    "InferFunction",
    "Invalid",
    "LoadedDocument",
    "LongType",
    "Parallel",
    "ParsedType",
    "Path",
    "Positions",
    "Race",
    "Refine",
    "Severity",
    "Span",
    "Step",
    "TypeFinding",
    "TypeForm",
    "VerbName",
    "apply_fixes",
    "canonical",
    "dump",
    "format_path",
    "function_hash",
    "has_inner_comments",
    "ir_hash",
    "ir_schema",
    "leading_comments",
    "load",
    "parse_duration",
    "parse_require",
    "parse_type",
    "spec_hash",
]
