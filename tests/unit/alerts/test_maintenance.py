"""When maintenance windows hold, and what they cover."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts import recurrence
from ioc.alerts.errors import AlertError
from ioc.alerts.maintenance import Facts, covering, fits, next_time, until
from ioc.alerts.window import Window

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALERT = Facts("camera.down", 7, "p1", ("device:c1",))


def at(text: str, zone: ZoneInfo = VIETNAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def window(start: datetime, length: timedelta, recurs: str | None = None, zone: ZoneInfo = VIETNAM) -> Window:
    rule = None if recurs is None else recurrence.read(recurs, start, zone)
    return Window(id=1, starts_at=start.astimezone(UTC), length=length, recurs=rule, time_zone=zone.key)


def held(found: Window, days: list[str], clock: str) -> list[bool]:
    zone = ZoneInfo(found.time_zone)
    return [until(found, at(f"{day}T{clock}", zone)) is not None for day in days]


def test_a_window_holds_from_its_begin_and_not_at_its_end() -> None:
    once = window(at("2026-03-02T22:00"), 2 * HOUR)
    assert until(once, at("2026-03-02T21:59:59")) is None
    assert until(once, at("2026-03-02T22:00")) == at("2026-03-03T00:00")
    assert until(once, at("2026-03-02T23:59:59")) == at("2026-03-03T00:00")
    assert until(once, at("2026-03-03T00:00")) is None
    nightly = window(at("2026-03-02T22:00"), 2 * HOUR, "FREQ=DAILY")
    assert until(nightly, at("2026-03-09T22:00")) == at("2026-03-10T00:00")
    assert until(nightly, at("2026-03-10T00:00")) is None
    assert until(nightly, at("2026-03-01T22:30")) is None


def test_a_window_of_every_sunday_and_of_every_month_s_last_day() -> None:
    sundays = window(at("2026-03-02T08:00"), 4 * HOUR, "FREQ=WEEKLY;BYDAY=SU")
    assert held(sundays, ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-15"], "09:00") == [
        False,
        True,
        False,
        True,
    ]
    last = window(at("2026-01-31T18:00"), 8 * HOUR, "FREQ=MONTHLY;BYMONTHDAY=-1")
    days = ["2026-02-27", "2026-02-28", "2028-02-28", "2028-02-29", "2026-04-30", "2026-12-31"]
    assert held(last, days, "20:00") == [False, True, False, True, True, True]
    # the 31st of months that have one: nothing is put on the 30th
    only = window(at("2026-01-31T18:00"), HOUR, "FREQ=MONTHLY")
    assert held(only, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"], "18:30") == [
        False,
        True,
        False,
        True,
    ]
    second = window(at("2026-03-01T00:00"), DAY, "FREQ=MONTHLY;BYDAY=2TU")
    assert held(second, ["2026-03-03", "2026-03-10", "2026-04-14"], "12:00") == [False, True, True]


def test_a_night_s_window_keeps_its_local_begin_and_its_length_over_a_change_of_the_clock() -> None:
    nightly = window(at("2026-03-01T22:00", AMSTERDAM), 8 * HOUR, "FREQ=DAILY", AMSTERDAM)
    # clocks go on at 2:00 on 29 March: eight hours from 22:00 end at 7:00, on 25 October at 5:00
    assert until(nightly, at("2026-03-28T23:00", AMSTERDAM)) == at("2026-03-29T07:00", AMSTERDAM)
    assert until(nightly, at("2026-10-24T23:00", AMSTERDAM)) == at("2026-10-25T05:00", AMSTERDAM)
    assert until(nightly, at("2026-03-29T22:00", AMSTERDAM)) == at("2026-03-30T06:00", AMSTERDAM)


def test_a_begin_in_the_hour_that_is_left_out_or_comes_twice() -> None:
    early = window(at("2026-03-20T02:30", AMSTERDAM), HOUR, "FREQ=DAILY", AMSTERDAM)
    assert until(early, datetime(2026, 3, 29, 1, 29, tzinfo=UTC)) is None
    assert until(early, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    # 2:30 of 25 October comes at 0:30 and at 1:30 UTC
    assert until(early, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )
    assert until(early, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) is None


def test_ends_of_a_recurrence() -> None:
    thrice = window(at("2026-03-02T08:00"), HOUR, "FREQ=DAILY;COUNT=3")
    assert held(thrice, ["2026-03-02", "2026-03-04", "2026-03-05"], "08:30") == [True, True, False]
    assert next_time(thrice, at("2026-03-04T09:00")) is None
    whole = window(at("2026-03-02T08:00"), HOUR, "FREQ=DAILY;UNTIL=20260304")
    assert held(whole, ["2026-03-04", "2026-03-05"], "08:30") == [True, False]
    # 1:00 UTC is 8:00 in Vietnam: included
    exact = window(at("2026-03-02T08:00"), HOUR, "RRULE:FREQ=DAILY;UNTIL=20260304T010000Z")
    assert held(exact, ["2026-03-04", "2026-03-05"], "08:30") == [True, False]


def test_windows_longer_than_their_distance_hold_without_a_gap() -> None:
    found = window(at("2026-03-02T08:00"), 3 * DAY, "FREQ=DAILY")
    assert until(found, at("2026-03-20T07:00")) == at("2026-03-22T08:00")
    for_years = window(at("2026-03-02T08:00"), 1000 * DAY)
    assert until(for_years, at("2028-01-01T00:00")) == at("2026-03-02T08:00") + 1000 * DAY


def test_what_comes_next_is_told() -> None:
    sundays = window(at("2026-03-02T08:00"), 4 * HOUR, "FREQ=WEEKLY;BYDAY=SU")
    assert next_time(sundays, at("2026-03-08T09:00")) == (at("2026-03-08T08:00"), at("2026-03-08T12:00"))
    assert next_time(sundays, at("2026-03-08T12:00")) == (at("2026-03-15T08:00"), at("2026-03-15T12:00"))
    assert next_time(sundays, at("2026-01-01T12:00")) == (at("2026-03-08T08:00"), at("2026-03-08T12:00"))
    assert next_time(window(at("2026-03-02T08:00"), HOUR), at("2026-03-02T09:00")) is None


@pytest.mark.parametrize(
    ("change", "covers"),
    [
        ({}, True),
        ({"rules": ("camera.down",)}, True),
        ({"rules": ("wifi.down",)}, False),
        ({"units": ("go",), "unit_ids": frozenset({6, 7})}, True),
        ({"units": ("go",), "unit_ids": frozenset({6})}, False),
        ({"points": ("p1", "p2")}, True),
        ({"points": ("p2",)}, False),
        ({"subjects": ("device:c1", "device:c2")}, True),
        ({"subjects": ("device:c2",)}, False),
        ({"points": ("p1",), "rules": ("wifi.down",)}, False),
    ],
)
def test_what_a_window_names_limits_it(change: dict[str, object], covers: bool) -> None:
    found = Window(starts_at=at("2026-03-02T08:00"), length=HOUR, **change)  # type: ignore[arg-type]
    assert fits(found, ALERT) is covers


def test_an_alert_of_more_than_the_subjects_named_is_not_covered() -> None:
    found = Window(starts_at=at("2026-03-02T08:00"), length=HOUR, subjects=("device:c1",))
    assert not fits(found, Facts("camera.down", 7, "p1", ("device:c1", "device:c2")))
    assert not fits(
        Window(starts_at=at("2026-03-02T08:00"), length=HOUR, units=("go",), unit_ids=frozenset({7})),
        Facts("disk.full"),
    )


def test_of_several_windows_the_one_that_lasts_longest_counts() -> None:
    start = at("2026-03-02T08:00")
    windows = [
        Window(id=1, starts_at=start, length=HOUR),
        Window(id=2, starts_at=start, length=3 * HOUR),
        Window(id=3, starts_at=start, length=9 * HOUR, rules=("wifi.down",)),
        Window(id=4, starts_at=start, length=9 * HOUR, withdrawn_at=start),
    ]
    assert covering(windows, ALERT, start) == (2, start + 3 * HOUR)
    assert covering(windows, ALERT, start + 3 * HOUR) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every sunday",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "BYDAY=SU",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=9999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20271332",
        "FREQ=DAILY;UNTIL=20250101",
        "FREQ=DAILY;BYHOUR=3",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTH=13",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;INTERVAL=2;BYMONTH=3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=DAILY\nDTSTART:19970101T000000",
        "FREQ=WEEKLY;BYDAY=" + ",".join(["SU"] * 300),
    ],
)
def test_a_recurrence_that_can_not_be_followed_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(AlertError) as refused:
        recurrence.read(text, at("2026-03-02T08:00"), VIETNAM)
    assert len(refused.value.message) < 200


_RULES = st.sampled_from(
    [
        ("FREQ=DAILY", lambda _first, _day: True),
        ("FREQ=DAILY;INTERVAL=3", lambda first, day: (day - first).days % 3 == 0),
        ("FREQ=WEEKLY;BYDAY=MO,SA", lambda _first, day: day.weekday() in (0, 5)),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", lambda _first, day: day.day == 1 or (day + DAY).day == 1),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", lambda _first, day: (day.month, day.day) == (2, 29)),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    rule=_RULES,
    zone=st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"]),
    first=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    clock=st.times(),
    length_min=st.integers(1, 60 * 24 * 10),
    after_min=st.integers(-5_000, 60 * 24 * 500),
)
def test_until_agrees_with_looking_at_each_day(
    rule: tuple[str, object], zone: str, first: date, clock: object, length_min: int, after_min: int
) -> None:
    """Each day asked by itself: does it fit the rule, and does a window that begins then hold now?"""
    place, (text, belongs) = ZoneInfo(zone), rule
    start = datetime.combine(first, clock, tzinfo=place)  # type: ignore[arg-type]
    start = start.replace(microsecond=0, fold=0).astimezone(UTC).astimezone(place)
    if start.fold:
        return
    length = timedelta(minutes=length_min)
    now = start.astimezone(UTC) + timedelta(minutes=after_min)
    found = window(start, length, text, place)
    begins = []
    day = start.date()
    while datetime.combine(day, start.timetz()) <= now.astimezone(place) + DAY:
        if belongs(start.date(), day):  # type: ignore[operator]
            begins.append(datetime.combine(day, start.timetz()).astimezone(UTC))
        day += DAY
    ends = [begin + length for begin in begins if begin <= now < begin + length]
    assert until(found, now) == (max(ends) if ends else None)
    assert covering([found], ALERT, now) == ((1, max(ends)) if ends else None)
