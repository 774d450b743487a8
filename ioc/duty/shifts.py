"""The shifts that rotations give, before any change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from ioc.duty.clock import instant
from ioc.duty.model import Advance, Calendar, Roster, Rotation, Shift

_DAY = timedelta(days=1)


def shifts(roster: Roster, calendar: Calendar, start: datetime, end: datetime) -> list[Shift]:
    """Shifts of a roster of which any instant lies in [``start``, ``end``), whole, by beginning and layer."""
    found = [
        shift
        for rotation in roster.rotations
        for shift in _of(rotation, roster, calendar, start, end)
        if shift.start < end and shift.end > start
    ]
    order = {layer: place for place, layer in enumerate(roster.layers)}
    return sorted(found, key=lambda shift: (shift.start, order[shift.layer], shift.end, shift.code))


def _of(
    rotation: Rotation, roster: Roster, calendar: Calendar, start: datetime, end: datetime
) -> Iterator[Shift]:
    zone = roster.zone
    # Two days before: a shift is up to a day long, and the day before may still be running in another zone.
    day = max(rotation.valid_from, start.astimezone(zone).date() - 2 * _DAY)
    last = end.astimezone(zone).date()
    if day > last:
        return
    held = _held(rotation, calendar, day)
    while day <= last:
        if rotation.holds_on(day, calendar):
            begins = instant(day, rotation.starts, zone)
            over = day if rotation.ends > rotation.starts else day + _DAY
            ends = instant(over, rotation.ends, zone)
            if begins < ends:  # one that lies in a hole of the clock is not held, but has had its turn
                yield Shift(
                    roster=roster.code,
                    layer=rotation.layer,
                    code=rotation.code,
                    day=day,
                    start=begins,
                    end=ends,
                    people=_people(rotation, day, held),
                    needs=rotation.needs,
                )
            held += 1
        day += _DAY


def _held(rotation: Rotation, calendar: Calendar, day: date) -> int:
    """Shifts before a day; only counted where they move the rotation on."""
    if rotation.advance is Advance.CALENDAR:
        return 0
    length = (day - rotation.valid_from).days
    return sum(rotation.holds_on(rotation.valid_from + n * _DAY, calendar) for n in range(length))


def _people(rotation: Rotation, day: date, held: int) -> tuple[str, ...]:
    if not rotation.people:
        return ()
    passed = held if rotation.advance is Advance.SHIFTS else (day - rotation.valid_from).days
    return rotation.people[passed // rotation.turn % len(rotation.people)]
