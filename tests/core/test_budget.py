"""The meter: never above a cap, never a leak, nobody starved."""

from __future__ import annotations

import asyncio
from random import Random

import anyio
import pytest
from anyio import create_task_group, fail_after
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget, Meter, Reservation, Usage
from stratum_core.errors import BudgetExceeded
from stratum_core.money import Nusd

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _calls(count: int) -> Usage:
    return Usage(calls=count)


async def test_a_reservation_is_booked_in_every_scope_up_to_the_root() -> None:
    run = Meter("run", Budget(nusd=Nusd(100)))
    flow = run.child("flow", Budget(calls=5))
    call = flow.child("call", Budget())
    need = Usage(nusd=30, tokens=7, calls=1)
    reservation = await call.reserve(need)
    assert [scope.reserved for scope in (run, flow, call)] == [need] * 3
    used = Usage(nusd=10, tokens=5, calls=1)
    reservation.settle(used)
    assert [scope.reserved for scope in (run, flow, call)] == [Usage()] * 3
    assert [scope.spent for scope in (run, flow, call)] == [used] * 3
    assert (run.left, flow.left) == (Budget(nusd=Nusd(90)), Budget(calls=4))


@pytest.mark.parametrize(
    ("budget", "need", "axis", "cap", "message"),
    [
        (Budget(nusd=Nusd(50_000_000)), Usage(nusd=60_000_000), "nusd", 50_000_000, "$0.06"),
        (Budget(tokens=1000), Usage(tokens=1001), "tokens", 1000, "1,001 tokens"),
        (Budget(calls=0), Usage(calls=1), "calls", 0, "0 calls"),
    ],
)
async def test_what_can_never_fit_is_refused_at_once_naming_scope_axis_and_figures(
    budget: Budget, need: Usage, axis: str, cap: int, message: str
) -> None:
    run = Meter("run", budget)
    call = run.child("call", Budget())
    with fail_after(1), pytest.raises(BudgetExceeded) as refused:
        await call.reserve(need)
    assert refused.value.detail == {
        "scope": "run",
        "axis": axis,
        "cap": cap,
        "needed": getattr(need, axis),
        "left": cap,
    }
    assert message in str(refused.value)
    assert (run.reserved, call.reserved) == (Usage(), Usage())


async def test_a_refusal_by_an_outer_scope_leaves_nothing_in_the_inner_one() -> None:
    run = Meter("run", Budget(calls=1))
    call = run.child("call", Budget(calls=9))
    with pytest.raises(BudgetExceeded):
        await call.reserve(_calls(2))
    assert call.left == Budget(calls=9)


async def test_a_request_waits_for_a_settlement_that_could_make_room() -> None:
    run = Meter("run", Budget(calls=10))
    held = await run.reserve(_calls(10))
    granted: list[Reservation] = []

    async def ask() -> None:
        granted.append(await run.reserve(_calls(4)))

    with fail_after(5):
        async with create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            assert not granted
            held.settle(_calls(6))
    assert run.spent == _calls(6)
    assert run.reserved == _calls(4)


async def test_a_waiting_request_fails_when_the_settlement_leaves_too_little() -> None:
    run = Meter("run", Budget(calls=10))
    held = await run.reserve(_calls(10))

    async def ask() -> None:
        with pytest.raises(BudgetExceeded):
            await run.reserve(_calls(4))

    with fail_after(5):
        async with create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            held.settle(_calls(7))
    assert run.reserved == Usage()


@pytest.mark.parametrize("around", [None, Meter("outer", Budget(calls=99))])
async def test_small_requests_cannot_starve_a_large_one(around: Meter | None) -> None:
    run = Meter("run", Budget(calls=10), parent=around)
    first, second = await run.reserve(_calls(5)), await run.reserve(_calls(5))
    order: list[str] = []

    async def ask(name: str, calls: int) -> None:
        (await run.reserve(_calls(calls))).settle(Usage())
        order.append(name)

    with fail_after(5):
        async with create_task_group() as group:
            group.start_soon(ask, "large", 10)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(ask, "small", 1)
            await anyio.wait_all_tasks_blocked()
            first.release()
            await anyio.wait_all_tasks_blocked()
            assert order == []
            second.release()
    assert order == ["large", "small"]


