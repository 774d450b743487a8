"""The roster's calendar: days, what differs, which days a view shows, and the change that a form says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar
from ioc.duty.asking import Looked, look
from ioc.duty.model import Change, ChangeKind, Cover, Person, Plan, Roster
from ioc.duty.timeline import compute
from ioc.duty.wording import ShiftWording, Wording
from ioc.pages.duty import words
from ioc.pages.duty.calendar import Sort, bounds, days, differences, sort_of, step
from ioc.pages.duty.changing import missing, wording
from ioc.pages.duty.view import View
from tests.integration.duty_pack import VIETNAM, daily

MONDAY = date(2026, 3, 2)
START = datetime(2026, 3, 1, 17, tzinfo=UTC)  # midnight in Vietnam
WEEK = timedelta(days=7)


def _plan(*changes: Change) -> Plan:
    rotations = (daily("ban", "an binh"), daily("lanh-dao", "chi dung", turn=7))
    roster = Roster("truc", "Trực", "Duty", VIETNAM, Cover.ALWAYS, rotations)
    people = {code: Person(code, code.title()) for code in ("an", "binh", "chi", "dung")}
    return Plan((roster,), people, changes, WorkCalendar())


def _looked(plan: Plan, at: datetime = START) -> Looked:
    return look(plan, plan.rosters[0], at, (START - WEEK, START + 3 * WEEK))


def test_a_day_has_what_begins_on_it_and_what_goes_on_for_most_of_it() -> None:
    plan = _plan()
    found = days(_looked(plan), plan.calendar, MONDAY, MONDAY + timedelta(days=6))
    assert [[(turn.layer, turn.people) for turn in day.turns] for day in found[:3]] == [
        [("ban", ("an",)), ("lanh-dao", ("chi",))],
        [("ban", ("binh",)), ("lanh-dao", ("chi",))],
        [("ban", ("an",)), ("lanh-dao", ("chi",))],
    ]
    leader = found[3].turns[1]
    assert (leader.start, leader.end) == (START + timedelta(hours=7), START + WEEK + timedelta(hours=7))
    assert all(not day.lacks for day in found[1:])
    # before the roster began, nobody was there
    assert [(lack.start, lack.end) for lack in found[0].lacks] == [(START, START + timedelta(hours=7))]


def test_what_lacks_people_is_cut_to_each_day() -> None:
    leave = Change(ChangeKind.LEAVE, "chi", START + timedelta(hours=12), START + timedelta(hours=60))
    plan = _plan(leave)
    found = days(_looked(plan), plan.calendar, MONDAY, MONDAY + timedelta(days=3))
    thin = [(day.day.day, lack.end - lack.start) for day in found for lack in day.lacks if lack.warning.layer]
    assert thin == [(2, timedelta(hours=12)), (3, timedelta(hours=24)), (4, timedelta(hours=12))]


def test_differences_are_those_of_the_people_in_a_layer() -> None:
    plan = _plan()
    low, high = START + timedelta(hours=10), START + timedelta(hours=40)
    change = Change(ChangeKind.REPLACE, "an", low, high, roster="truc", layer="ban", other="dung")
    before = compute(plan, plan.rosters[0], START, START + WEEK)
    after = compute(replace(plan, changes=(change,)), plan.rosters[0], START, START + WEEK)
    (one,) = differences(before, after)
    assert (one.layer, one.before, one.after) == ("ban", ("an",), ("dung",))
    assert (one.start, one.end) == (low, START + timedelta(hours=31))
    assert differences(before, before) == []


@pytest.mark.parametrize(
    ("day", "sort"),
    [
        (date(2026, 4, 30), Sort.HOLIDAY),
        (date(2026, 3, 7), Sort.WEEKEND),
        (date(2026, 3, 4), Sort.WORKING),
        (date(2026, 3, 8), Sort.MADE_UP),
    ],
)
def test_what_the_calendar_says_of_a_day(day: date, sort: Sort) -> None:
    assert sort_of(day, WorkCalendar(overrides={date(2026, 3, 8): True})) == sort


@given(st.dates(date(1991, 1, 1), date(2198, 12, 31)), st.sampled_from(("week", "month")))
def test_a_view_shows_whole_weeks_with_its_day(day: date, span: str) -> None:
    first, last = bounds(span, day)
    assert first <= day <= last
    assert (first.weekday(), last.weekday()) == (0, 6)
    assert (last - first).days + 1 in ((7,) if span == "week" else (28, 35, 42))
    there = step(span, day, 1)
    assert bounds(span, step(span, there, -1)) == bounds(span, day)
    assert View.read({"view": span, "day": day.isoformat()}) == View(span, day)


def _addresses() -> Iterator[dict[str, str]]:
    yield {"view": "year", "day": "2026-02-30"}
    yield {"day": "0001-01-01"}
    yield {"day": "9999-12-31", "roster": "\x00"}


@pytest.mark.parametrize("given_", [*_addresses()])
def test_an_address_that_cannot_be_read_shows_this_week(given_: dict[str, str]) -> None:
    assert View.read(given_) == View()


def test_a_form_says_only_what_belongs_to_its_kind() -> None:
    fields = {
        "kind": "swap", "roster": "truc", "layer": "", "person": "an", "other": "binh", "from": "2026-03-02T08:00",
        "to": "2026-03-09T08:00", "other_from": "2026-03-03T08:00", "reason": "r", "p1": "chi", "s1": "a", "e1": "b",
        "p2": "", "q2": "", "p3": "an", "q3": "an", "s3": "c", "e3": "d",
    }  # fmt: skip
    assert wording(fields) == Wording(
        "swap", "an", "2026-03-02T08:00", None, "truc", None, "binh", "2026-03-03T08:00", "r"
    )
    leave = wording({**fields, "kind": "leave"})
    assert (leave.roster, leave.other, leave.end, leave.other_start) == (None, None, "2026-03-09T08:00", None)
    temporary = wording({**fields, "kind": "temporary"})
    assert temporary.person is None
    assert temporary.shifts == (ShiftWording(("chi",), "a", "b"), ShiftWording(("an",), "c", "d"))


def test_what_is_not_filled_in_is_named() -> None:
    whole = Wording("swap", "an", "2026-03-02T08:00", None, "truc", None, "binh", "2026-03-03T08:00")
    assert missing(whole) == []
    assert missing(Wording("swap")) == [words.PERSON, words.OTHER, words.FROM, words.OTHER_FROM]
    assert missing(Wording("leave", "an")) == [words.FROM, words.TO]
    assert missing(Wording("temporary")) == [words.PERSON]
    assert missing(Wording("temporary", shifts=(ShiftWording(("an",), "2026-03-02T08:00", ""),))) == [
        words.TO
    ]
