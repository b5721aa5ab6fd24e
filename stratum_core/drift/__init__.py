"""Drift: what changed between two runs, by function, and how the answers and their cost moved.

Reads nothing itself: it is given the checked documents, the models that plans pinned, and the events of journals.
"""

from stratum_core.drift._compare import Around, Drift, FunctionDrift, Side, compare
from stratum_core.drift._definitions import Definition, PartName, define
from stratum_core.drift._figures import Counting, Figures
from stratum_core.drift._function_words import facts, sentence
from stratum_core.drift._places import Place, Places
from stratum_core.drift._words import notes, verdict

__all__ = [
    "Around",
    "Counting",
    "Definition",
    "Drift",
    "Figures",
    "FunctionDrift",
    "PartName",
    "Place",
    "Places",
    "Side",
    "compare",
    "define",
    "facts",
    "notes",
    "sentence",
    "verdict",
]
