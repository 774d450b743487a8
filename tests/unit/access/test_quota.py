"""Quotas and failed attempts, with a clock that the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.access.quota import Attempts, Quotas


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_is_used_up_and_comes_back_evenly() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    assert quotas.take("k", 60, 60).allowed
    refused = quotas.take("k", 60, 1)
    assert (refused.allowed, refused.remaining, refused.retry_s, refused.reset_s) == (False, 0, 1, 60)
    clock.now += 1
    granted = quotas.take("k", 60, 1)
    assert (granted.allowed, granted.remaining, granted.retry_s) == (True, 0, 0)
    assert quotas.take("k", 60, 30).retry_s == 30
    clock.now += 30
    assert quotas.take("k", 60, 30).allowed
    clock.now += 3_600
    assert quotas.take("k", 60, 0).remaining == 60, "never more than a minute's quota"


def test_what_was_refused_is_not_taken_and_keys_do_not_share() -> None:
    quotas = Quotas(Clock())
    assert not quotas.take("a", 10, 11).allowed
    assert quotas.take("a", 10, 10).allowed
    assert quotas.take("b", 10, 10).allowed


def test_events_that_were_not_accepted_are_given_back() -> None:
    quotas = Quotas(Clock())
    quotas.take("k", 100, 100)
    quotas.give_back("k", 100, 40)
    assert quotas.take("k", 100, 0).remaining == 40
    quotas.give_back("k", 100, 1_000)
    assert quotas.take("k", 100, 0).remaining == 100


@given(
    st.integers(1, 1_000),
    st.lists(st.tuples(st.floats(0, 120), st.integers(0, 1_500)), max_size=30),
)
def test_no_more_than_the_quota_and_what_filled_up_is_granted(
    limit: int, asked: list[tuple[float, int]]
) -> None:
    clock = Clock()
    quotas = Quotas(clock)
    began, granted = clock.now, 0
    for pause, count in asked:
        clock.now += pause
        standing = quotas.take("k", limit, count)
        granted += count if standing.allowed else 0
        assert granted <= limit + (clock.now - began) * limit / 60 + 1e-6
        assert 0 <= standing.remaining <= limit
        assert standing.allowed == (standing.retry_s == 0)


def test_a_refusal_says_when_it_would_be_granted() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    quotas.take("k", 90, 90)
    wait = quotas.take("k", 90, 45).retry_s
    clock.now += wait
    assert quotas.take("k", 90, 45).allowed


def test_guessing_ends_after_a_few_failures_and_others_are_not_touched() -> None:
    clock = Clock()
    attempts = Attempts(most=3, window_s=60, clock=clock)
    for _ in range(3):
        assert attempts.wait_s("them") == 0
        attempts.failed("them")
    assert attempts.wait_s("them") == 60
    assert attempts.wait_s("others") == 0
    clock.now += 59.5
    assert attempts.wait_s("them") == 1
    clock.now += 0.5
    assert attempts.wait_s("them") == 0


def test_memory_of_quotas_and_failures_is_bounded() -> None:
    quotas, attempts = Quotas(Clock()), Attempts(clock=Clock())
    for number in range(10_000):
        quotas.take(str(number), 10, 1)
        attempts.failed(number)
    assert len(quotas._buckets) <= 4096
    assert len(attempts._failed) <= 4096
