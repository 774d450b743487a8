"""Working time: 8 hours a day, nothing outside opening hours, holidays and make-up days respected."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = WorkCalendar()
moments = st.datetimes(
    datetime(2025, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    datetime(2026, 12, 1),  # noqa: DTZ001
    timezones=st.just(ZONE),
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-02T08:00", 2, "2026-03-02T10:00"),
        ("2026-03-02T11:00", 1, "2026-03-02T14:00"),  # over lunch
        ("2026-03-02T18:30", 1, "2026-03-03T08:00"),  # after hours counts from the next morning
        ("2026-03-06T16:00", 8, "2026-03-09T16:00"),  # over a weekend
        ("2025-08-29T16:30", 8, "2025-09-03T16:30"),  # over National Day, 1 and 2 September 2025
    ],
)
def test_due_times(start: str, hours: int, due: str) -> None:
    assert CALENDAR.add(local(start), timedelta(hours=hours)) == local(due)


def test_a_day_is_eight_hours() -> None:
    assert CALENDAR.day_length == timedelta(hours=8)


def test_own_rows_override_public_holidays_and_weekends() -> None:
    tet, saturday, tuesday = date(2026, 2, 17), date(2026, 3, 7), date(2026, 3, 10)
    own = WorkCalendar(overrides={tet: True, saturday: True, tuesday: False})
    assert [CALENDAR.is_working_day(day) for day in (tet, saturday, tuesday)] == [False, False, True]
    assert [own.is_working_day(day) for day in (tet, saturday, tuesday)] == [True, True, False]


@given(moments, st.integers(0, 40 * 60))
def test_what_is_added_is_what_lies_between(start: datetime, minutes: int) -> None:
    work = timedelta(minutes=minutes)
    end = CALENDAR.add(start, work)
    assert CALENDAR.between(start, end) == work
    assert CALENDAR.is_working_day(end.date())


@given(moments, moments, moments)
def test_working_time_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    first, middle, last = sorted((one, two, three))
    whole = CALENDAR.between(first, last)
    assert whole == CALENDAR.between(first, middle) + CALENDAR.between(middle, last)
    assert timedelta() <= whole <= last - first


def test_a_calendar_without_working_days_says_so() -> None:
    with pytest.raises(ValueError, match="no working day"):
        WorkCalendar(weekdays=frozenset()).next_working_day(date(2026, 1, 1))
