"""Rests after faults: longer with each in a row, below a bound, never the same for all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.shared.lots import Mode
from connectors.shared.rests import rest_s
from connectors.shared.way import Way


@given(
    faults=st.integers(0, 10_000),
    first_s=st.floats(0.01, 10),
    longest_s=st.floats(10, 1000),
    least=st.floats(0, 1),
)
def test_a_rest_lies_below_a_bound_that_doubles(
    faults: int, first_s: float, longest_s: float, least: float
) -> None:
    rest = rest_s(faults, first_s=first_s, longest_s=longest_s, least=least)
    bound = longest_s if faults > 40 else min(longest_s, first_s * 2 ** max(0, faults - 1))
    assert bound * least * 0.999 <= rest <= bound * 1.001


def test_those_that_lost_one_host_do_not_come_back_together() -> None:
    rests = sorted(rest_s(5, first_s=1.0, longest_s=60.0) for _ in range(1000))
    tenths = {int((rest - 8.0) / 0.8) for rest in rests}
    assert len(tenths) >= 10, "spread over the whole of 8 to 16 s"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_kafka_is_tried_less_and_less_until_something_arrives() -> None:
    clock = Clock()
    way = Way("test", 2.0, clock=clock)
    rests = []
    for _ in range(12):
        way.turn_away("gone", 0)
        rests.append(way.rest_s)
        clock.now += way.rest_s
        assert way.rest_s <= 0
    bounds = [min(15.0, 0.5 * 2**n) for n in range(12)]
    assert all(bound / 2 <= rest <= bound for rest, bound in zip(rests, bounds, strict=True))
    way.drain()
    way.turn_away("gone again", 0)
    assert way.rest_s <= 0.5, "a first fault again"
    way.try_at_once()
    assert way.rest_s <= 0


def test_new_events_are_held_for_the_last_of_the_spool_and_not_for_long() -> None:
    clock = Clock()
    way = Way("test", 2.0, clock=clock)
    way.begin_spooling("left over")
    way.hold()
    assert not way.holding, "only while the spool is being forwarded"
    way.drain()
    way.hold()
    assert way.holding
    until = way.held_until(clock.now)
    assert until == clock.now + 3.0
    clock.now = until
    assert way.held_until(clock.now) is None
    assert not way.holding
    way.hold()
    way.turn_away("gone", 0)
    assert not way.holding


def test_one_line_when_it_turns_away_and_one_when_it_is_back() -> None:
    clock = Clock()
    with capture_logs() as logs:
        way = Way("test", 2.0, clock=clock)
        for _ in range(3):
            way.turn_away("gone", 7)
            clock.now += 10
        way.full = True
        way.drain()
        way.turn_direct(21)
    assert (way.mode, way.reason, way.full) == (Mode.DIRECT, None, False)
    assert [(line["event"], line["relay"]) for line in logs] == [
        ("relay.away", "test"),
        ("relay.recovered", "test"),
    ]
    assert (logs[0]["reason"], logs[0]["waiting"], logs[1]["after_s"], logs[1]["forwarded"]) == (
        "gone",
        7,
        30.0,
        21,
    )
