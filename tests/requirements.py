"""Every public promise and the tests that hold it, by area.

The table of attacks in SECURITY.md is a list of the same kind: it names its tests itself. Both are checked in both
directions by tests/project/test_requirements.py.
"""

from __future__ import annotations

from tests.promises.agreement import AGREEMENT
from tests.promises.claude import PLUGIN
from tests.promises.codegen import CODEGEN
from tests.promises.conversations import CONVERSATIONS
from tests.promises.documents import DOCUMENTS
from tests.promises.drift import DRIFT
from tests.promises.durability import DURABILITY
from tests.promises.estimates import ESTIMATES
from tests.promises.examples import EXAMPLES
from tests.promises.first_steps import FIRST_STEPS
from tests.promises.hardening import HARDENING
from tests.promises.install import INSTALL
from tests.promises.language import LANGUAGE
from tests.promises.library import LIBRARY
from tests.promises.models import MODELS
from tests.promises.money import MONEY
from tests.promises.people import PEOPLE
from tests.promises.plans import PLANS
from tests.promises.project import PROJECT
from tests.promises.runs import RUNS
from tests.promises.scale import SCALE
from tests.promises.surfaces import SURFACES
from tests.promises.team import TEAM
from tests.promises.testing import TESTING
from tests.promises.traces import TRACES
from tests.support.promise import Promise

__all__ = ["PARTS", "REQUIREMENTS"]

PARTS: dict[str, tuple[Promise, ...]] = {
    "agreement": AGREEMENT,
    "claude": PLUGIN,
    "codegen": CODEGEN,
    "conversations": CONVERSATIONS,
    "documents": DOCUMENTS,
    "drift": DRIFT,
    "durability": DURABILITY,
    "estimates": ESTIMATES,
    "examples": EXAMPLES,
    "first_steps": FIRST_STEPS,
    "hardening": HARDENING,
    "install": INSTALL,
    "language": LANGUAGE,
    "library": LIBRARY,
    "models": MODELS,
    "money": MONEY,
    "people": PEOPLE,
    "plans": PLANS,
    "project": PROJECT,
    "runs": RUNS,
    "scale": SCALE,
    "surfaces": SURFACES,
    "team": TEAM,
    "testing": TESTING,
    "traces": TRACES,
}

REQUIREMENTS: tuple[Promise, ...] = tuple(entry for part in PARTS.values() for entry in part)
