"""Who is on duty when: rotations or a temporary schedule in their place, then changes, then leave.

Changes are all held against those shifts, never against one another, so their order does not matter; that two of them
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
from ioc.duty.model import Change, ChangeKind, Person, Piece, Plan, Roster, Shift
from ioc.duty.shifts import held

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
    """As they are held, before what changes do to single people; with their whole length."""
    layers: tuple[str, ...]
    """The roster's, then those that it had earlier in that time."""

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
    pieces = plan.pieces(start, end)
    owns = [own for piece in reversed(pieces) for own in piece.plan.rosters if own.code == roster.code]
    layers = tuple(dict.fromkeys(layer for own in (roster, *owns) for layer in own.layers))
    shifts = held(plan, roster, start, end)
    presence = _presence(plan, roster, layers, shifts, pieces, (start, end))
    order = {layer: place for place, layer in enumerate(layers)}
    stints = sorted(
        (
            Stint(layer, person, low, high)
            for (layer, person), parts in presence.items()
            for low, high in parts
        ),
        key=lambda stint: (stint.start, order[stint.layer], stint.person, stint.end),
    )
    called = {person: -place for place, person in enumerate(reversed([*_called(owns, plan.changes)]))}
    spans = tuple(_spans(layers, stints, called, start, end))
    return Timeline(roster, start, end, spans, tuple(stints), tuple(shifts), layers)


def counts(plan: Plan, roster: Roster, start: datetime, end: datetime) -> dict[str, int]:
    """Shifts of every person: those that begin in [``start``, ``end``) and that he is on duty in at any time."""
    found: dict[str, int] = defaultdict(int)
    begin = [shift for shift in held(plan, roster, start, end) if shift.start >= start]
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
    plan: Plan,
    roster: Roster,
    layers: Sequence[str],
    shifts: Sequence[Shift],
    pieces: Sequence[Piece],
    limits: Interval,
) -> Mapping[_Key, list[Interval]]:
    base: dict[_Key, list[Interval]] = defaultdict(list)
    for shift in shifts:
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
            for layer in filter(change.touches, layers):
                _apply(change, layer, base, gone, come)
    return {
        (layer, person): parts
        for layer, person in {*base, *come}
        if (
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
                _allowed(pieces, roster, layer, person, limits),
            )
        )
    }


def _apply(
    change: Change,
    layer: str,
    base: Mapping[_Key, list[Interval]],
    gone: dict[_Key, list[Interval]],
    come: dict[_Key, list[Interval]],
) -> None:
    for window in change.windows():
        period = (window.start, window.end)
        if window.out is not None:
            gone[layer, window.out].append(period)
        if window.into is None:
            continue
        taken = [period] if window.out is None else intersection(base.get((layer, window.out), ()), [period])
        come[layer, window.into].extend(taken)


def _allowed(
    pieces: Sequence[Piece], roster: Roster, layer: str, person: str, limits: Interval
) -> Iterator[Interval]:
    """When a person belongs to the people, and the roster has the layer."""
    for piece in pieces:
        found = piece.plan.people.get(person)
        own = next((one for one in piece.plan.rosters if one.code == roster.code), None)
        if found is not None and own is not None and layer in own.layers:
            yield _limited(found, own, piece.within(*limits))


def _limited(person: Person, roster: Roster, limits: Interval) -> Interval:
    """The part of a time in which a person belongs to the people at all."""
    low, high = limits
    if person.valid_from is not None:
        low = max(low, instant(person.valid_from, time(), roster.zone))
    if person.valid_to is not None:
        high = min(high, instant(person.valid_to, time(), roster.zone))
    return low, high


def _called(rosters: Sequence[Roster], changes: Sequence[Change]) -> Iterator[str]:
    """People in the order of the roster's lines; those whom only changes bring come last."""
    for roster in rosters:
        for rotation in roster.rotations:
            for group in rotation.people:
                yield from group
    for change in changes:
        yield from change.named


def _spans(
    layers: Sequence[str], stints: Sequence[Stint], called: Mapping[str, int], start: datetime, end: datetime
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
            for layer in layers
        )
        if last is not None and last.on == here:
            last = Span(last.start, high, here)
            continue
        if last is not None:
            yield last
        last = Span(low, high, here)
    if last is not None:
        yield last
