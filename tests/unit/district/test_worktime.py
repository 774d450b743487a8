"""Working time: 8 hours a day, nothing outside opening hours, holidays and make-up days respected."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.district.worktime import Regime, WorkCalendar

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


MORNING, AFTERNOON = (time(7), time(11, 30)), (time(13, 30), time(17))
#: Summer hours from May, half a day on Saturdays from October, one half day of its own.
CHANGING = WorkCalendar(
    overrides={date(2026, 3, 10): (MORNING,), date(2026, 3, 14): True, date(2026, 3, 11): False},
    later=(
        Regime(date(2026, 5, 1), ((time(6, 30), time(11)), (time(13), time(16, 30))), (1, 2, 3, 4, 5)),
        Regime(date(2026, 10, 1), (MORNING, (time(13), time(16))), (1, 2, 3, 4, 5), {6: (MORNING,)}),
    ),
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-03-09", 8),
        ("2026-03-10", 4.5),  # a half day by the pack
        ("2026-03-11", 0),  # a local holiday
        ("2026-03-14", 8),  # a make-up Saturday
        ("2026-03-21", 0),
        ("2026-05-05", 8),
        ("2026-10-02", 7.5),
        ("2026-10-03", 4.5),  # Saturdays are half days now
        ("2026-04-30", 0),  # a public holiday
    ],
)
def test_half_days_make_up_days_and_hours_that_change(day: str, hours: float) -> None:
    start = local(f"{day}T00:00")
    assert CHANGING.between(start, start + timedelta(days=1)) == timedelta(hours=hours)
    assert CHANGING.is_working_day(start.date()) == (hours > 0)


def test_opening_hours_are_those_of_the_day() -> None:
    assert [
        CHANGING.is_open(local(f"2026-{at}")) for at in ("03-10T10:00", "03-10T14:00", "05-05T06:40")
    ] == [
        True,
        False,
        True,
    ]
    assert not CALENDAR.is_open(local("2026-05-05T06:40"))
    assert CHANGING.add(local("2026-03-10T11:00"), timedelta(hours=1)) == local("2026-03-12T07:30")


def test_working_days_have_the_length_that_a_day_has_then() -> None:
    # two hours of September's days of 8 hours, the rest of October's of 7.5
    assert CHANGING.days_between(local("2026-09-30T14:30"), local("2026-10-01T14:00")) == pytest.approx(
        2 / 8 + 5.5 / 7.5
    )
    assert CHANGING.add_days(local("2026-09-30T14:30"), 2 / 8 + 5.5 / 7.5) == local("2026-10-01T14:00")
    assert CHANGING.days_between(local("2026-10-03T07:00"), local("2026-10-03T17:00")) == pytest.approx(
        4.5 / 7.5
    )


calendars = st.sampled_from((CALENDAR, CHANGING))


@given(calendars, moments, st.integers(0, 400 * 3600))
def test_what_is_added_is_measured_back_whatever_the_calendar(
    calendar: WorkCalendar, start: datetime, seconds: int
) -> None:
    work = timedelta(seconds=seconds)
    end = calendar.add(start, work)
    assert calendar.between(start, end) == work
    assert calendar.is_working_day(end.date())


@given(calendars, moments, st.integers(0, 40_000))
def test_working_days_are_measured_back(calendar: WorkCalendar, start: datetime, thousandths: int) -> None:
    end = calendar.add_days(start, thousandths / 1000)
    assert calendar.days_between(start, end) == pytest.approx(thousandths / 1000, abs=1e-6)


@given(calendars, moments, moments)
def test_working_time_equals_a_plain_walk_through_the_openings(
    calendar: WorkCalendar, one: datetime, two: datetime
) -> None:
    first, last = sorted((one, two))
    last = min(last, first + timedelta(days=40))
    plain = timedelta()
    for opening, closing in calendar.openings(first):
        if opening >= last:
            break
        plain += min(closing, last) - opening
    assert calendar.between(first, last) == plain


def test_a_calendar_survives_being_stored() -> None:
    for calendar in (CALENDAR, CHANGING):
        again = WorkCalendar.from_json(calendar.to_json(), calendar.time_zone)
        assert again == calendar
        assert again.to_json() == calendar.to_json()
    assert "later" not in CALENDAR.to_json(), "an older program reads what it can"


def test_a_holiday_falls_on_a_day_that_is_usually_worked_or_not() -> None:
    calendar = WorkCalendar(
        overrides={date(2026, 3, 7): True, date(2026, 3, 9): False},
        later=(
            Regime(date(2026, 4, 1), ((time(7), time(11)),), frozenset({1, 2}), {6: ((time(7), time(9)),)}),
        ),
    )
    usual = [calendar.is_usually_worked(date(2026, 3, day)) for day in (6, 7, 9)]
    assert usual == [True, False, True]
    april = [calendar.is_usually_worked(date(2026, 4, day)) for day in (4, 5, 7, 8)]
    assert april == [True, False, True, False]
