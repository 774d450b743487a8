"""What a dossier contributes to the indicators, as signed entries by effective time.

Every dossier indicator is a sum over these entries. A correction adds entries that take back the old ones and
put the new ones in place, each with the time at which it was learned: the sum over entries learned until a
moment is what was known at that moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from itertools import groupby, pairwise
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.reducer import Dossier, Fact, Group, advance, group_of, order, reduce
from ioc.events import Channel

T = TypeVar("T")

#: While a dossier waits for somebody else, it is not overdue.
_NOT_OVERDUE: Final = (Group.SUPPLEMENT, Group.PAUSED)
#: How long before its due moment a dossier is about to be overdue.
_SOON: Final = timedelta(hours=24)


class Measure(IntEnum):
    """What an entry counts. Numbers are stored: never reuse one."""

    RECEIVED = 1
    ONLINE = 2
    COMPLETED = 3
    ON_TIME = 4
    WITHDRAWN = 5
    LATE = 6
    """Completed after its due date; at the time of completion."""
    PAID_ONLINE = 7
    """At the time of acceptance, like the other marks of a received dossier."""
    DIGITISED = 8
    PROCESSING = 9
    """Completed; the entry's amount is the working time that it took, in thousandths of a working day."""
    OPEN = 10
    OVERDUE = 11
    PAUSED = 12
    DUE_SOON = 13
    """From 24 hours before the due moment until the dossier ends or is overdue."""
    LATE_WITHOUT_APOLOGY = 14
    RATED = 20
    """At the time of the rating."""
    SATISFIED = 21
    PAYABLE_ONLINE = 22
    REUSED = 23
    FROM_STORE = 24
    RESULT_DIGITAL = 25
    """At the time of completion."""
    PAID_KNOWN = 26
    """Accepted, and a source said whether it was paid online."""
    DIGITISED_KNOWN = 27
    FEE_DUE = 28
    """Accepted, and something is to be paid for it."""
    RESULT_KNOWN = 29
    """Completed, and a source said in which form the result was issued."""
    REUSED_KNOWN = 30


class Series(NamedTuple):
    """Dimensions that an entry belongs to."""

    unit: str
    channel: str | None
    field: str | None
    procedure: str | None


class Entry(NamedTuple):
    """One signed contribution.

    :param amount: what the entry measures beside being counted; 0 for measures that only count.
    """

    series: Series
    measure: Measure
    effective_at: datetime
    amount: int
    delta: int
    recorded_at: datetime


#: Series, measure, effective time and amount, to the signed count there.
Contributions = Counter[tuple[Series, Measure, datetime, int]]
#: Tells the working time of a unit, and with it its time zone.
CalendarOf = Callable[[str], WorkCalendar]
#: Begin and end of a stretch of time; without an end it lasts.
Period = tuple[datetime, datetime | None]


