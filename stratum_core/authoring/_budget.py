"""`Budget`: the caps of a function or a flow as a program writes them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from stratum_core.budget import Budget as Caps
from stratum_core.errors import StratumCompileError
from stratum_core.money import to_nusd

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most a call or a flow may use; an axis that is left out is open.

    The worst case of a request is reserved in the budget of its function and of every flow around it before it is
    sent, and what it really used is charged to all of them afterwards.

    Raises:
        StratumCompileError: A cap is no number, or below what makes sense on its axis.
    """

    usd: Decimal | float | str | None = None
    """Dollars, 0 or more; kept exactly: 0.1 means ten cents."""
    ms: int | None = None
    """Wall-clock time in milliseconds, 1 or more; what is in flight when it ends is cancelled. The clock of a flow
    stands still while a person is asked."""
    tokens: int | None = None
    """Prompt and answer tokens together, 1 or more."""
    calls: int | None = None
    """Requests sent to a provider, retries included, 1 or more."""

    def __post_init__(self) -> None:
        _check_usd(self.usd)
        for name, cap in (("ms", self.ms), ("tokens", self.tokens), ("calls", self.calls)):
            if cap is not None and (type(cap) is not int or cap < 1):
                raise StratumCompileError(
                    f"Budget({name}={cap!r}) is no whole number above 0", remedy="leave an open axis out"
                )

    @property
    def caps(self) -> Caps:
        """The same caps as the runtime counts them, money in nano-dollars."""
        nusd = None if self.usd is None else to_nusd(self.usd)
        return Caps(nusd=nusd, ms=self.ms, tokens=self.tokens, calls=self.calls)


def _check_usd(usd: Decimal | float | str | None) -> None:
    """Refuse what is no amount of dollars."""
    if usd is None:
        return
    try:
        amount = Decimal("nan") if isinstance(usd, bool) else Decimal(str(usd))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise StratumCompileError(
            f"Budget(usd={usd!r}) is no amount of dollars",
            remedy="write a number of 0 or more, e.g. 0.25, or leave it out",
        )
