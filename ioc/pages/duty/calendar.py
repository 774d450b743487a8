"""A roster as days: who is on duty in each, and what is lacking. Pure; instants in, local days out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from ioc.duty.asking import Looked
from ioc.duty.clock import instant
from ioc.duty.model import Calendar
from ioc.duty.timeline import Timeline
from ioc.duty.warning import DutyWarning

_DAY = timedelta(days=1)
#: What began earlier is named again on a day of which it takes at least so much.
_MOST_OF = timedelta(hours=12)


class Sort(StrEnum):
    """What the calendar says of a day."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MADE_UP = "made_up"
    """Worked, where such a day usually is not."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The same people in a layer without a break."""

    layer: str
    people: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Lack:
    """What is wrong, cut to the time that is looked at."""

    warning: DutyWarning
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a roster.

    :param turns: those that begin on it, and those that go on from before for most of it.
    """

    day: date
    sort: Sort
    turns: tuple[Turn, ...]
    lacks: tuple[Lack, ...]


def turns(line: Timeline) -> list[Turn]:
    """Every turn of a timeline, by layer, then by time; empty ones left out."""
    return [turn for layer in line.layers for turn in _turns(line, layer) if turn.people]


def _turns(line: Timeline, layer: str) -> Iterator[Turn]:
    last: Turn | None = None
    for span in line.spans:
        people = span.of(layer)
        if last is not None and last.people == people:
            last = Turn(layer, people, last.start, span.end)
            continue
        if last is not None:
            yield last
        last = Turn(layer, people, span.start, span.end)
    if last is not None:
        yield last


def days(one: Looked, calendar: Calendar, first: date, last: date) -> list[Day]:
    """The days from ``first`` to ``last``, both included.

    :param one: looked at from well before the first day on, so that it is known when what goes on then began.
    """
    line, zone = one.line or one.now, one.roster.zone
    found = turns(line)
    result = []
    day = first
    while day <= last:
        start, end = instant(day, time(), zone), instant(day + _DAY, time(), zone)
        here = tuple(turn for turn in found if _is_of(turn, start, end))
        result.append(Day(day, sort_of(day, calendar), here, tuple(_lacks(one.warnings, start, end))))
        day += _DAY
    return result


def _lacks(warnings: Iterable[DutyWarning], start: datetime, end: datetime) -> list[Lack]:
    """What is wrong in a time; the same in shifts that follow one another is one."""
    found: dict[tuple[object, ...], list[Lack]] = {}
    for warning in warnings:
        low, high = max(warning.start, start), min(warning.end, end)
        if low >= high:
            continue
        same = found.setdefault(
            (warning.kind, warning.layer, warning.person, warning.here, warning.needs), []
        )
        if same and same[-1].end == low:
            same[-1] = Lack(same[-1].warning, same[-1].start, high)
        else:
            same.append(Lack(warning, low, high))
    return sorted((lack for same in found.values() for lack in same), key=lambda lack: lack.start)


def _is_of(turn: Turn, start: datetime, end: datetime) -> bool:
    if start <= turn.start < end:
        return True
    return turn.start < start and min(turn.end, end) - start >= _MOST_OF


def sort_of(day: date, calendar: Calendar) -> Sort:
    """What the calendar says of a day."""
    usual = calendar.is_usually_worked(day)
    if calendar.is_working_day(day):
        return Sort.WORKING if usual else Sort.MADE_UP
    return Sort.HOLIDAY if usual else Sort.WEEKEND


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a change makes a difference in a layer."""

    layer: str
    start: datetime
    end: datetime
    before: tuple[str, ...]
    after: tuple[str, ...]


def differences(before: Timeline, after: Timeline) -> list[Difference]:
    """What differs between two timelines of one roster and the same time, by time; equal neighbours are one."""
    found: list[Difference] = []
    layers = tuple(dict.fromkeys((*before.layers, *after.layers)))
    moments = sorted(
        {moment for line in (before, after) for span in line.spans for moment in (span.start, span.end)}
    )
    for layer in layers:
        last: Difference | None = None
        for low, high in pairwise(moments):
            old, new = before.at(low).of(layer), after.at(low).of(layer)
            if last is not None and last.end == low and (last.before, last.after) == (old, new):
                last = found[-1] = Difference(layer, last.start, high, old, new)
            elif old != new:
                last = Difference(layer, low, high, old, new)
                found.append(last)
            else:
                last = None
    return sorted(found, key=lambda one: (one.start, layers.index(one.layer)))


def bounds(view: str, day: date) -> tuple[date, date]:
    """First and last day that a view shows: the week of a day, or the whole weeks of its month."""
    if view == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    begin = day.replace(day=1)
    end = (begin + timedelta(days=32)).replace(day=1) - _DAY
    return begin - timedelta(days=begin.weekday()), end + timedelta(days=6 - end.weekday())


def step(view: str, day: date, by: int) -> date:
    """The same view, earlier or later."""
    if view == "week":
        return day + timedelta(days=7 * by)
    months = day.year * 12 + day.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)
