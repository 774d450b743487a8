"""The cases that on-call systems test, on a real database, asked as delivery asks, with a clock that the test moves.

Every theme has a roster of its own, with people of its own. docs/concepts/duty.md says where each theme is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from icalendar import Calendar

from ioc.alerts.model import Target
from ioc.district import Pack, apply_pack
from ioc.duty import Person, Roster, Rotation, asking, store
from ioc.duty.calling import Roll, Why, current
from ioc.duty.document import calendar_file
from ioc.duty.errors import ConflictError, DutyError
from ioc.duty.model import Advance, Cover
from ioc.duty.notices import Notices
from ioc.duty.wording import ShiftWording, Wording
from ioc.kpi.query import SYSTEM_READER, answer, change
from ioc.kpi.steps import run
from tests.integration.duty_pack import VIETNAM, duty_pack
from tests.servers import Servers

CHICAGO = "America/Chicago"
Connection = psycopg.Connection[Any]


def _row(people: str, hours: str = "07:00 07:00", **more: Any) -> Rotation:
    """A rotation from Monday 2 March 2026 on, unless it says otherwise; turns are separated by ``;``."""
    begins, ends = (time.fromisoformat(clock) for clock in hours.split())
    groups = tuple(tuple(group.strip().split("+")) for group in people.split(";")) if people else ()
    settled = {
        "layer": "main",
        "code": "ca",
        "days": ("daily",),
        "turn": 1,
        "advance": Advance.CALENDAR,
        "needs": 1,
    }
    whole: dict[str, Any] = {**settled, "valid_from": date(2026, 3, 2), **more}
    return Rotation(starts=begins, ends=ends, people=groups, **whole)


#: Code → zone, when somebody has to be there, shifts.
ROSTERS: dict[str, tuple[str, Cover, tuple[Rotation, ...]]] = {
    "daily": (VIETNAM, Cover.ALWAYS, (_row("d1; d2; d3"),)),
    "weekly": (VIETNAM, Cover.ALWAYS, (_row("w1; w2", turn=7),)),
    "custom": (
        VIETNAM,
        Cover.WORKING,
        (
            _row("c1; c2", "06:00 14:00", code="sang", turn=3),
            _row("c3", "14:00 22:00", code="chieu", days=("mon", "wed", "fri")),
            _row("c4", "22:00 06:00", code="dem"),
        ),
    ),
    "dst": (
        CHICAGO,
        Cover.ALWAYS,
        (_row("s1; s2", "08:00 20:00", code="a"), _row("s3; s4", "20:00 08:00", code="b")),
    ),
    "hole": (CHICAGO, Cover.NONE, (_row("h1; h2", "01:30 02:30"),)),
    "utc7": (VIETNAM, Cover.ALWAYS, (_row("v1; v2", "00:00 00:00"),)),
    "tet": (
        VIETNAM,
        Cover.ALWAYS,
        (
            _row("t1; t2", days=("working", "weekends"), advance=Advance.SHIFTS),
            _row("t3; t4", days=("holidays",), code="le", advance=Advance.SHIFTS),
        ),
    ),
    "override": (VIETNAM, Cover.ALWAYS, (_row("o1; o2; o3"),)),
    "swap": (VIETNAM, Cover.ALWAYS, (_row("p1; p2; p3"),)),
    "leave": (VIETNAM, Cover.ALWAYS, (_row("l1; l2"),)),
    "temporary": (VIETNAM, Cover.ALWAYS, (_row("m1; m2"), _row("m3", layer="leader", turn=7))),
    "missing": (VIETNAM, Cover.ALWAYS, (_row("x1; x2"),)),
    "alone": (VIETNAM, Cover.ALWAYS, (_row("a1"),)),
    "layers": (VIETNAM, Cover.ALWAYS, (_row("y1"), _row("", layer="deputy"), _row("y2", layer="leader"))),
    "edited": (VIETNAM, Cover.ALWAYS, (_row("e1; e2"),)),
}


def _pack(**changed: tuple[Rotation, ...]) -> Pack:
    rosters = tuple(
        Roster(code, code, code, zone, cover, changed.get(code, rows))
        for code, (zone, cover, rows) in ROSTERS.items()
    )
    named = {p for roster in rosters for row in roster.rotations for group in row.people for p in group}
    people = [Person(code, code.upper()) for code in sorted(named | {"e1", "e2"}) if code != "x1"]
    people.append(Person("x1", "X1", valid_to=date(2026, 3, 6)))
    return replace(duty_pack(), rosters=rosters, people=tuple(people))


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Iterator[Connection]:
    with servers.place() as place, psycopg.connect(place.database_dsn, autocommit=True) as found:
        apply_pack(found, _pack(), at=_at("2026-01-01"))
        yield found


def _at(text: str, zone: str = VIETNAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


class _Clock:
    """Who is called, at a moment that the test sets; one process, which keeps what it read."""

    def __init__(self, connection: Connection, roster: str) -> None:
        self._connection, self._roster = connection, roster
        self._zone = ROSTERS[roster][0]
        self._roll: Roll | None = None

    def __call__(self, text: str, layer: str | None = None) -> str:
        now = _at(text, self._zone)
        self._roll = answer(self._connection, current(now, self._roll))
        return "+".join(self._roll.whom((Target(roster=self._roster, layer=layer),), now).people)

    def why(self, text: str) -> list[Why]:
        self(text)
        assert self._roll is not None
        return [
            one.why for one in self._roll.whom((Target(roster=self._roster),), _at(text, self._zone)).absent
        ]


def _make(
    connection: Connection, kind: str, roster: str | None, person: str | None = None, **more: Any
) -> int:
    wording = Wording(kind, person, roster=roster, **more)
    (made,) = change(connection, store.make_worded(SYSTEM_READER, (wording,), "lan"))
    return made.change.id or 0


def _look(connection: Connection, roster: str, start: str, end: str) -> asking.Looked:
    """A preview; times are in the district's zone."""
    (found,) = answer(connection, asking.ask(SYSTEM_READER, roster=roster, start=start, end=end)).rosters
    return found


