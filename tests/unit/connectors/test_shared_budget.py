"""The call budget: never more than allowed, and a host that refuses is left alone."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest

from connectors.shared.budget import CallBudget
from ioc.errors import UsageError


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.now += seconds
            await real(0)

        monkeypatch.setattr("connectors.shared.budget.asyncio.sleep", sleep)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_no_window_sees_more_than_burst_and_rate(clock: Clock) -> None:
    budget = CallBudget(10, 60.0, clock=clock)
    at = []
    for _ in range(50):
        await budget.spend()
        at.append(clock.now)
    assert at[9] == 1000.0
    for first in range(40):
        assert at[first + 10] - at[first] >= 6.0 - 1e-6
    assert at[-1] - at[0] == pytest.approx(40 * 6.0)


async def test_many_callers_share_it_in_their_order(clock: Clock) -> None:
    budget = CallBudget(2, 2.0, clock=clock)
    done: list[int] = []

    async def call(number: int) -> None:
        await budget.spend()
        done.append(number)

    await asyncio.gather(*(call(number) for number in range(20)))
    assert done == list(range(20))
    assert clock.now == pytest.approx(1018.0)


async def test_retry_after_is_kept_by_everyone_and_no_burst_follows(clock: Clock) -> None:
    budget = CallBudget(5, 5.0, clock=clock)
    await budget.spend()
    budget.refused(120)
    assert budget.closed_for_s == pytest.approx(120)
    budget.refused(10)  # a shorter one does not shorten it
    assert budget.closed_for_s == pytest.approx(120)
    at = []
    for _ in range(4):
        await budget.spend()
        at.append(clock.now)
    assert at[0] == pytest.approx(1120)
    assert all(later - sooner >= 1.0 - 1e-6 for sooner, later in itertools.pairwise(at))


@pytest.mark.parametrize("asked", [None, -5.0, math.nan])
async def test_without_a_usable_retry_after_rests_grow_to_a_bound(clock: Clock, asked: float | None) -> None:
    budget = CallBudget(1, 1.0, clock=clock)
    longest = 0.0
    for refusals in range(30):
        await budget.spend()
        budget.refused(asked)
        bound = min(900.0, 2.0 * 2**refusals)
        assert 0 < budget.closed_for_s <= bound
        longest = max(longest, budget.closed_for_s)
    assert longest > 60
    budget.answered()
    clock.now += 1000
    budget.refused()
    assert budget.closed_for_s <= 2.0


async def test_an_endless_retry_after_is_a_day_at_most(clock: Clock) -> None:
    budget = CallBudget(1, 1.0, clock=clock)
    budget.refused(math.inf)
    assert budget.closed_for_s == pytest.approx(86_400)


@pytest.mark.parametrize(("calls", "per_s"), [(0, 1), (1, 0), (math.nan, 1), (1, math.inf), (-1, 5)])
def test_a_budget_of_nothing_is_refused(calls: float, per_s: float) -> None:
    with pytest.raises(UsageError):
        CallBudget(calls, per_s)


async def test_more_than_it_ever_has_is_refused(clock: Clock) -> None:
    with pytest.raises(UsageError):
        await CallBudget(3, 1.0, clock=clock).spend(4)
