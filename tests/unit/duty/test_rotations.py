"""Turns, wraps, gaps, holidays, and days on which clocks are turned."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ioc.duty import Person, compute
from ioc.duty.clock import instant
from ioc.duty.model import Advance
from ioc.duty.shifts import shifts
from tests.unit.duty.plans import CHICAGO, DAY, local, plan, rotation


def _turns(found: object, start: str, days: int, zone: str = "Asia/Ho_Chi_Minh") -> list[str]:
    from ioc.duty.model import Plan

    assert isinstance(found, Plan)
    low = local(start, ZoneInfo(zone))
    return ["+".join(s.people) for s in shifts(found.rosters[0], found.calendar, low, low + days * DAY)]


def test_daily_turns_wrap_around() -> None:
    assert _turns(plan(), "2026-03-02T07:00", 7) == ["an", "binh", "chi", "an", "binh", "chi", "an"]


def test_weekly_turns_wrap_around_and_a_longer_turn_stays_longer() -> None:
    weekly = plan(rotation("an; binh", turn=7))
    assert _turns(weekly, "2026-03-02T07:00", 21) == ["an"] * 7 + ["binh"] * 7 + ["an"] * 7
    assert [s.person for s in compute(weekly, weekly.rosters[0], local("2026-03-02"), local("2026-03-30")).stints] == [
        "an", "binh", "an", "binh",
    ]  # fmt: skip
    fortnight = plan(rotation("an; binh", turn=14))
    assert _turns(fortnight, "2026-03-16T07:00", 15) == ["binh"] * 14 + ["an"]


def test_nobody_is_on_duty_before_the_first_day_nor_after_the_last() -> None:
    found = plan(rotation(start="2026-03-10", end="2026-03-12"))
    line = compute(found, found.rosters[0], local("2026-03-01"), local("2026-03-20"))
    assert [(s.person, s.start, s.end) for s in line.stints] == [
        ("an", local("2026-03-10T07:00"), local("2026-03-11T07:00")),
        ("binh", local("2026-03-11T07:00"), local("2026-03-12T07:00")),
    ]
    assert [span.people for span in line.spans] == [(), ("an",), ("binh",), ()]


def test_a_rotation_looked_at_from_the_middle_says_the_same() -> None:
    found = plan(rotation("an; binh; chi", days="sat+sun+holidays", advance=Advance.SHIFTS))
    whole = shifts(found.rosters[0], found.calendar, local("2026-03-01"), local("2027-03-01"))
    part = shifts(found.rosters[0], found.calendar, local("2026-09-01"), local("2026-12-01"))
    assert part == [s for s in whole if s.start < local("2026-12-01") and s.end > local("2026-09-01")]


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    found = plan(
        rotation("an; binh", code="day", hours="06:00 18:00"),
        rotation("chi; dung", code="night", hours="18:00 06:00"),
    )
    line = compute(found, found.rosters[0], local("2026-03-02"), local("2026-03-04"))
    assert [span.people for span in line.spans] == [(), ("an",), ("chi",), ("binh",), ("dung",)]
    assert line.at(local("2026-03-03T02:00")).people == ("chi",)


def test_several_people_and_layers_are_called_in_the_order_of_the_lines() -> None:
    found = plan(rotation("dung+an"), rotation("binh", layer="leader"))
    span = compute(found, found.rosters[0], local("2026-03-02T07:00"), local("2026-03-02T08:00")).spans[0]
    assert span.on == (("main", ("dung", "an")), ("leader", ("binh",)))
    assert span.people == ("dung", "an", "binh")


def test_tet_and_make_up_days_follow_the_district_calendar() -> None:
    # Tết 2027 is on 6 February; its Friday before and Monday to Wednesday after are public holidays, too
    found = plan(
        rotation("an", code="work", days="working"),
        rotation("binh", code="weekend", days="weekends"),
        rotation("chi; dung", code="tet", days="holidays", advance=Advance.SHIFTS),
        overrides={date(2027, 2, 20): True},
    )
    calendar = found.calendar
    for shift in shifts(found.rosters[0], calendar, local("2027-01-25T07:00"), local("2027-02-28T07:00")):
        usual = shift.day.isoweekday() < 6
        meant = "work" if calendar.is_working_day(shift.day) else "tet" if usual else "weekend"
        assert shift.code == meant
    days = {s.day: s for s in shifts(found.rosters[0], calendar, local("2027-02-01"), local("2027-02-28"))}
    assert days[date(2027, 2, 20)].code == "work", "a Saturday that is worked"
    tet = [s for day, s in sorted(days.items()) if s.code == "tet"]
    assert len(tet) >= 3
    assert all(a.people != b.people for a, b in pairwise(tet)), "holidays are shared out"
    assert len(days) == 28, "each day has one of the three, and so has the last of January"


def test_turns_by_shift_are_not_lost_on_days_without_one() -> None:
    by_shift = plan(rotation("an; binh", days="sat", advance=Advance.SHIFTS))
    assert _turns(by_shift, "2026-03-02", 28) == ["an", "binh", "an", "binh"]
    by_day = plan(rotation("an; binh; chi; dung; an; binh; chi", days="sat"))
    assert _turns(by_day, "2026-03-02", 28) == ["binh"] * 4, "seven turns of a day: each Saturday the same"


@pytest.mark.parametrize(
    ("day", "hours", "length"),
    [
        ("2017-03-11", "08:00 08:00", 23),  # clocks go from 2:00 to 3:00 on the 12th
        ("2017-11-04", "08:00 08:00", 25),  # and from 2:00 back to 1:00 on 5 November
        ("2017-03-12", "00:00 03:00", 2),
        ("2017-11-05", "00:00 03:00", 4),
        ("2017-06-10", "08:00 08:00", 24),
        ("2017-03-12", "02:30 10:00", 7),  # begins at a time that does not exist: when the hole ends
        ("2017-03-11", "22:00 02:30", 4),
        ("2017-11-05", "01:30 03:00", 2.5),  # begins at a time that comes twice: the first
        ("2017-11-04", "22:00 01:30", 3.5),
    ],
)
def test_a_shift_keeps_its_local_hours_when_clocks_are_turned(day: str, hours: str, length: float) -> None:
    found = plan(rotation("an", hours=hours, start=day), zone=CHICAGO)
    zone = ZoneInfo(CHICAGO)
    shift = next(
        s
        for s in shifts(found.rosters[0], found.calendar, local(day, zone), local(day, zone) + 2 * DAY)
        if s.day.isoformat() == day
    )
    assert (shift.end - shift.start).total_seconds() == length * 3600


def test_shifts_that_meet_still_meet_when_clocks_are_turned() -> None:
    zone = ZoneInfo(CHICAGO)
    for day in ("2017-03-11", "2017-11-04"):
        for edge in ("01:30", "02:00", "02:30", "03:00"):
            found = plan(
                rotation("an", code="a", hours=f"12:00 {edge}", start="2017-01-01"),
                rotation("binh", code="b", hours=f"{edge} 12:00", start="2017-01-01"),
                zone=CHICAGO,
            )
            low = local(f"{day}T12:00", zone)
            line = compute(found, found.rosters[0], low, low + 2 * DAY)
            assert all(len(span.people) == 1 for span in line.spans), (day, edge)


def test_a_shift_within_the_hole_of_the_clock_is_not_held_and_has_had_its_turn() -> None:
    zone = ZoneInfo(CHICAGO)
    found = plan(
        rotation("an; binh; chi", hours="02:15 02:45", start="2017-03-11", advance=Advance.SHIFTS),
        zone=CHICAGO,
    )
    held = shifts(found.rosters[0], found.calendar, local("2017-03-11", zone), local("2017-03-14", zone))
    assert [(s.day.day, s.people) for s in held] == [(11, ("an",)), (13, ("chi",))]


def test_a_day_that_a_zone_left_out_has_no_shift() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    assert instant(date(2011, 12, 30), time(8), apia) == instant(date(2011, 12, 31), time(), apia)
    found = plan(rotation("an", hours="08:00 17:00", start="2011-12-01"), zone="Pacific/Apia")
    held = shifts(
        found.rosters[0],
        found.calendar,
        datetime(2011, 12, 28, tzinfo=UTC),
        datetime(2012, 1, 1, 12, tzinfo=UTC),
    )
    assert [s.day.day for s in held if s.day > date(2011, 12, 28)] == [29, 31, 1]


def test_local_times_never_turn_around() -> None:
    for zone in (ZoneInfo(CHICAGO), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Casablanca")):
        start = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock
        walls = [start + timedelta(minutes=15 * n) for n in range(365 * 96)]
        moments = [instant(wall.date(), wall.time(), zone) for wall in walls]
        assert all(a <= b for a, b in pairwise(moments)), zone


def test_a_person_who_is_gone_leaves_the_place_empty() -> None:
    people = (Person("an", "An", valid_to=date(2026, 3, 8)), Person("binh", "Bình"), Person("chi", "Chi"))
    found = plan(people=people)
    line = compute(found, found.rosters[0], local("2026-03-05T07:00"), local("2026-03-12T07:00"))
    assert [span.people for span in line.spans] == [
        ("an",), ("binh",), ("chi",), (), ("binh",), ("chi",), (),
    ]  # fmt: skip
