"""Plans for tests, and a recount that shares nothing with the code under test."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ioc.district.worktime import WorkCalendar
from ioc.duty import Change, ChangeKind, Person, Plan, Roster, Rotation
from ioc.duty.model import Advance, Cover

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
CHICAGO = "America/Chicago"
FOUR = ("an", "binh", "chi", "dung")
DAY = timedelta(days=1)


def local(text: str, zone: ZoneInfo = VIETNAM) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def rotation(
    people: str = "an; binh; chi",
    *,
    layer: str = "main",
    code: str = "day",
    days: str = "daily",
    hours: str = "07:00 07:00",
    turn: int = 1,
    advance: Advance = Advance.CALENDAR,
    needs: int = 1,
    start: str = "2026-03-02",
    end: str | None = None,
) -> Rotation:
    """A rotation as a pack writes it; 2 March 2026 is a Monday."""
    begins, ends = hours.split()
    groups = tuple(tuple(part.strip() for part in group.split("+")) for group in people.split(";"))
    return Rotation(
        layer,
        code,
        tuple(days.split("+")),
        time.fromisoformat(begins),
        time.fromisoformat(ends),
        turn,
        advance,
        groups if people else (),
        needs,
        date.fromisoformat(start),
        None if end is None else date.fromisoformat(end),
    )


def plan(
    *rotations: Rotation,
    changes: tuple[Change, ...] = (),
    zone: str = "Asia/Ho_Chi_Minh",
    cover: Cover = Cover.ALWAYS,
    people: tuple[Person, ...] = tuple(Person(code, code.title()) for code in FOUR),
    overrides: dict[date, bool] | None = None,
) -> Plan:
    """A plan of one roster, ``r``."""
    roster = Roster("r", "Trực", "Duty", zone, cover, rotations or (rotation(),))
    calendar = WorkCalendar(zone, overrides=overrides or {})
    return Plan((roster,), {person.code: person for person in people}, changes, calendar)


def change(kind: str, person: str, start: datetime, end: datetime, other: str | None = None) -> Change:
    """A change to ``r``'s first layer; leave is of none."""
    if kind == "leave":
        return Change(ChangeKind.LEAVE, person, start, end)
    return Change(ChangeKind(kind), person, start, end, roster="r", layer="main", other=other)


def recount(plan: Plan, moment: datetime) -> dict[str, set[str]]:
    """Who is on duty at one instant, by layer: from the rules themselves, one instant at a time."""
    roster = plan.rosters[0]
    zone = roster.zone
    clock = moment.astimezone(zone).replace(tzinfo=None)
    base: dict[str, set[str]] = {layer: set() for layer in roster.layers}
    for row in roster.rotations:
        day = row.valid_from
        held = 0
        while day <= clock.date() + DAY:
            if row.holds_on(day, plan.calendar) and day < clock.date() - 2 * DAY:
                held += 1
            elif row.holds_on(day, plan.calendar):
                over = day if row.ends > row.starts else day + DAY
                begins = _first(datetime.combine(day, row.starts), zone)
                if begins <= moment < _first(datetime.combine(over, row.ends), zone) and row.people:
                    passed = held if row.advance is Advance.SHIFTS else (day - row.valid_from).days
                    base[row.layer] |= set(row.people[(passed // row.turn) % len(row.people)])
                held += 1
            day += DAY
    for one in plan.changes:
        if one.kind is ChangeKind.TEMPORARY and one.start <= moment < one.end:
            for layer in (layer for layer in base if one.layer in (None, layer)):
                fixed = [s for s in one.shifts if s.layer == layer and s.start <= moment < s.end]
                base[layer] = {person for shift in fixed for person in shift.people}
    found: dict[str, set[str]] = {}
    for layer, here in base.items():
        now = set(here)
        for one in plan.changes:
            if one.roster != roster.code or one.layer not in (None, layer) or one.withdrawn_at is not None:
                continue
            for window in one.windows():
                if window.start <= moment < window.end:
                    now.discard(window.out or "")
        for one in plan.changes:
            if one.roster != roster.code or one.layer not in (None, layer) or one.withdrawn_at is not None:
                continue
            for window in one.windows():
                stands_in = window.out is None or window.out in here
                if window.into and stands_in and window.start <= moment < window.end:
                    now.add(window.into)
        away = {
            one.person
            for one in plan.changes
            if one.kind is ChangeKind.LEAVE and one.start <= moment < one.end and one.withdrawn_at is None
        }
        found[layer] = {
            code
            for code in now - away
            if code in plan.people
            and (plan.people[code].valid_from or date.min) <= clock.date()
            and clock.date() < (plan.people[code].valid_to or date.max)
        }
    return found


def _first(wall: datetime, zone: ZoneInfo) -> datetime:
    """First instant at which a zone's clocks show this time or a later one, found by looking at them."""
    at = wall.replace(tzinfo=UTC) - timedelta(hours=16)
    for step in (timedelta(hours=1), timedelta(minutes=1)):
        while at.astimezone(zone).replace(tzinfo=None) < wall:
            at += step
        at -= step
    return at + timedelta(minutes=1)
