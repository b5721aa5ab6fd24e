"""The Python library: contracts and functions written as Python, on the same specs and runtime as documents."""

from stratum_core.authoring._budget import Budget
from stratum_core.authoring._compute import ComputeFunction, compute
from stratum_core.authoring._configure import configure
from stratum_core.authoring._contract import contract
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
    "refine",
    "run",
]