def _warnings(connection: Connection, roster: str, start: str, end: str) -> list[tuple[str, str, str]]:
    found = _look(connection, roster, start, end)
    zone = found.roster.zone
    return [
        (w.kind.value, f"{w.start.astimezone(zone):%d %H:%M}", f"{w.end.astimezone(zone):%d %H:%M}")
        for w in found.warnings
    ]


# -- rotations ------------------------------------------------------------------------------------------


def test_daily_turns_wrap_and_change_at_the_exact_instant(connection: Connection) -> None:
    on = _Clock(connection, "daily")
    assert [on(f"2026-03-0{day}T12:00") for day in range(2, 9)] == ["d1", "d2", "d3", "d1", "d2", "d3", "d1"]
    assert on("2026-03-03T06:59:59.999999") == "d1"
    assert on("2026-03-03T07:00:00") == "d2"
    assert on("2026-03-02T06:59:59") == "", "before the first shift there is nobody"
    assert on.why("2026-03-02T06:59:59") == [Why.GAP]


def test_weekly_turns_wrap(connection: Connection) -> None:
    on = _Clock(connection, "weekly")
    days = ("2026-03-02", "2026-03-08", "2026-03-09", "2026-03-15", "2026-03-16", "2027-03-01")
    assert [on(f"{day}T12:00") for day in days] == ["w1", "w1", "w2", "w2", "w1", "w1"]
    assert (on("2026-03-09T06:59"), on("2026-03-09T07:00")) == ("w1", "w2")


def test_custom_shifts_one_across_midnight_and_a_gap_between_two(connection: Connection) -> None:
    on = _Clock(connection, "custom")
    assert [on(f"2026-03-0{day}T08:00") for day in range(2, 9)] == ["c1"] * 3 + ["c2"] * 3 + ["c1"]
    assert (on("2026-03-02T15:00"), on("2026-03-02T23:00"), on("2026-03-03T03:00")) == ("c3", "c4", "c4")
    assert on("2026-03-03T15:00") == "", "the afternoon shift is not held on Tuesdays"
    assert _warnings(connection, "custom", "2026-03-03", "2026-03-04") == [("gap", "03 14:00", "03 17:00")]


