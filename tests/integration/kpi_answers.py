"""All that the catalogue says about a subject, and events of all subjects to say it about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

from ioc.events import CameraProbed, CameraSample, Status, WifiProbed, WifiSample
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import SYSTEM_READER, Point, answer, ask
from ioc.kpi.question import Asked

#: Value, numerator and denominator of what is not empty, by time and value of the dimension.
Figures = dict[tuple[datetime, str | None], tuple[float | None, float, float]]
#: By indicator, dimension and bucket.
Answers = dict[tuple[str, str | None, str], Figures]

#: Samples come from here on; ten minutes later the day changes.
SAMPLED_FROM = datetime(2026, 3, 2, 16, 50, tzinfo=UTC)


@dataclass(frozen=True)
class Range:
    """What is asked for: undivided by every bucket, by each dimension in days."""

    start: str
    end: str
    buckets: Sequence[str]


#: Per subject; whole minutes at both ends, since device-time is kept in them.
RANGES: Mapping[str, Range] = {
    "dossier": Range("2024-03-25T17:00:00Z", "2024-04-12T17:00:00Z", ("1d", "1mo")),
    "queue": Range("2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z", ("1h",)),
    "camera": Range("2026-03-02T16:52:00Z", "2026-03-02T17:25:00Z", ("1min",)),
    "wifi": Range("2026-03-02T16:52:00Z", "2026-03-02T17:25:00Z", ("1min",)),
}


def answers(connection: psycopg.Connection[Any], subject: str, as_of: datetime | None = None) -> Answers:
    """Every series of a subject's indicators: by each of its dimensions, and undivided."""
    asked_for = RANGES[subject]
    found: Answers = {}
    for kpi in CATALOGUE.values():
        if kpi.subject != subject:
            continue
        for by in (None, *kpi.dimensions):
            for bucket in asked_for.buckets if by is None else ("1d",):
                asked = Asked(
                    start=asked_for.start,
                    end=asked_for.end,
                    bucket=bucket,
                    by=by,
                    as_of=None if as_of is None else as_of.isoformat(),
                )
                points = answer(connection, ask(SYSTEM_READER, kpi.id, asked)).points
                found[kpi.id, by, bucket] = figures(points)
    return found


def figures(points: Sequence[Point]) -> Figures:
    """Leave out points of nothing: whether that is stored as a row of zeros depends on what was taken back."""
    return {
        (p.time, p.dim): (p.value, p.numerator or 0, p.denominator or 0)
        for p in points
        if p.value is not None or p.numerator or p.denominator
    }


def _envelope(kind: Any, data: Any, device: str, at_s: int) -> Any:
    return kind(
        specversion="1.0",
        id=f"{device}-{at_s}",
        source="//test",
        subject=device,
        time=SAMPLED_FROM + timedelta(seconds=at_s),
        data=data,
    )


_seconds = st.integers(0, 120).map(lambda n: 15 * n)
_units = st.sampled_from(["u1", "u2"])
_intervals = st.sampled_from([10, 60, 200])
_statuses = st.sampled_from([*Status, Status.DOWN, Status.OK])

camera_events = st.lists(
    st.builds(
        _envelope,
        st.just(CameraProbed),
        st.builds(
            CameraSample,
            unit=_units,
            verdict=_statuses,
            frozen=st.sampled_from([None, False, True]),
            stalled=st.sampled_from([None, False, True]),
            clock_offset_s=st.sampled_from([None, -3.0, 0.5, 40.0]),
            interval_s=_intervals,
        ),
        st.sampled_from(["c1", "c2", "c3"]),
        _seconds,
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda e: e.id,
)
wifi_events = st.lists(
    st.builds(
        _envelope,
        st.just(WifiProbed),
        st.builds(
            WifiSample,
            unit=_units,
            status=_statuses,
            clients=st.sampled_from([None, 0, 7, 5000]),
            loss=st.sampled_from([None, 0.0, 0.25]),
            rtt_ms=st.sampled_from([None, 1.5, 20.0, 300.0]),
            internet_ok=st.sampled_from([None, True, False]),
            rx_bytes=st.sampled_from([None, 0, 5_000_000]),
            interval_s=_intervals,
        ),
        st.sampled_from(["w1", "w2", "w3"]),
        _seconds,
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda e: e.id,
)
