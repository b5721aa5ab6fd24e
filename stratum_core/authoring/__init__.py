"""The Python library: contracts and functions written as Python, on the same specs and runtime as documents."""

from typing import TYPE_CHECKING

from stratum_core.late import late

if TYPE_CHECKING:
    from stratum_core.authoring._budget import Budget
    from stratum_core.authoring._compute import ComputeFunction, compute
    from stratum_core.authoring._configure import configure
    from stratum_core.authoring._contract import contract
    from stratum_core.authoring._data import read_data
    from stratum_core.authoring._debate import DebateOutcome, debate, debate_outcome
    from stratum_core.authoring._each import Outcome, each, or_none
    from stratum_core.authoring._flow import FlowFunction, flow
    from stratum_core.authoring._hints import StratumHint
    from stratum_core.authoring._human import await_human
    from stratum_core.authoring._infer import InferFunction, infer
    from stratum_core.authoring._opaque import opaque
    from stratum_core.authoring._refine import refine
    from stratum_core.authoring._run import run
    from stratum_core.authoring._sinks import ConsoleReviewSink, ReviewSink
    from stratum_core.authoring._together import parallel, race
else:
    __getattr__ = late(
        __name__,
        {
            "_budget": "Budget",
            "_compute": "ComputeFunction compute",
            "_configure": "configure",
            "_contract": "contract",
            "_data": "read_data",
            "_debate": "DebateOutcome debate debate_outcome",
            "_each": "Outcome each or_none",
            "_flow": "FlowFunction flow",
            "_hints": "StratumHint",
            "_human": "await_human",
            "_infer": "InferFunction infer",
            "_opaque": "opaque",
            "_refine": "refine",
            "_run": "run",
            "_sinks": "ConsoleReviewSink ReviewSink",
            "_together": "parallel race",
        },
    )

__all__ = [
    "Budget",
    "ComputeFunction",
    "ConsoleReviewSink",
    "DebateOutcome",
    "FlowFunction",
    "InferFunction",
    "Outcome",
    "ReviewSink",
    "StratumHint",
    "await_human",
    "compute",
    "configure",
    "contract",
    "debate",
    "debate_outcome",
    "each",
    "flow",
    "infer",
    "opaque",
    "or_none",
    "parallel",
    "race",
    "read_data",
    "refine",
    "run",
]
