"""How far events were read, when numbers are committed out of order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts.following import Position


def test_a_number_that_was_left_out_is_waited_for_and_then_given_up() -> None:
    position = Position(10)
    assert position.safe == 10
    position.read([11, 13, 14], now_s=0)
    assert (position.newest, position.missing, position.safe) == (14, [12], 11)
    position.read([12], now_s=1)
    assert (position.missing, position.safe) == ([], 14)
    position.read([16], now_s=2)
    position.read([], now_s=61.9)
    assert position.safe == 14
    position.read([], now_s=62)
    assert (position.missing, position.safe) == ([], 16)


def test_a_hole_of_any_size_is_kept_within_bounds() -> None:
    position = Position(0)
    position.read([10**9], now_s=0)
    assert len(position.missing) <= 5000
    position.read([2 * 10**9], now_s=0)
    assert len(position.missing) <= 5000
    assert position.newest == 2 * 10**9


@given(st.permutations(range(1, 40)), st.integers(1, 7))
def test_whatever_the_order_nothing_at_or_below_the_safe_number_is_still_to_come(
    order: list[int], size: int
) -> None:
    position, read = Position(0), set[int]()
    for start in range(0, len(order), size):
        batch = sorted(order[start : start + size])
        position.read(batch, now_s=0)
        read.update(batch)
        assert set(range(1, position.safe + 1)) <= read
        assert set(position.missing) == set(range(1, position.newest + 1)) - read
    assert (position.safe, position.missing) == (39, [])
