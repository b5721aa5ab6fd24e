"""Budgets: caps on what a call, a flow or a run may use, and the meter that keeps usage under them.

A `Budget` only says what is allowed. A `Meter` reserves the worst case of a request before it is sent, in
every scope up to the run or in none, and replaces the reservation by the real figures afterwards. As long
as no request uses more than it reserved, no scope ever passes its cap, whatever runs at the same time. A
request that does is recorded in full and flagged as an overrun.
"""

from stratum_core.budget._caps import Budget, PossiblyPaid, Usage
from stratum_core.budget._meter import Meter, Reservation

__all__ = ["Budget", "Meter", "PossiblyPaid", "Reservation", "Usage"]
