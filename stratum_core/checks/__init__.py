"""Checks: every fault of a document in one pass, and the typed program when there is none."""

from stratum_core.checks._catalogue import CATALOGUE, errors_page
from stratum_core.checks._check import Checked, check
from stratum_core.checks._context import Limits
from stratum_core.checks._repair import Repaired, repair
from stratum_core.ir import CodeInfo

__all__ = ["CATALOGUE", "Checked", "CodeInfo", "Limits", "Repaired", "check", "errors_page", "repair"]
