"""The shifts that are held: those of rotations, and of temporary schedules in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from ioc.duty.clock import instant
from ioc.duty.intervals import Interval, difference
from ioc.duty.model import Advance, Calendar, Change, ChangeKind, Plan, Roster, Rotation, Shift

#: Code of the shifts of a temporary schedule.
TEMPORARY: Final = "temporary"

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


def held(plan: Plan, roster: Roster, start: datetime, end: datetime) -> list[Shift]:
    """Shifts of which any instant lies in [``start``, ``end``), before what changes do to single people.

    Rotations are those of the edition that held then; a shift is cut where a new one or a temporary schedule begins.
    """
    found: list[Shift] = []
    layers: dict[str, None] = dict.fromkeys(roster.layers)
    # a day more on either side, so that a shift that two editions agree on is whole however it is looked at
    wide = (start - _DAY, end + _DAY)
    for piece in plan.pieces(*wide):
        own = next((one for one in piece.plan.rosters if one.code == roster.code), None)
        if own is None:
            continue
        layers.update(dict.fromkeys(own.layers))
        for shift in shifts(own, piece.plan.calendar, *piece.within(*wide)):
            low, high = piece.within(shift.start, shift.end)
            if low < high:
                found.append(replace(shift, start=low, end=high))
    found = _joined(found)
    schedules = [
        change
        for change in plan.changes
        if change.kind is ChangeKind.TEMPORARY
        and change.roster == roster.code
        and change.withdrawn_at is None
    ]
    if schedules:
        found = [*_without(found, schedules, layers), *_fixed(roster, schedules, layers)]
    order = {layer: place for place, layer in enumerate(layers)}
    inside = [shift for shift in found if shift.start < end and shift.end > start]
    return sorted(inside, key=lambda shift: (shift.start, order[shift.layer], shift.end, shift.code))


def _joined(parts: list[Shift]) -> list[Shift]:
    """Whole shifts of parts that a new edition left as they were."""
    found: list[Shift] = []
    last: dict[tuple[object, ...], int] = {}
    for part in parts:
        key = (part.layer, part.code, part.day, part.people, part.needs)
        place = last.get(key)
        if place is not None and found[place].end == part.start:
            found[place] = replace(found[place], end=part.end)
        else:
            last[key] = len(found)
            found.append(part)
    return found


def _without(found: list[Shift], schedules: list[Change], layers: Mapping[str, None]) -> Iterator[Shift]:
    taken: dict[str, list[Interval]] = defaultdict(list)
    for change in schedules:
        for layer in filter(change.touches, layers):
            taken[layer].append((change.start, change.end))
    for shift in found:
        for low, high in difference([(shift.start, shift.end)], taken[shift.layer]):
            yield replace(shift, start=low, end=high)


def _fixed(roster: Roster, schedules: list[Change], layers: Mapping[str, None]) -> Iterator[Shift]:
    for change in schedules:
        for shift in change.shifts:
            if shift.layer in layers:
                day = shift.start.astimezone(roster.zone).date()
                yield Shift(
                    roster.code,
                    shift.layer,
                    TEMPORARY,
                    day,
                    shift.start,
                    shift.end,
                    shift.people,
                    shift.needs,
                )


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
