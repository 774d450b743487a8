"""Who is on duty when: rotations, then changes, then leave.

Changes are all held against the rotations, never against one another, so their order does not matter; that two of them
contradict each other is refused when the second is made (:mod:`ioc.duty.changing`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from ioc.duty.clock import instant
from ioc.duty.intervals import Interval, difference, intersection, union
from ioc.duty.model import Change, ChangeKind, Person, Plan, Roster, Shift
from ioc.duty.shifts import shifts

#: Longest time that may be asked about at once.
LONGEST = timedelta(days=800)
_Key = tuple[str, str]
"""Layer and person."""


@dataclass(frozen=True)
class Stint:
    """A person on duty in a layer without a break, cut to the time asked about."""

    layer: str
    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Span:
    """A time in which the same people are on duty: by layer, in the roster's order; an empty layer has nobody."""

    start: datetime
    end: datetime
    on: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody, in the order in which they are called."""
        return tuple(dict.fromkeys(person for _, people in self.on for person in people))

    def of(self, layer: str) -> tuple[str, ...]:
        """People of one layer."""
        return dict(self.on).get(layer, ())


@dataclass(frozen=True)
class Timeline:
    """A roster from ``start`` to ``end``; its spans follow one another without a gap."""

    roster: Roster
    start: datetime
    end: datetime
    spans: tuple[Span, ...]
    stints: tuple[Stint, ...]
    shifts: tuple[Shift, ...]
    """As the rotations give them, with their whole length."""

    def at(self, moment: datetime) -> Span:
        """The span that an instant lies in.

        :raises ValueError: it is outside.
        """
        for span in self.spans:
            if span.start <= moment < span.end:
                return span
        raise ValueError(f"{moment.isoformat()} is outside the timeline")


def compute(plan: Plan, roster: Roster, start: datetime, end: datetime) -> Timeline:
    """Who is on duty of ``roster`` at every instant of [``start``, ``end``).

    :param start: aware.
    :param end: aware, after ``start``, no more than :data:`LONGEST` later.
    :raises ValueError: the two are no time, or too long a one.
    """
    if not start < end <= start + LONGEST:
        raise ValueError(f"from must be before to, by no more than {LONGEST.days} days")
    held = shifts(roster, plan.calendar, start, end)
    presence = _presence(plan, roster, held, (start, end))
    stints = sorted(
        (
            Stint(layer, person, low, high)
            for (layer, person), parts in presence.items()
            for low, high in parts
        ),
        key=lambda stint: (stint.start, roster.layers.index(stint.layer), stint.person, stint.end),
    )
    called = {person: place for place, person in enumerate(_called(roster, plan.changes))}
    spans = tuple(_spans(roster, stints, called, start, end))
    return Timeline(roster, start, end, spans, tuple(stints), tuple(held))


def counts(plan: Plan, roster: Roster, start: datetime, end: datetime) -> dict[str, int]:
    """Shifts of every person: those that begin in [``start``, ``end``) and that he is on duty in at any time."""
    found: dict[str, int] = defaultdict(int)
    begin = [shift for shift in shifts(roster, plan.calendar, start, end) if shift.start >= start]
    if begin:
        line = compute(plan, roster, start, max(shift.end for shift in begin))
        for shift in begin:
            for person in {
                stint.person
                for stint in line.stints
                if stint.layer == shift.layer and stint.start < shift.end and stint.end > shift.start
            }:
                found[person] += 1
    return dict(found)


def _presence(
    plan: Plan, roster: Roster, held: Sequence[Shift], limits: Interval
) -> Mapping[_Key, list[Interval]]:
    base: dict[_Key, list[Interval]] = defaultdict(list)
    for shift in held:
        for person in shift.people:
            base[shift.layer, person].append((shift.start, shift.end))
    gone: dict[_Key, list[Interval]] = defaultdict(list)
    come: dict[_Key, list[Interval]] = defaultdict(list)
    away: dict[str, list[Interval]] = defaultdict(list)
    for change in plan.changes:
        if change.withdrawn_at is not None:
            continue
        if change.kind is ChangeKind.LEAVE:
            away[change.person].append((change.start, change.end))
        elif change.roster == roster.code:
            _apply(change, roster, base, gone, come)
    return {
        (layer, person): parts
        for layer, person in {*base, *come}
        if person in plan.people
        and (
            parts := intersection(
                difference(
                    union(
                        (
                            *difference(base.get((layer, person), ()), gone[layer, person]),
                            *come[layer, person],
                        )
                    ),
                    away[person],
                ),
                [_limited(plan.people[person], roster, limits)],
            )
        )
    }


def _apply(
    change: Change,
    roster: Roster,
    base: Mapping[_Key, list[Interval]],
    gone: dict[_Key, list[Interval]],
    come: dict[_Key, list[Interval]],
) -> None:
    for layer in roster.layers:
        if not change.touches(layer):
            continue
        for window in change.windows():
            period = (window.start, window.end)
            if window.out is not None:
                gone[layer, window.out].append(period)
            if window.into is None:
                continue
            taken = (
                [period] if window.out is None else intersection(base.get((layer, window.out), ()), [period])
            )
            come[layer, window.into].extend(taken)


def _limited(person: Person, roster: Roster, limits: Interval) -> Interval:
    """The part of a time in which a person belongs to the people at all."""
    low, high = limits
    if person.valid_from is not None:
        low = max(low, instant(person.valid_from, time(), roster.zone))
    if person.valid_to is not None:
        high = min(high, instant(person.valid_to, time(), roster.zone))
    return low, high


def _called(roster: Roster, changes: Sequence[Change]) -> Iterator[str]:
    """People in the order of the roster's lines; those whom only changes bring come last."""
    for rotation in roster.rotations:
        for group in rotation.people:
            yield from group
    for change in changes:
        yield from filter(None, (change.person, change.other))


def _spans(
    roster: Roster, stints: Sequence[Stint], called: Mapping[str, int], start: datetime, end: datetime
) -> Iterator[Span]:
    begins: dict[datetime, list[_Key]] = defaultdict(list)
    ends: dict[datetime, list[_Key]] = defaultdict(list)
    for stint in stints:
        begins[stint.start].append((stint.layer, stint.person))
        ends[stint.end].append((stint.layer, stint.person))
    on: set[_Key] = set()
    last: Span | None = None
    for low, high in pairwise(sorted({start, end, *begins, *ends})):
        on.difference_update(ends[low])
        on.update(begins[low])
        here = tuple(
            (layer, tuple(sorted((p for at, p in on if at == layer), key=lambda p: (called.get(p, 0), p))))
            for layer in roster.layers
        )
        if last is not None and last.on == here:
            last = Span(last.start, high, here)
            continue
        if last is not None:
            yield last
        last = Span(low, high, here)
    if last is not None:
        yield last