def test_a_roster_of_one_person_has_no_hand_over_and_no_end(connection: Connection) -> None:
    on = _Clock(connection, "alone")
    assert {on(f"2026-03-{day:02}T07:00") for day in range(2, 31)} == {"a1"}
    found = _look(connection, "alone", "2026-03-03", "2026-05-01")
    assert found.hand_overs == ()


def test_an_empty_layer_is_told_and_the_others_are_called(connection: Connection) -> None:
    on = _Clock(connection, "layers")
    assert on("2026-03-04T12:00") == "y1+y2"
    assert on("2026-03-04T12:00", "deputy") == ""
    assert on.why("2026-03-04T12:00") == [Why.EMPTY]
    assert _warnings(connection, "layers", "2026-03-04T07:00", "2026-03-05T07:00") == [
        ("thin", "04 07:00", "05 07:00")
    ]
    _make(connection, "add", "layers", "y2", layer="deputy", start="2026-03-04T07:00", end="2026-03-05T07:00")
    assert on("2026-03-04T12:00", "deputy") == "y2"
    assert _warnings(connection, "layers", "2026-03-04T07:00", "2026-03-05T07:00") == []


# -- clocks that are turned -----------------------------------------------------------------------------


def test_in_spring_the_night_is_an_hour_shorter_and_nobody_is_missing(connection: Connection) -> None:
    on = _Clock(connection, "dst")  # clocks go from 2:00 to 3:00 on 8 March 2026
    assert [on(f"2026-03-{text}") for text in ("07T19:59", "07T20:00", "08T01:59", "08T03:00", "08T07:59")] == [
        "s2", "s4", "s4", "s4", "s4",
    ]  # fmt: skip
    assert on("2026-03-08T08:00") == "s1"
    found = _look(connection, "dst", "2026-03-07", "2026-03-10")
    assert found.warnings == ()
    assert found.line is not None
    nights = [(s.end - s.start).total_seconds() / 3600 for s in found.line.shifts if s.code == "b"]
    assert nights == [12, 11, 12]


def test_in_autumn_the_repeated_hour_is_in_one_shift_only(connection: Connection) -> None:
    repeated = _at("2026-11-01T01:30", CHICAGO)  # clocks go from 2:00 back to 1:00
    roll = answer(connection, current(repeated))
    both = [roll.whom((Target(roster="dst"),), repeated.replace(fold=fold)).people for fold in (0, 1)]
    assert both[0] == both[1]
    assert len(both[0]) == 1
    found = _look(connection, "dst", "2026-10-31", "2026-11-03")
    assert found.warnings == ()
    assert found.line is not None
    assert max(s.end - s.start for s in found.line.shifts if s.code == "b") == timedelta(hours=13)


def test_a_shift_at_the_hole_and_at_the_doubled_hour(connection: Connection) -> None:
    on = _Clock(connection, "hole")
    assert (on("2026-03-08T01:45"), on("2026-03-08T03:00")) == ("h1", ""), "it ends where the hole does"
    assert (on("2026-10-31T02:15"), on("2026-11-01T01:30"), on("2026-11-01T02:15")) == ("h2", "h1", "h1")
    assert on("2026-11-01T02:30") == ""


def test_in_vietnam_every_day_has_24_hours(connection: Connection) -> None:
    found = _look(connection, "utc7", "2026-03-02", "2027-03-02")
    assert found.line is not None
    assert {stint.end - stint.start for stint in found.line.stints} == {timedelta(days=1)}
    assert len(found.line.stints) == 365
    on = _Clock(connection, "utc7")
    assert (on("2026-03-08T02:30"), on("2026-11-01T01:30")) == ("v1", "v1")


# -- holidays -------------------------------------------------------------------------------------------


def test_tet_has_turns_of_its_own_that_are_shared_out(connection: Connection) -> None:
    on = _Clock(connection, "tet")
    calendar = duty_pack().calendar
    tet = [
        day
        for n in range(28)
        if not calendar.is_working_day(day := date(2027, 2, 1) + timedelta(days=n))
        and calendar.is_usually_worked(day)
    ]
    assert len(tet) >= 3
    people = [on(f"{day}T12:00") for day in tet]
    assert set(people) == {"t3", "t4"}
    assert all(a != b for a, b in pairwise(people))
    others = [day for n in range(28) if (day := date(2027, 2, 1) + timedelta(days=n)) not in tet]
    assert {on(f"{day}T12:00") for day in others} == {"t1", "t2"}