async def test_a_full_branch_does_not_hold_back_another_branch() -> None:
    run = Meter("run", Budget(calls=10))
    narrow, wide = run.child("narrow", Budget(calls=1)), run.child("wide", Budget())
    held = await narrow.reserve(_calls(1))

    async def ask() -> None:
        (await narrow.reserve(_calls(1))).keep()

    with fail_after(5):
        async with create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            (await wide.reserve(_calls(2))).keep()
            held.release()
    assert run.spent == _calls(3)


async def test_kept_and_released_reservations_charge_all_and_nothing() -> None:
    run = Meter("run", Budget(calls=10))
    (await run.reserve(_calls(3))).keep()
    released = await run.reserve(_calls(2))
    released.release()
    released.release()
    assert (run.spent, run.reserved) == (_calls(3), Usage())


async def test_a_reservation_is_charged_once() -> None:
    run = Meter("run", Budget(calls=9))
    reservation = await run.reserve(_calls(1))
    reservation.settle(_calls(1))
    reservation.release()
    for again in (reservation.keep, lambda: reservation.settle(_calls(1))):
        with pytest.raises(ValueError, match="twice"):
            again()
    assert run.spent == _calls(1)


async def test_more_than_was_reserved_is_charged_in_full_and_flagged() -> None:
    run = Meter("run", Budget(tokens=100))
    call, other = run.child("call", Budget()), run.child("other", Budget())
    reservation = await call.reserve(Usage(tokens=60))
    reservation.settle(Usage(tokens=140))
    assert (reservation.overrun, call.overrun, run.overrun, other.overrun) == (True, True, True, False)
    assert run.spent == Usage(tokens=140)
    assert run.left == Budget(tokens=0)


async def test_recorded_usage_is_charged_below_the_root_only() -> None:
    run = Meter("run", Budget(calls=10), spent=_calls(4))
    flow = run.child("flow", Budget(calls=5))
    flow.child("call", Budget()).charge_recorded(_calls(4))
    run.charge_recorded(_calls(4))
    assert (run.spent, flow.spent) == (_calls(4), _calls(4))
    with pytest.raises(BudgetExceeded) as refused:
        await flow.reserve(_calls(2))
    assert refused.value.detail["scope"] == "flow"


async def test_the_deadline_is_the_tightest_around() -> None:
    now = [100.0]
    run = Meter("run", Budget(ms=60_000), clock=lambda: now[0])
    now[0] = 130.0
    assert run.child("late", Budget(ms=60_000)).deadline == 160.0
    assert run.child("tight", Budget(ms=1_000)).deadline == 131.0
    assert run.left == Budget(ms=30_000)
    now[0] = 200.0
    assert run.left == Budget(ms=0)
    assert Meter("free", Budget()).deadline is None


async def test_a_meter_shows_its_name_and_cap() -> None:
    run = Meter("run", Budget(calls=3))
    assert (run.name, run.budget) == ("run", Budget(calls=3))


async def test_negative_usage_is_refused() -> None:
    run = Meter("run", Budget())
    for usage in (Usage(nusd=-1), Usage(tokens=-1), Usage(calls=-1)):
        with pytest.raises(ValueError, match="negative"):
            await run.reserve(usage)
        with pytest.raises(ValueError, match="negative"):
            run.charge_recorded(usage)


