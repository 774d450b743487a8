"""Waits before a restart double, stay bounded, and start over after a stable run."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from deploy.stack.backoff import Backoff


@given(st.integers(0, 2**32), st.lists(st.floats(0, 59), min_size=1, max_size=80))
def test_waits_double_up_to_the_longest(seed: int, runs: list[float]) -> None:
    backoff = Backoff(_random=random.Random(seed))
    for number, ran_s in enumerate(runs):
        step = min(30.0, 0.5 * 2**number)
        assert step / 2 <= backoff.next_wait(ran_s) <= step


def test_stable_run_is_forgiven() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.next_wait(0.1)
    assert backoff.next_wait(59.9) >= 15.0
    assert backoff.next_wait(60.0) <= 0.5


def test_two_processes_do_not_come_back_in_step() -> None:
    waits = {Backoff(_random=random.Random(seed)).next_wait(0.0) for seed in range(20)}
    assert len(waits) == 20
