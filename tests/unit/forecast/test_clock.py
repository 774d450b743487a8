"""The working clock over arrays agrees with the calendar, moment by moment, in zones whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar
from ioc.forecast.clock import WorkClock, to_moment, to_times

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_LAST = datetime(2026, 12, 31, tzinfo=UTC)
_MOMENTS = st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 20), timezones=st.just(UTC))  # noqa: DTZ001
_CLOCKS = {
    zone: WorkClock(WorkCalendar(time_zone=zone), _FIRST, _LAST)
    for zone in ("Asia/Ho_Chi_Minh", "Europe/Amsterdam", "America/New_York")
}


@given(zone=st.sampled_from(sorted(_CLOCKS)), one=_MOMENTS, two=_MOMENTS)
@settings(deadline=None)
def test_it_counts_what_the_calendar_counts(zone: str, one: datetime, two: datetime) -> None:
    clock = _CLOCKS[zone]
    start, end = sorted((one, two))
    counted = np.diff(clock.worked(to_times([start, end])))[0]
    assert counted == pytest.approx(clock.calendar.between(start, end) / clock.calendar.day_length, abs=1e-6)


@given(zone=st.sampled_from(sorted(_CLOCKS)), start=_MOMENTS, days=st.floats(0.01, 5))
@settings(deadline=None)
def test_it_leads_back_to_the_moment(zone: str, start: datetime, days: float) -> None:
    clock = _CLOCKS[zone]
    found = to_moment(clock.moments(clock.worked(to_times([start])) + days)[0])
    assert found is not None
    wanted = clock.calendar.add(start, days * clock.calendar.day_length)
    assert abs(found - wanted) < timedelta(milliseconds=5)


def test_beyond_its_end_there_is_no_moment() -> None:
    clock = _CLOCKS["Asia/Ho_Chi_Minh"]
    assert to_moment(clock.moments(np.array([1e6]))[0]) is None
    assert to_moment(clock.moments(np.array([np.nan]))[0]) is None


def test_tet_is_no_working_time() -> None:
    clock = _CLOCKS["Asia/Ho_Chi_Minh"]
    before, after = datetime(2026, 2, 13, 10, tzinfo=UTC), datetime(2026, 2, 22, 23, tzinfo=UTC)
    assert np.diff(clock.worked(to_times([before, after])))[0] < 1.01
