"""Device-time by minute against counting every millisecond's weight plainly."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.devices.booking import DEGRADED, DOWN, MAINTENANCE, MINUTE_MS, OK, UNKNOWN, Spans, sum_by_minute

BASE = 29_000_000 * MINUTE_MS

spans = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from([UNKNOWN, OK, DEGRADED, DOWN, MAINTENANCE]),
        st.sampled_from([-1, 0, 5, 100_000]),
        st.integers(-90, 90).map(lambda s: BASE + 5_000 * s + s % 3) | st.integers(BASE - 2, BASE + 2),
        st.integers(-10, 10)
        | st.integers(0, 200_000)
        | st.sampled_from([n * MINUTE_MS for n in (1, 9, 10, 40)]),
        st.sampled_from([1, -1]),
    ),
    max_size=12,
)


def of(rows: list[tuple[int, int, int, int, int, int]]) -> Spans:
    """Spans of (unit, state, clients, start, length, sign)."""
    unit, state, clients, start, length, sign = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    return Spans(unit, state, clients, start, start + length, sign)


def plainly(rows: list[tuple[int, int, int, int, int, int]]) -> dict[tuple[int, int], list[int]]:
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 6)
    for unit, state, clients, start, length, sign in rows:
        for minute in range(start // MINUTE_MS, (start + max(length, 0)) // MINUTE_MS + 1):
            inside = min(start + length, (minute + 1) * MINUTE_MS) - max(start, minute * MINUTE_MS)
            if inside <= 0:
                continue
            row = sums[unit, minute]
            row[0] += sign * inside * (state in (OK, DEGRADED))
            row[1] += sign * inside * (state == DEGRADED)
            row[2] += sign * inside * (state == DOWN)
            row[3] += sign * inside * (state == MAINTENANCE)
            if clients >= 0 and state not in (DOWN, UNKNOWN):
                row[4] += sign * inside * clients
                row[5] += sign * inside
    return {key: row for key, row in sums.items() if any(row)}


@given(spans)
def test_sums_equal_a_plain_count(rows: list[tuple[int, int, int, int, int, int]]) -> None:
    m = sum_by_minute(of(rows))
    columns = (m.up_ms, m.degraded_ms, m.down_ms, m.maintenance_ms, m.client_ms, m.client_known_ms)
    keys = list(zip(m.unit.tolist(), m.minute.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    assert dict(zip(keys, np.stack(columns).T.tolist(), strict=True)) == plainly(rows)


@given(spans)
def test_what_is_booked_and_booked_back_leaves_nothing(
    rows: list[tuple[int, int, int, int, int, int]],
) -> None:
    back = [(*row[:5], -row[5]) for row in rows]
    assert len(sum_by_minute(of(rows + back)).unit) == 0


def test_sums_stay_exact_where_every_sample_has_the_most_clients() -> None:
    rows = [(1, OK, 100_000, BASE + n % 7, MINUTE_MS * 3, 1) for n in range(10_000)]
    m = sum_by_minute(of(rows))
    assert int(m.client_ms.sum()) == 10_000 * 100_000 * 3 * MINUTE_MS


def test_a_batch_of_samples_that_hold_for_days_takes_no_memory_to_speak_of() -> None:
    days = 3 * 24 * 60 * MINUTE_MS
    rows = [(1 + n % 20, OK, 3, BASE + n, days, 1) for n in range(10_000)]
    tracemalloc.start()
    try:
        m = sum_by_minute(of(rows))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(m.unit) == 20 * (3 * 24 * 60 + 1)
    assert int(m.up_ms.sum()) == 10_000 * days
    assert peak < 64 * 1024 * 1024
