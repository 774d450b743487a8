"""Rosters, people, shifts and changes. Instants are aware, in UTC; days and clock times are a roster's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

#: Days on which a shift begins: names of weekdays, or of what the district's calendar says of a day.
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDAR_DAYS: Final = ("daily", "working", "off", "weekends", "holidays")


class Calendar(Protocol):
    """What is asked of the district's working calendar: weekends, public holidays, Tết, make-up days."""

    @property
    def zone(self) -> ZoneInfo: ...
    def hours_on(self, day: date) -> tuple[tuple[time, time], ...]: ...
    def is_working_day(self, day: date) -> bool: ...
    def is_usually_worked(self, day: date) -> bool: ...


def is_among(day: date, days: Collection[str], calendar: Calendar) -> bool:
    """Whether any of the words of :data:`WEEKDAYS` and :data:`CALENDAR_DAYS` names a day."""
    if "daily" in days or WEEKDAYS[day.isoweekday() - 1] in days:
        return True
    if not set(days).intersection(CALENDAR_DAYS):
        return False
    if calendar.is_working_day(day):
        return "working" in days
    usual = calendar.is_usually_worked(day)
    return "off" in days or ("holidays" if usual else "weekends") in days


class Advance(StrEnum):
    """What moves a rotation on to the next people."""

    CALENDAR = "calendar"
    """Days that pass, whether or not the shift is held on them."""
    SHIFTS = "shifts"
    """Shifts that are held: nobody meets every holiday."""


class Cover(StrEnum):
    """When somebody has to be on duty."""

    ALWAYS = "always"
    WORKING = "working"
    """While offices are open."""
    NONE = "none"
    """Never: only shifts that lack people are told."""


class ChangeKind(StrEnum):
    """What a change does."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    SWAP = "swap"
    LEAVE = "leave"
    TEMPORARY = "temporary"


@dataclass(frozen=True)
class Person:
    """Somebody who can be on duty, from the first day to the day before the last; None is unbounded."""

    code: str
    name: str
    title: str = ""
    unit: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    contacts: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    """Channel → address. Personal data: for delivery alone, never in logs, errors or answers."""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Rotation:
    """A shift that comes again and again, and the people who take turns at it.

    :param days: words of :data:`WEEKDAYS` and :data:`CALENDAR_DAYS`; the shift begins on days that any of them names.
    :param starts: local clock time.
    :param ends: local clock time; of the next day when it is not after ``starts``.
    :param turn: how many days (or shifts, by ``advance``) the same people stay: 1 daily, 7 weekly.
    :param people: codes of those who are on duty together, turn by turn; empty where changes alone fill the shift.
    :param needs: fewer people in the layer than this are too few.
    :param valid_from: day of the first shift, on which the first people begin their turn.
    :param valid_to: first day without the shift; None is never.
    """

    layer: str
    code: str
    days: tuple[str, ...]
    starts: time
    ends: time
    turn: int
    advance: Advance
    people: tuple[tuple[str, ...], ...]
    needs: int
    valid_from: date
    valid_to: date | None = None
    line: int = field(default=0, compare=False)

    def holds_on(self, day: date, calendar: Calendar) -> bool:
        """Whether a shift begins on this day."""
        if day < self.valid_from or (self.valid_to is not None and day >= self.valid_to):
            return False
        return is_among(day, self.days, calendar)


@dataclass(frozen=True)
class Roster:
    """One duty: its layers in the order in which they are called, and when it has to be covered."""

    code: str
    name_vi: str
    name_en: str
    time_zone: str
    cover: Cover
    rotations: tuple[Rotation, ...]
    unit: str | None = None
    """Unit that it is for; None is the whole district."""
    line: int = field(default=0, compare=False)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rotation.layer for rotation in self.rotations))


@dataclass(frozen=True)
class Shift:
    """One shift with its whole length and the people whom the rotation puts there."""

    roster: str
    layer: str
    code: str
    day: date
    start: datetime
    end: datetime
    people: tuple[str, ...]
    needs: int


@dataclass(frozen=True)
class FixedShift:
    """One shift of a temporary schedule, with everybody who is on duty in it."""

    layer: str
    people: tuple[str, ...]
    start: datetime
    end: datetime
    needs: int = 1


@dataclass(frozen=True)
class Window:
    """One effect of a change: from ``start`` to ``end``, ``out`` is off and ``into`` on."""

    out: str | None
    into: str | None
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Change:
    """Something that differs from the rotations.

    - add: ``person`` is on duty too. remove: ``person`` is not.
    - replace: ``other`` takes the place of ``person`` wherever ``person`` would be.
    - swap: ``other`` takes the shift of ``person`` in the first period, ``person`` that of ``other`` in the second.
    - leave: ``person`` is on no roster at all.
    - temporary: in place of what the rotations give, ``shifts`` are held; ``person`` is empty.
    """

    kind: ChangeKind
    person: str
    start: datetime
    end: datetime
    roster: str | None = None
    """None for leave only."""
    layer: str | None = None
    """None for every layer; a person who is added needs one."""
    other: str | None = None
    other_start: datetime | None = None
    other_end: datetime | None = None
    reason: str = ""
    id: int | None = None
    made_at: datetime | None = None
    made_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    held_until: datetime | None = None
    """Of one that was withdrawn: until when it was in force; None is never."""
    shifts: tuple[FixedShift, ...] = ()

    def windows(self) -> tuple[Window, ...]:
        """What it does to what is held; nothing for leave, which is of no roster, and for a temporary schedule."""
        if self.kind is ChangeKind.ADD:
            return (Window(None, self.person, self.start, self.end),)
        if self.kind is ChangeKind.REMOVE:
            return (Window(self.person, None, self.start, self.end),)
        if self.kind is ChangeKind.REPLACE:
            return (Window(self.person, self.other, self.start, self.end),)
        if self.kind is ChangeKind.SWAP and self.other_start is not None and self.other_end is not None:
            return (
                Window(self.person, self.other, self.start, self.end),
                Window(self.other, self.person, self.other_start, self.other_end),
            )
        return ()

    def comes(self) -> tuple[Window, ...]:
        """Everybody whom it brings, and when."""
        fixed = (Window(None, one, shift.start, shift.end) for shift in self.shifts for one in shift.people)
        return (*(window for window in self.windows() if window.into is not None), *fixed)

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody whom it names, once."""
        fixed = (person for shift in self.shifts for person in shift.people)
        return tuple(dict.fromkeys(filter(None, (self.person, self.other, *fixed))))

    def touches(self, layer: str) -> bool:
        """Whether it speaks of this layer."""
        return self.layer is None or self.layer == layer

    def in_force(self) -> Change | None:
        """It as it is, or was until it was withdrawn; None when it never held."""
        if self.withdrawn_at is None:
            return self
        if self.held_until is None:
            return None
        whole = replace(self, withdrawn_at=None, withdrawn_by=None, held_until=None)
        first = (self.start, min(self.end, self.held_until))
        if self.other_start is None or self.other_end is None:
            shifts = tuple(
                replace(shift, end=min(shift.end, self.held_until))
                for shift in self.shifts
                if shift.start < self.held_until
            )
            return replace(whole, end=first[1], shifts=shifts) if first[0] < first[1] else None
        second = (self.other_start, min(self.other_end, self.held_until))
        if first[0] < first[1] and second[0] < second[1]:
            return replace(whole, end=first[1], other_end=second[1])
        for out, into, (low, high) in ((self.person, self.other, first), (self.other, self.person, second)):
            if low < high and out is not None:  # half of a swap has happened: one has stood in for the other
                return replace(
                    whole, kind=ChangeKind.REPLACE, person=out, other=into, start=low, end=high,
                    other_start=None, other_end=None,
                )  # fmt: skip
        return None