def day_after(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the local midnight that ends the local day of ``moment``, in UTC.

    Where clocks go back over midnight it comes twice: the first one counts. (Not left in the zone, since Python
    holds a time that comes twice to be unlike the same instant anywhere else.)
    """
    day = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def on_time(done_at: datetime, due_at: datetime | None, zone: ZoneInfo) -> bool:
    """Whether the local date of completion is not after that of the due date; no due date is on time."""
    return due_at is None or done_at.astimezone(zone).date() <= due_at.astimezone(zone).date()


def contributions(dossier: Dossier, calendar_of: CalendarOf) -> Contributions:
    """Return what a dossier adds to each measure, and when; nothing while it is not accepted, and nothing once it
    turned out to be another one's second code."""
    found: Contributions = Counter()
    received = dossier.accepted_at
    if received is None or dossier.unit is None or dossier.merged_into is not None:
        return found
    calendar = calendar_of(dossier.unit)
    series = Series(
        dossier.unit,
        None if dossier.channel is None else dossier.channel.value,
        dossier.field,
        dossier.procedure,
    )

    def add(measure: Measure, at: datetime, delta: int = 1, amount: int = 0) -> None:
        found[series, measure, at, amount] += delta

    def mark(measure: Measure, holds: bool | None, at: datetime) -> None:
        if holds:
            add(measure, at)

    add(Measure.RECEIVED, received)
    mark(Measure.ONLINE, dossier.channel is Channel.ONLINE, received)
    mark(Measure.PAID_ONLINE, dossier.paid_online, received)
    mark(Measure.PAID_KNOWN, dossier.paid_online is not None, received)
    mark(Measure.PAYABLE_ONLINE, dossier.payable_online, received)
    mark(Measure.DIGITISED, dossier.digitised, received)
    mark(Measure.DIGITISED_KNOWN, dossier.digitised is not None, received)
    mark(Measure.REUSED, dossier.reused, received)
    mark(Measure.REUSED_KNOWN, dossier.reused is not None, received)
    mark(Measure.FEE_DUE, dossier.fee_due, received)
    mark(Measure.FROM_STORE, dossier.from_store, received)
    # A withdrawn dossier whose papers are handed back later was withdrawn: what came first ended it.
    completed = dossier.completed_at
    if completed is not None and completed == dossier.ended_at:
        add(Measure.COMPLETED, completed)
        punctual = on_time(completed, dossier.due_at, calendar.zone)
        add(Measure.ON_TIME if punctual else Measure.LATE, completed)
        add(Measure.PROCESSING, completed, amount=working_milli_days(received, completed, calendar))
        mark(Measure.RESULT_DIGITAL, dossier.result_digital, completed)
        mark(Measure.RESULT_KNOWN, dossier.result_digital is not None, completed)
    elif dossier.withdrawn_at is not None:
        add(Measure.WITHDRAWN, dossier.withdrawn_at)
    if dossier.rating is not None:
        rated_at, satisfied, _ = dossier.rating
        add(Measure.RATED, rated_at)
        mark(Measure.SATISFIED, satisfied, rated_at)
    ended = dossier.ended_at
    # an end before the beginning is a mistake of the source: such a dossier was never open
    gauges = {Measure.OPEN: [(received, None if ended is None else max(ended, received))]}
    gauges |= _periods(dossier, received, ended, calendar.zone)
    for measure, stretches in gauges.items():
        for begins, ends in stretches:
            add(measure, begins)
            if ends is not None:
                add(measure, ends, -1)
    return Counter({key: count for key, count in found.items() if count})


def periods(dossier: Dossier, calendar_of: CalendarOf) -> dict[Measure, list[Period]]:
    """Return when the dossier is paused, about to be overdue, overdue, and overdue without an apology.

    As :func:`contributions` counts it, in order of time; what lies ahead by the clock included.
    """
    received = dossier.accepted_at
    if received is None or dossier.unit is None or dossier.merged_into is not None:
        return {}
    return _periods(dossier, received, dossier.ended_at, calendar_of(dossier.unit).zone)


def working_milli_days(start: datetime, end: datetime, calendar: WorkCalendar) -> int:
    """Return working time from ``start`` to ``end`` in thousandths of a working day."""
    return min(round(calendar.days_between(start, end) * 1000), 2**31 - 1)


def _periods(
    dossier: Dossier, received: datetime, ended: datetime | None, zone: ZoneInfo
) -> dict[Measure, list[Period]]:
    """Return when the dossier is paused, about to be overdue, overdue, and overdue without an apology.

    It is overdue from the day after the due date in force until it ends, and about to be from 24 hours before the due
    moment until then; both less the time for which it waits for a supplement or is paused. An apology
    covers lateness from its issue through the date that it promises, or for good where it names none.
    """
    # both lists are in order of time; of equals the last one is in force
    due_since = [at for at, _ in dossier.due]
    status_since = [at for at, _ in dossier.statuses]
    marks = sorted({at for at in (*due_since, *status_since) if at > received})
    edges: list[datetime | None] = [received, *marks, None]
    paused: list[Period] = []
    soon: list[Period] = []
    overdue: list[Period] = []
    for begins, ends in pairwise(edges):
        assert begins is not None  # noqa: S101 - only the appended end is None
        stop = _earlier(ends, ended)
        due = _in_force(dossier.due, due_since, begins)
        status = _in_force(dossier.statuses, status_since, begins)
        group = None if status is None else group_of(status)
        if group is Group.PAUSED:
            _append(paused, begins, stop)
        if due is not None and group not in _NOT_OVERDUE:
            late_from = day_after(due, zone)
            _append(soon, max(begins, due - _SOON), _earlier(stop, late_from))
            _append(overdue, max(begins, late_from), stop)
    covered = [
        (at, None if promised is None else max(at, day_after(promised, zone)))
        for at, promised in dossier.apologies
    ]
    return {
        Measure.PAUSED: paused,
        Measure.DUE_SOON: soon,
        Measure.OVERDUE: overdue,
        Measure.LATE_WITHOUT_APOLOGY: without(overdue, covered),
    }


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier end; None is no end."""
    return min((at for at in (one, other) if at is not None), default=None)


def _append(periods: list[Period], begins: datetime, ends: datetime | None) -> None:
    """Add a period, as a part of the last one where they meet; an empty one is none."""
    if ends is not None and ends <= begins:
        return
    if periods and periods[-1][1] == begins:
        begins = periods.pop()[0]
    periods.append((begins, ends))


def without(periods: Iterable[Period], covers: Iterable[Period]) -> list[Period]:
    """Return the periods less what the covers, in any order, overlap."""
    left = list(periods)
    for covers_from, covers_to in covers:
        cut: list[Period] = []
        for begins, ends in left:
            _append(cut, begins, _earlier(ends, covers_from))
            if covers_to is not None:
                _append(cut, max(begins, covers_to), ends)
        left = cut
    return left


def _in_force(values: list[tuple[datetime, T]], since: list[datetime], at: datetime) -> T | None:
    place = bisect_right(since, at)
    return values[place - 1][1] if place else None


def entries(facts: Iterable[Fact], calendar_of: CalendarOf) -> list[Entry]:
    """Return the whole ledger of one dossier: for each time at which something was learned, what changed."""
    by_learning = sorted(facts, key=lambda fact: (fact.recorded_at, order(fact)))
    known: list[Fact] = []
    newest: tuple[datetime, str, str, str] | None = None
    dossier = Dossier()
    before: Contributions = Counter()
    ledger: list[Entry] = []
    for recorded_at, group in groupby(by_learning, key=lambda fact: fact.recorded_at):
        learned = list(group)
        if newest is None or order(learned[0]) > newest:
            for fact in learned:
                advance(dossier, fact)
            newest = order(learned[-1])
        else:
            dossier = reduce([*known, *learned])
            newest = max(newest, order(learned[-1]))
        known += learned
        after = contributions(dossier, calendar_of)
        for key in before.keys() | after.keys():
            delta = after[key] - before[key]
            if delta:
                ledger.append(Entry(*key, delta, recorded_at))
        before = after
    return ledger
