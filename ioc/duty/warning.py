"""What is wrong with a roster ahead: nobody on duty, a shift with too few people, people who are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from ioc.duty.clock import instant
from ioc.duty.intervals import Interval, difference, intersection, union
from ioc.duty.model import Cover, Piece, Plan, Roster, Shift
from ioc.duty.timeline import Timeline, compute


class WarningKind(StrEnum):
    """What a warning is about."""

    GAP = "gap"
    """Nobody is on duty in any layer while somebody has to be."""
    THIN = "thin"
    """A shift has fewer people than it needs."""
    MISSING = "missing"
    """A rotation or a change names somebody who is not among the people at that time."""


@dataclass(frozen=True)
class DutyWarning:
    """One finding, from ``start`` to ``end``."""

    kind: WarningKind
    roster: str
    layer: str | None
    start: datetime
    end: datetime
    shift: str | None = None
    person: str | None = None
    here: int = 0
    """People on duty."""
    needs: int = 1

    def text(self, language: str = "vi", *, named: bool = True) -> str:
        """The finding in a sentence, without its times; without ``named``, the person stays unnamed."""
        place = "/".join(filter(None, (self.roster, self.layer, self.shift)))
        words = {
            WarningKind.GAP: ("Không có ai trực", "Nobody is on duty"),
            WarningKind.THIN: (
                f"Ca trực thiếu người: có {self.here}, cần {self.needs}",
                f"The shift has {self.here} of {self.needs} people",
            ),
            WarningKind.MISSING: (
                f"{self.person if named else 'Một người'} không có trong danh sách người trực",
                f"{self.person if named else 'Somebody'} is not among the people at that time",
            ),
        }[self.kind]
        return f"{place}: {words[0 if language == 'vi' else 1]}."


def watch(plan: Plan, roster: Roster, start: datetime, end: datetime) -> list[DutyWarning]:
    """Everything that is wrong in [``start``, ``end``), by time."""
    return warnings_of(plan, compute(plan, roster, start, end))


def warnings_of(plan: Plan, line: Timeline) -> list[DutyWarning]:
    """What is wrong within a timeline."""
    found = [*_gaps(plan, line), *_thin(line), *_missing(plan, line)]
    return sorted(found, key=lambda w: (w.start, w.kind, w.layer or "", w.end, w.shift or "", w.person or ""))


def _gaps(plan: Plan, line: Timeline) -> Iterator[DutyWarning]:
    covered = union((stint.start, stint.end) for stint in line.stints)
    needed: list[Interval] = []
    for piece in plan.pieces(line.start, line.end):
        own = next((one for one in piece.plan.rosters if one.code == line.roster.code), None)
        if own is not None:
            low, high = piece.within(line.start, line.end)
            needed += intersection(_required(piece.plan, own, low, high), [(low, high)])
    for low, high in difference(needed, covered):
        yield DutyWarning(WarningKind.GAP, line.roster.code, None, low, high)


def _required(plan: Plan, roster: Roster, start: datetime, end: datetime) -> list[Interval]:
    if roster.cover is Cover.NONE:
        return []
    if roster.cover is Cover.ALWAYS:
        return [(start, end)]
    zone, found = roster.zone, []
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        found += [(instant(day, a, zone), instant(day, b, zone)) for a, b in plan.calendar.hours_on(day)]
        day += timedelta(days=1)
    return found


def _thin(line: Timeline) -> Iterator[DutyWarning]:
    for shift in line.shifts:
        for low, high, here in _crews(line, shift):
            if here < shift.needs:
                yield DutyWarning(
                    WarningKind.THIN,
                    shift.roster,
                    shift.layer,
                    low,
                    high,
                    shift.code,
                    here=here,
                    needs=shift.needs,
                )


def _crews(line: Timeline, shift: Shift) -> Iterator[tuple[datetime, datetime, int]]:
    """How many are on duty in a shift's layer, from when to when; equal neighbours are one."""
    last: tuple[datetime, datetime, int] | None = None
    for span in line.spans:
        low, high = max(span.start, shift.start), min(span.end, shift.end)
        if low >= high:
            continue
        here = len(span.of(shift.layer))
        if last is not None and last[2] == here:
            last = (last[0], high, here)
            continue
        if last is not None:
            yield last
        last = (low, high, here)
    if last is not None:
        yield last


def _missing(plan: Plan, line: Timeline) -> Iterator[DutyWarning]:
    roster = line.roster
    named: list[tuple[str | None, str | None, str, datetime, datetime]] = [
        (shift.layer, shift.code, person, shift.start, shift.end)
        for shift in line.shifts
        for person in shift.people
    ]
    for change in plan.changes:
        if change.withdrawn_at is None and change.roster == roster.code:
            named += [
                (change.layer, None, w.into, w.start, w.end) for w in change.windows() if w.into is not None
            ]
    for layer, code, name, start, end in named:
        low, high = max(start, line.start), min(end, line.end)
        if low >= high:
            continue
        here = [_period(piece, roster, name, low, high) for piece in plan.pieces(low, high)]
        for a, b in difference([(low, high)], here):
            yield DutyWarning(WarningKind.MISSING, roster.code, layer, a, b, code, name)


def _period(piece: Piece, roster: Roster, name: str, start: datetime, end: datetime) -> Interval:
    """When somebody is among the people, within a piece of a time."""
    low, high = piece.within(start, end)
    person = piece.plan.people.get(name)
    if person is None:
        return low, low
    if person.valid_from is not None:
        low = max(low, instant(person.valid_from, time(), roster.zone))
    if person.valid_to is not None:
        high = min(high, instant(person.valid_to, time(), roster.zone))
    return low, high