@dataclass(frozen=True)
class Edition:
    """What packs before the newest said, from ``since`` until the next edition."""

    since: datetime
    rosters: tuple[Roster, ...]
    people: Mapping[str, Person]
    calendar: Calendar


@dataclass(frozen=True)
class Plan:
    """All that decides who is on duty: what the newest pack says, and what those before it said of their time."""

    rosters: tuple[Roster, ...]
    people: Mapping[str, Person]
    changes: Sequence[Change]
    calendar: Calendar
    since: datetime | None = None
    """From when on the newest holds; None when nothing was before it."""
    earlier: tuple[Edition, ...] = ()
    """By time; the first holds for all time before, too."""

    def roster(self, code: str) -> Roster | None:
        """The roster of this code as it is in the newest edition that has it."""
        for rosters in (self.rosters, *(edition.rosters for edition in reversed(self.earlier))):
            for roster in rosters:
                if roster.code == code:
                    return roster
        return None

    def person(self, code: str) -> Person | None:
        """The person of this code as the newest edition has it that names it."""
        for people in (self.people, *(edition.people for edition in reversed(self.earlier))):
            if code in people:
                return people[code]
        return None

    def pieces(self, start: datetime, end: datetime) -> list[Piece]:
        """What held in [``start``, ``end``), by time, each piece with the bounds of its edition."""
        newest = Plan(self.rosters, self.people, self.changes, self.calendar)
        if self.since is None or not self.earlier:
            return [Piece(None, None, newest)]
        plans = [
            (one.since, Plan(one.rosters, one.people, self.changes, one.calendar)) for one in self.earlier
        ]
        begins = [*plans, (self.since, newest)]
        found = [
            Piece(
                None if place == 0 else since, begins[place + 1][0] if place + 1 < len(begins) else None, plan
            )
            for place, (since, plan) in enumerate(begins)
        ]
        return [
            piece
            for piece in found
            if (piece.start is None or piece.start < end) and (piece.end is None or piece.end > start)
        ]

    def rosters_in(self, start: datetime, end: datetime) -> tuple[Roster, ...]:
        """Every roster that there was at any time of [``start``, ``end``), the newest first."""
        found: dict[str, Roster] = {}
        for piece in reversed(self.pieces(start, end)):
            for roster in piece.plan.rosters:
                found.setdefault(roster.code, roster)
        return tuple(found.values())


@dataclass(frozen=True)
class Piece:
    """A time in which one edition held; None is unbounded."""

    start: datetime | None
    end: datetime | None
    plan: Plan

    def within(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The part of a time that lies in it."""
        return max(start, self.start or start), min(end, self.end or end)
