"""When what is open is worked off: by hand, and what must hold for any numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.forecast.clearing import Pace, clearing, pace

_WEEK = (4, 6, 5, 5, 5)


def test_an_even_pace_by_hand() -> None:
    found = pace(_WEEK * 8)
    # eight sums of 25: no spread of their own, so that of a count, 25 in five days
    assert found == Pace(per_day=5.0, variance=5.0, days=40)
    cleared = clearing(60, found)
    assert cleared is not None
    assert cleared.days == 12
    # the ends solve (5n - 60)² = 1.2816² · 5 · (n + 2 n²/40)
    for n in (cleared.low, cleared.high):
        assert n is not None
        assert (5 * n - 60) ** 2 == pytest.approx(1.2816**2 * 5 * (n + 2 * n * n / 40))
    assert cleared.low < 12 < (cleared.high or 0)


def test_one_mass_closing_moves_the_pace_little() -> None:
    calm = pace(_WEEK * 8)
    wild = pace(_WEEK * 7 + (4, 6, 5, 5, 1000))
    assert calm is not None
    assert wild is not None
    # counted up to 25 + 2.5 √25: an eighth of 12.5 more in five days
    assert wild.per_day == pytest.approx(calm.per_day + 12.5 / 8 / 5)


@pytest.mark.parametrize("ended", [(), _WEEK * 3, (5,) * 19])
def test_with_too_little_history_the_pace_is_unknown(ended: tuple[int, ...]) -> None:
    assert pace(ended) is None
    assert clearing(10, pace(ended)) is None


def test_without_any_pace_there_is_no_end() -> None:
    assert clearing(10, pace((0,) * 40)) is None


def test_nothing_open_is_worked_off_now() -> None:
    cleared = clearing(0, pace(_WEEK * 8))
    assert cleared is not None
    assert (cleared.days, cleared.low, cleared.high) == (0, 0, 0)


def test_a_pace_that_may_be_nothing_sets_no_upper_end() -> None:
    found = pace((0,) * 35 + (9, 0, 0, 0, 0))
    cleared = clearing(50, found)
    assert cleared is not None
    assert cleared.high is None
    assert cleared.low < cleared.days


@given(
    blocks=st.lists(st.lists(st.integers(0, 60), min_size=5, max_size=5), min_size=4, max_size=8),
    open_now=st.integers(1, 5000),
    data=st.data(),
)
def test_the_order_of_days_in_a_block_is_of_no_account_and_the_interval_holds_the_point(
    blocks: list[list[int]], open_now: int, data: st.DataObject
) -> None:
    found = pace([n for block in blocks for n in block])
    shuffled = [n for block in blocks for n in data.draw(st.permutations(block))]
    assert pace(shuffled) == found
    cleared = clearing(open_now, found)
    if found is None or found.per_day == 0:
        assert cleared is None
        return
    assert cleared is not None
    assert 0 < cleared.low <= cleared.days <= (math.inf if cleared.high is None else cleared.high)
    more = clearing(open_now + 1, found)
    assert more is not None
    assert more.days > cleared.days
