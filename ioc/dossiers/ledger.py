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

from ioc.dossiers.reducer import Dossier, Fact, Group, advance, group_of, order, reduce
from ioc.events import Channel

T = TypeVar("T")

#: While a dossier waits for somebody else, it is not overdue.
_NOT_OVERDUE: Final = (Group.SUPPLEMENT, Group.PAUSED)


class Measure(IntEnum):
    """What an entry counts. Numbers are stored: never reuse one."""

    RECEIVED = 1
    ONLINE = 2
    COMPLETED = 3
    ON_TIME = 4
    WITHDRAWN = 5
    OPEN = 10
    OVERDUE = 11


class Series(NamedTuple):
    """Dimensions that an entry belongs to."""

    unit: str
    channel: str | None
    field: str | None
    procedure: str | None


class Entry(NamedTuple):
    """One signed contribution."""

    series: Series
    measure: Measure
    effective_at: datetime
    delta: int
    recorded_at: datetime


#: Series, measure and effective time, to the signed count there.
Contributions = Counter[tuple[Series, Measure, datetime]]
#: Tells the time zone of a unit.
ZoneOf = Callable[[str], ZoneInfo]


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


def contributions(dossier: Dossier, zone_of: ZoneOf) -> Contributions:
    """Return what a dossier adds to each measure, and when; nothing while it is not accepted, and nothing once it
    turned out to be another one's second code."""
    found: Contributions = Counter()
    received = dossier.accepted_at
    if received is None or dossier.unit is None or dossier.merged_into is not None:
        return found
    zone = zone_of(dossier.unit)
    series = Series(
        dossier.unit,
        None if dossier.channel is None else dossier.channel.value,
        dossier.field,
        dossier.procedure,
    )

    def add(measure: Measure, at: datetime, delta: int = 1) -> None:
        found[series, measure, at] += delta

    add(Measure.RECEIVED, received)
    if dossier.channel is Channel.ONLINE:
        add(Measure.ONLINE, received)
    # A withdrawn dossier whose papers are handed back later was withdrawn: what came first ended it.
    if dossier.completed_at is not None and dossier.completed_at == dossier.ended_at:
        add(Measure.COMPLETED, dossier.completed_at)
        if on_time(dossier.completed_at, dossier.due_at, zone):
            add(Measure.ON_TIME, dossier.completed_at)
    elif dossier.withdrawn_at is not None:
        add(Measure.WITHDRAWN, dossier.withdrawn_at)
    ended = dossier.ended_at
    add(Measure.OPEN, received)
    if ended is not None:
        add(Measure.OPEN, max(ended, received), -1)
    for begins, ends in overdue_periods(dossier, received, ended, zone):
        add(Measure.OVERDUE, begins)
        if ends is not None:
            add(Measure.OVERDUE, ends, -1)
    return Counter({key: count for key, count in found.items() if count})


def overdue_periods(
    dossier: Dossier, received: datetime, ended: datetime | None, zone: ZoneInfo
) -> list[tuple[datetime, datetime | None]]:
    """Return when the dossier is overdue: from the day after the due date in force until it ends, less the
    time for which it waits for a supplement or is paused. The last period may have no end."""
    # both lists are in order of time; of equals the last one is in force
    due_since = [at for at, _ in dossier.due]
    status_since = [at for at, _ in dossier.statuses]
    marks = sorted({at for at in (*due_since, *status_since) if at > received})
    edges: list[datetime | None] = [received, *marks, None]
    periods: list[tuple[datetime, datetime | None]] = []
    for begins, ends in pairwise(edges):
        assert begins is not None  # noqa: S101 - only the appended end is None
        due = _in_force(dossier.due, due_since, begins)
        status = _in_force(dossier.statuses, status_since, begins)
        if due is None or (status is not None and group_of(status) in _NOT_OVERDUE):
            continue
        start = max(begins, day_after(due, zone))
        stop = min((at for at in (ends, ended) if at is not None), default=None)
        if stop is not None and stop <= start:
            continue
        if periods and periods[-1][1] == start:
            periods[-1] = (periods[-1][0], stop)
        else:
            periods.append((start, stop))
    return periods


def _in_force(values: list[tuple[datetime, T]], since: list[datetime], at: datetime) -> T | None:
    place = bisect_right(since, at)
    return values[place - 1][1] if place else None


def entries(facts: Iterable[Fact], zone_of: ZoneOf) -> list[Entry]:
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
        after = contributions(dossier, zone_of)
        for key in before.keys() | after.keys():
            delta = after[key] - before[key]
            if delta:
                ledger.append(Entry(*key, delta, recorded_at))
        before = after
    return ledger
