"""Counters: wraps, resets, gaps and disorder never become traffic that was not there."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shared.snmp.counters import TICKS_WRAP, Counter, Span, bits_per_second, octets
from connectors.shared.snmp.interfaces import Port
from connectors.wifi.reading import Reading
from connectors.wifi.traffic import Meter

STEADY = Span(60.0, 1_000_000, 1_006_000)
TEN_MBIT = 75_000_000
"""Octets of 10 Mbit/s in a minute."""


def c(value: int, bits: int = 64, discontinuity: int | None = None) -> Counter:
    return Counter(value, bits, discontinuity)


@pytest.mark.parametrize(
    ("before", "after", "span", "speed", "found"),
    [
        (c(5), c(5), STEADY, None, 0),
        (c(5), c(105), STEADY, None, 100),
        (c(2**40), c(2**40 + 7), STEADY, None, 7),
        (c(2**32 - 10, 32), c(90, 32), STEADY, None, 100),  # wrapped
        (c(2**32 - 10, 32), c(90, 32), Span(60.0, None, None), None, None),  # wrapped or reset?
        (c(10**9), c(90), STEADY, None, None),  # 64 bits never wrap
        (c(2**32 - 10, 32), c(90, 32), Span(60.0, 1_000_000, 500), None, None),  # restarted
        (c(10), c(90), Span(60.0, 1_000_000, 3_000), None, None),  # restarted, and counted beyond
        (c(10), c(90), Span(3_600.0, 1_000, 300_000, 9e9), None, None),  # restarted in a long gap
        (c(10), c(90), Span(60.0, TICKS_WRAP - 3_000, 3_000), None, 80),  # uptime wrapped
        (c(10), c(90), Span(-60.0, 1_006_000, 1_000_000), None, None),  # out of order
        (c(10), c(90), Span(0.0, 1_000_000, 1_000_000), None, None),
        (c(10), c(90), Span(301.0, 1_000_000, 1_030_100), None, None),  # a gap
        (c(10, 64, 1), c(90, 64, 2), STEADY, None, None),  # it says that it was interrupted
        (c(10, 32), c(90, 64), STEADY, None, None),  # another counter
        (c(0), c(TEN_MBIT), STEADY, 10_000_000, TEN_MBIT),
        (c(0), c(2 * TEN_MBIT), STEADY, 10_000_000, None),  # more than the link carries
        (c(0, 32), c(90, 32), STEADY, 1_000_000_000, None),  # may have wrapped more than once
        (c(0, 32), c(90, 32), STEADY, 100_000_000, 90),
        (c(0), c(2**60), STEADY, None, None),  # no link is that fast
        (c(2**32 + 5, 32), c(2**32 + 6, 32), STEADY, None, None),  # does not fit in 32 bits
        (None, c(5), STEADY, None, None),
        (c(5), None, STEADY, None, None),
    ],
)
def test_what_two_readings_say(
    before: Counter | None, after: Counter | None, span: Span, speed: float | None, found: int | None
) -> None:
    assert octets(before, after, span, speed) == found


whole = st.integers(0, 2**64 - 1)
ticks = st.none() | st.integers(0, TICKS_WRAP - 1)


@given(
    whole,
    whole,
    st.sampled_from((32, 64)),
    st.floats(-1e4, 1e4),
    ticks,
    ticks,
    st.none() | st.integers(0, 10**11),
)
def test_never_negative_and_never_faster_than_the_link(
    before: int,
    after: int,
    bits: int,
    elapsed_s: float,
    uptime_before: int | None,
    uptime_after: int | None,
    speed: int | None,
) -> None:
    span = Span(elapsed_s, uptime_before, uptime_after)
    found = octets(c(before, bits), c(after, bits), span, speed)
    if found is not None:
        assert found >= 0
        assert found * 8 <= (speed or 100e9) * 1.1 * elapsed_s + 8
        assert 0 < elapsed_s <= 300
        assert bits_per_second(found, elapsed_s) is not None


@given(
    st.lists(st.tuples(st.integers(0, TEN_MBIT), st.booleans()), min_size=1, max_size=30),
    st.sampled_from((32, 64)),
    st.integers(0, 2**32 - 1),
    st.integers(10_000, TICKS_WRAP - 1_000_000),
)
def test_a_life_of_a_counter(steps: list[tuple[int, bool]], bits: int, start: int, uptime: int) -> None:
    """Whatever was carried between two readings is told exactly, or not at all when the device restarted between."""
    readings, value = [(0.0, c(start, bits), uptime)], start
    for minute, (carried, restarted) in enumerate(steps, 1):
        uptime = 3_000 if restarted else (uptime + 6_000) % TICKS_WRAP
        value = carried // 2 if restarted else (value + carried) % 2**bits
        readings.append((60.0 * minute, c(value, bits), uptime))
    for (before, after), (carried, restarted) in zip(pairwise(readings), steps, strict=True):
        found = octets(before[1], after[1], Span(after[0] - before[0], before[2], after[2]))
        if restarted:
            assert found is None
        else:
            assert found == carried


def reading(rx: int, tx: int, name: str = "wlan0", up: bool | None = True) -> Reading:
    lan = Port(1, "eth0", True, c(1), c(1), None)
    return Reading(ports=(lan, Port(2, name, up, c(rx), c(tx), None)))


def test_a_meter_counts_what_clients_sent_and_received() -> None:
    meter = Meter(60.0)
    first = meter.read(reading(100, 1_000), 0.0, 100)
    assert (first.rx_bytes, first.tx_bytes, first.span_s) == (None, None, None)
    second = meter.read(reading(400, 61_000), 60.0, 6_100)
    assert (second.rx_bytes, second.tx_bytes, second.span_s) == (300, 60_000, 60.0)
    assert [(i.rx_bps, i.tx_bps) for i in second.interfaces] == [(0, 0), (40, 8_000)]
    lost = meter.read(reading(500, 62_000), 240.0, 24_100)
    assert (lost.rx_bytes, lost.span_s) == (None, None), (
        "two rounds were lost: the traffic is of no known minute"
    )
    renamed = meter.read(reading(600, 63_000, "wlan1"), 300.0, 30_100)
    assert renamed.rx_bytes is None, "another interface took the index"
    down = meter.read(reading(600, 63_000, "wlan1", up=False), 360.0, 36_100)
    assert down.rx_bytes is None, "no radio is up: nothing is known of clients' traffic"
    assert meter.read(Reading(), 400.0, None).interfaces == ()