# -- changes --------------------------------------------------------------------------------------------


def test_overrides_add_remove_replace_and_conflict(connection: Connection) -> None:
    on = _Clock(connection, "override")
    _make(connection, "add", "override", "o3", start="2026-03-02T12:00", end="2026-03-02T18:00")
    assert [on(f"2026-03-02T{hour}:00") for hour in (11, 12, 17, 18)] == ["o1", "o1+o3", "o1+o3", "o1"]
    _make(connection, "remove", "override", "o2", start="2026-03-03T07:00", end="2026-03-04T07:00")
    assert (on("2026-03-03T12:00"), on.why("2026-03-03T12:00")) == ("", [Why.REMOVED])
    assert ("gap", "03 07:00", "04 07:00") in _warnings(
        connection, "override", "2026-03-02T07:00", "2026-03-08"
    )
    number = _make(
        connection, "replace", "override", "o3", other="o1", start="2026-03-04T07:00", end="2026-03-05T07:00"
    )
    assert on("2026-03-04T12:00") == "o1"
    for kind, person, other in (("replace", "o3", "o2"), ("remove", "o1", None), ("add", "o1", None)):
        with pytest.raises(
            ConflictError, match=rf"in another change at that time \({number}: o1 in place of o3"
        ):
            _make(
                connection,
                kind,
                "override",
                person,
                other=other,
                start="2026-03-04T08:00",
                end="2026-03-04T09:00",
            )
    _make(
        connection, "replace", "override", "o3", other="o2", start="2026-03-05T07:00", end="2026-03-08T07:00"
    )
    assert on("2026-03-07T12:00") == "o2"


def test_swaps_exchange_whole_shifts(connection: Connection) -> None:
    on = _Clock(connection, "swap")
    _make(
        connection, "swap", "swap", "p1", other="p3", start="2026-03-02T12:00", other_start="2026-03-04T23:00"
    )
    assert [on(f"2026-03-0{day}T07:00") for day in range(2, 6)] == ["p3", "p2", "p1", "p1"]
    with pytest.raises(ConflictError):
        _make(
            connection,
            "swap",
            "swap",
            "p1",
            other="p2",
            start="2026-03-02T12:00",
            other_start="2026-03-03T12:00",
        )
    with pytest.raises(DutyError, match="p2 has no shift by rotation"):
        _make(
            connection,
            "swap",
            "swap",
            "p2",
            other="p3",
            start="2026-03-02T12:00",
            other_start="2026-03-04T12:00",
        )


def test_leave_empties_a_place_until_somebody_stands_in(connection: Connection) -> None:
    on = _Clock(connection, "leave")
    _make(connection, "leave", None, "l1", start="2026-03-02", end="2026-03-05")
    assert (on("2026-03-02T12:00"), on.why("2026-03-02T12:00")) == ("", [Why.LEAVE])
    with pytest.raises(ConflictError, match="l1 is on leave then"):
        _make(connection, "add", "leave", "l1", start="2026-03-03T07:00", end="2026-03-04T07:00")
    _make(connection, "replace", "leave", "l1", other="l2", start="2026-03-02T07:00", end="2026-03-05T07:00")
    assert on("2026-03-02T12:00") == "l2"
    assert on("2026-03-06T12:00") == "l1", "leave is over"


