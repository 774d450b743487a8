"""Waits after wrong passwords: they grow, they end, and they can't be used to keep others out."""

from __future__ import annotations

from ioc.access.lockout import (
    FORGOTTEN_S,
    FREE_OF_ALL,
    FREE_OF_ONE,
    MOST_OF_ALL_S,
    MOST_OF_ONE_S,
    Lockout,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_to_a_bound_and_a_right_password_ends_them() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    waits = []
    for _ in range(FREE_OF_ONE + 12):
        assert lockout.wait_s("lan", "10.0.0.7") == 0
        waits.append(lockout.failed("lan", "10.0.0.7"))
        clock.now += waits[-1]
    assert waits[: FREE_OF_ONE + 3] == [0] * (FREE_OF_ONE - 1) + [2, 4, 8, 16]
    assert waits[-1] == MOST_OF_ONE_S
    lockout.fitted("lan", "10.0.0.7")
    assert lockout.failed("lan", "10.0.0.7") == 0


def test_others_mistakes_keep_nobody_out_who_was_here_before() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    lockout.fitted("lan", "10.0.0.7")
    for number in range(FREE_OF_ALL + 10):
        lockout.failed("lan", f"203.0.113.{number}")
    assert lockout.wait_s("lan", "10.0.0.7") == 0
    # from a new place the name waits, for a minute at most
    assert 0 < lockout.wait_s("lan", "10.0.0.8") <= MOST_OF_ALL_S
    assert lockout.wait_s("minh", "10.0.0.8") == 0
    assert lockout.mistakes("lan") == FREE_OF_ALL + 10
    lockout.release("lan")
    assert (lockout.mistakes("lan"), lockout.wait_s("lan", "10.0.0.8")) == (0, 0)


def test_mistakes_are_forgotten_and_memory_is_bounded() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    for _ in range(FREE_OF_ONE):
        lockout.failed("lan", "a")
    clock.now += FORGOTTEN_S
    assert lockout.failed("lan", "a") == 0
    for number in range(10_000):
        lockout.failed(f"name {number}", "b")
        lockout.fitted(f"name {number}", "c")
    assert max(len(lockout._of_one), len(lockout._of_all), len(lockout._known)) == 4096