async def test_a_grant_that_arrives_with_a_cancellation_is_given_back() -> None:
    run = Meter("run", Budget(calls=1))
    held = await run.reserve(_calls(1))
    asking = asyncio.create_task(run.reserve(_calls(1)))
    await anyio.wait_all_tasks_blocked()
    held.release()
    assert run.reserved == _calls(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert run.reserved == Usage()


async def test_a_refusal_that_arrives_with_a_cancellation_changes_nothing() -> None:
    run = Meter("run", Budget(calls=1))
    held = await run.reserve(_calls(1))
    asking = asyncio.create_task(run.reserve(_calls(1)))
    await anyio.wait_all_tasks_blocked()
    held.keep()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (run.spent, run.reserved) == (_calls(1), Usage())


async def test_a_cancelled_large_request_lets_the_next_one_in() -> None:
    run = Meter("run", Budget(calls=10))
    held = await run.reserve(_calls(5))
    granted: list[Reservation] = []

    async def large(scope: anyio.CancelScope) -> None:
        with scope:
            await run.reserve(_calls(10))

    async def small() -> None:
        granted.append(await run.reserve(_calls(5)))

    with fail_after(5):
        async with create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(large, scope)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(small)
            await anyio.wait_all_tasks_blocked()
            assert not granted
            scope.cancel()
    held.release()
    assert run.reserved == _calls(5)


_usages = st.builds(Usage, nusd=st.integers(0, 40), tokens=st.integers(0, 40), calls=st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(
    needs=st.lists(st.tuples(st.integers(0, 2), _usages), min_size=1, max_size=40),
    dice=st.randoms(use_true_random=False),
)
def test_usage_is_never_above_any_cap_and_cancellation_leaks_nothing(
    needs: list[tuple[int, Usage]], dice: Random
) -> None:
    anyio.run(_many_tasks, needs, dice)


async def _many_tasks(needs: list[tuple[int, Usage]], dice: Random) -> None:
    run = Meter("run", Budget(nusd=Nusd(100), tokens=100, calls=12))
    flows = [run.child(f"flow {n}", Budget(nusd=Nusd(60), calls=5 + n)) for n in range(3)]
    kept: list[tuple[int, Usage]] = []

    async def one(flow: int, need: Usage, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                reservation = await flows[flow].reserve(need)
            except BudgetExceeded:
                return
            _assert_below_caps(run, *flows)
            try:
                for _ in range(dice.randrange(4)):
                    await checkpoint()
            except BaseException:
                reservation.keep()
                kept.append((flow, need))
                raise
            used = Usage(
                nusd=dice.randint(0, need.nusd),
                tokens=dice.randint(0, need.tokens),
                calls=dice.randint(0, need.calls),
            )
            reservation.settle(used)
            kept.append((flow, used))
            _assert_below_caps(run, *flows)

    with fail_after(10):
        async with create_task_group() as group:
            for flow, need in needs:
                scope = anyio.CancelScope()
                group.start_soon(one, flow, need, scope)
                if dice.random() < 0.3:
                    scope.cancel()
                if dice.random() < 0.3:
                    await checkpoint()
                    scope.cancel()
    assert run.reserved == Usage()
    assert run.spent == sum((used for _, used in kept), Usage())
    for number, flow in enumerate(flows):
        assert flow.reserved == Usage()
        assert flow.spent == sum((used for of, used in kept if of == number), Usage())


def _assert_below_caps(*meters: Meter) -> None:
    for meter in meters:
        used = meter.spent + meter.reserved
        caps = (meter.budget.nusd, meter.budget.tokens, meter.budget.calls)
        amounts = (used.nusd, used.tokens, used.calls)
        assert all(cap is None or amount <= cap for cap, amount in zip(caps, amounts, strict=True))


async def test_a_hundred_parallel_calls_under_a_cap_worth_five_spend_at_most_the_cap() -> None:
    run = Meter("run", Budget(nusd=Nusd(50)))
    kept, refused = 0, 0

    async def one() -> None:
        nonlocal kept, refused
        try:
            reservation = await run.reserve(Usage(nusd=10))
        except BudgetExceeded:
            refused += 1
            return
        await checkpoint()
        reservation.settle(Usage(nusd=4))
        kept += 1

    with fail_after(5):
        async with create_task_group() as group:
            for _ in range(100):
                group.start_soon(one)
    assert (kept + refused, run.reserved) == (100, Usage())
    assert kept >= 5
    assert run.spent == Usage(nusd=4 * kept)
    assert run.spent.nusd <= 50