def test_a_temporary_schedule_takes_the_place_of_everything_and_gives_it_back(connection: Connection) -> None:
    on = _Clock(connection, "temporary")
    shifts = (
        ShiftWording(("m3",), "2026-03-03T07:00", "2026-03-04T00:00", "main"),
        ShiftWording(("m1", "m2"), "2026-03-04T07:00", "2026-03-05T00:00", "main"),
        ShiftWording(("m1",), "2026-03-03T07:00", "2026-03-05T00:00", "leader"),
    )
    number = _make(connection, "temporary", "temporary", shifts=shifts)
    asked = [
        ("03T06:59", None),
        ("03T07:00", None),
        ("04T01:00", None),
        ("04T07:00", None),
        ("05T00:00", None),
    ]
    assert [on(f"2026-03-{text}", layer) for text, layer in asked] == [
        "m1+m3",
        "m3+m1",
        "m1",
        "m1+m2",
        "m1+m3",
    ]
    assert _warnings(connection, "temporary", "2026-03-03", "2026-03-05") == [], (
        "the leader's layer covers the night"
    )
    for kind, more in (
        ("temporary", {"shifts": shifts[:1]}),
        ("replace", {"person": "m2", "other": "m3", "start": "2026-03-03T08:00", "end": "2026-03-04T08:00"}),
    ):
        if kind == "temporary":
            with pytest.raises(ConflictError, match=rf"\({number}: temporary schedule of 3 shifts"):
                _make(connection, kind, "temporary", **more)
        else:  # what comes after it acts on its shifts
            _make(connection, kind, "temporary", layer="main", **more)
            assert on("2026-03-04T07:30", "main") == "m1+m3"
    change(connection, store.withdraw(SYSTEM_READER, number, "lan", now=_at("2026-03-04T12:00")))
    assert (on("2026-03-03T12:00"), on("2026-03-04T13:00", "main")) == ("m3+m1", "m1")


def test_somebody_who_is_gone_is_never_called_and_told_ahead(connection: Connection) -> None:
    on = _Clock(connection, "missing")  # x1 is among the people until 6 March
    assert (on("2026-03-04T12:00"), on("2026-03-05T12:00"), on("2026-03-06T12:00")) == ("x1", "x2", "")
    assert on.why("2026-03-06T12:00") == [Why.NOT_VALID]
    told = _warnings(connection, "missing", "2026-03-05T07:00", "2026-03-07T07:00")
    assert [kind for kind, *_ in told] == ["gap", "missing", "thin"]
    with pytest.raises(DutyError, match="There is no person 'ghost'"):
        _make(connection, "add", "missing", "ghost", start="2026-03-06", end="2026-03-07")
    with pytest.raises(DutyError, match="x1 is among the people from"):
        _make(connection, "add", "missing", "x1", start="2026-03-05", end="2026-03-07")


def test_a_roster_edited_while_somebody_is_on_duty_hands_over_at_that_instant(connection: Connection) -> None:
    on = _Clock(connection, "edited")
    assert on("2026-03-12T11:59") == "e1"
    run(connection, Notices().due(_at("2026-03-12T11:59")))
    apply_pack(connection, _pack(edited=(_row("e2"),)), at=_at("2026-03-12T12:00"))
    assert [on(f"2026-03-{text}") for text in ("12T11:59:59", "12T12:00", "14T12:00")] == ["e1", "e2", "e2"]
    told = run(connection, Notices().due(_at("2026-03-12T12:01")))
    assert {(one.roster, one.content["role"], *one.people) for one in told} == {
        ("edited", "arrives", "e2"),
        ("edited", "leaves", "e1"),
    }


# -- for calendars --------------------------------------------------------------------------------------


def test_a_calendar_file_has_all_of_that_in_utc_and_keeps_its_events(connection: Connection) -> None:
    ask = {"start": "2026-03-02T07:00+07:00", "end": "2026-03-10T07:00+07:00"}
    duty = answer(connection, asking.ask(SYSTEM_READER, **ask))
    events = Calendar.from_ical(calendar_file(duty)).walk("VEVENT")
    stints = {
        (f"{one.roster.code}: {s.person.upper()}", s.start, s.end)
        for one in duty.rosters
        if one.line is not None
        for s in one.line.stints
    }
    assert {(str(e["summary"]), e.decoded("dtstart"), e.decoded("dtend")) for e in events} == stints
    assert len({str(e["uid"]) for e in events}) == len(events)
    night = next(e for e in events if str(e["summary"]) == "dst: S4" and e.decoded("dtstart").day == 8)
    assert night.decoded("dtend") - night.decoded("dtstart") == timedelta(hours=11)
    later = answer(connection, asking.ask(SYSTEM_READER, **ask))
    assert {str(e["uid"]) for e in Calendar.from_ical(calendar_file(later)).walk("VEVENT")} == {
        str(e["uid"]) for e in events
    }
    alone = Calendar.from_ical(calendar_file(duty, "p3")).walk("VEVENT")
    assert {str(e["summary"]) for e in alone} == {"swap: P3"}
