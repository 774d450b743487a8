"""Asks the database for what a forecast is made of, and answers in the field's words.

Like :mod:`ioc.kpi.query`: steps that say what to ask next, driven over either kind of connection in one snapshot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.district.worktime import WorkCalendar
from ioc.forecast import clearing as model
from ioc.forecast.clock import WorkClock, to_moment, to_times
from ioc.forecast.misses import MEMORY_DAYS, Cases, Outlook, Reason, outlook
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment

_T = TypeVar("_T")

#: From this chance on, a dossier is said to miss its date.
LIKELY: Final = 0.5
#: Most dossiers that an answer is made of; each takes a few hundred bytes meanwhile.
MOST: Final = 300_000
#: How far ahead an expected moment is still named.
_HORIZON: Final = timedelta(days=3 * 366)

_CALENDAR = "SELECT scope, time_zone, working_time, clock FROM ioc.forecast_calendar(%s, %s)"
_OPEN = "SELECT unit, open, since FROM ioc.forecast_open(%s, %s, %s, %s)"
_ENDS = "SELECT unit, day, ended FROM ioc.forecast_ends(%s, %s, %s, %s, %s)"
_DOSSIERS = (
    "SELECT code, unit, field, procedure, received_at, ended_at, late_from"
    " FROM ioc.forecast_dossiers(%s, %s, %s, %s) LIMIT %s"
)
_SURGES = (
    "SELECT unit, subject, moment, state, since, observed, expected, held_back, chance, today_observed,"
    " today_expected, memory, memory_from FROM ioc.surge_now(%s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a forecast is made: the unit it starts at (None: all), its calendar and zone, the moment."""

    unit: str | None
    calendar: WorkCalendar
    moment: datetime
    as_of: datetime | None

    @property
    def zone(self) -> ZoneInfo:
        return self.calendar.zone

    @property
    def today(self) -> date:
        return self.moment.astimezone(self.zone).date()


class Surge(NamedTuple):
    """Whether arrivals of one unit, or of the whole scope (None), stand out.

    ``state`` is surge, none, closed (no worked day) or unknown (too little history). With a surge, ``observed`` and
    ``expected`` are those since ``since``, else today's. ``chance``: of as many or more, were nothing the matter, over
    all stretches looked at. ``held_back``: the part of ``expected`` that a closure before brought. ``memory`` worked
    days from ``memory_from`` on were looked back on.
    """

    unit: str | None
    subject: str
    moment: datetime
    state: str
    since: datetime | None
    observed: float | None
    expected: float | None
    held_back: float | None
    chance: float | None
    today_observed: float | None
    today_expected: float | None
    memory: int
    memory_from: date | None


class UnitClearing(NamedTuple):
    """When a unit's open dossiers are worked off; ``unit`` None is all units of the scope together."""

    unit: str | None
    open: int
    pace: model.Pace | None
    clearing: model.Clearing | None
    at: datetime | None
    low: datetime | None
    high: datetime | None


class Miss(NamedTuple):
    """One open dossier that will probably miss its date, or has.

    ``due``: the last day that is on time. ``expected``: when it will probably be ended, between ``low`` and ``high``
    four of five times. ``turn``: its place by due date among its unit's open dossiers, reached at ``turn_at``.
    """

    code: str
    unit: str
    field: str | None
    procedure: str | None
    received_at: datetime
    due: date
    chance: float
    reason: Reason
    low: datetime | None
    expected: datetime | None
    high: datetime | None
    turn: int
    turn_at: datetime | None


class UnitMisses(NamedTuple):
    """What is to be expected of a unit's open dossiers; ``unit`` None is all units of the scope together.

    ``likely`` are those not overdue that will probably miss their date; ``sum_of_chances`` is the number of misses to
    be expected among those not overdue. ``undated`` have no date or wait for somebody else; ``unknown``: too little
    history.
    """

    unit: str | None
    open: int
    overdue: int
    likely: int
    sum_of_chances: float | None
    undated: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of each kind with the place that it is for."""

    place: Place


@dataclass(frozen=True, slots=True)
class Clearings(Answer):
    """The whole scope first, then its units."""

    units: tuple[UnitClearing, ...]


@dataclass(frozen=True, slots=True)
class Misses(Answer):
    """Units like :class:`Clearings`; the list holds the most pressing first, at most as many as were asked for."""

    units: tuple[UnitMisses, ...]
    listed: tuple[Miss, ...]
    found: int


@dataclass(frozen=True, slots=True)
class Surges(Answer):
    """One for each unit asked for and each subject."""

    surges: tuple[Surge, ...]


def calendar_from(zone: str, working_time: str | None) -> WorkCalendar:
    """The calendar that the database names; without one, weekdays."""
    if working_time is None:
        return WorkCalendar(time_zone=zone, holidays_of=None)
    return WorkCalendar.from_json(working_time, zone)


def _place(reader: str, unit: str | None, as_of: str | None) -> Steps[Place]:
    ((scope, zone, working_time, now),) = yield _CALENDAR, (reader, unit)
    moment = now if as_of is None else read_moment(as_of, ZoneInfo(zone), what="as-of")
    if moment > now:
        raise BadQuestionError(
            f"The moment {moment.astimezone(ZoneInfo(zone)).isoformat()} of as-of is in the future.",
            remedy="Give a moment in the past, or leave it out.",
        )
    if moment.year < 1900:
        raise BadQuestionError("Nothing is known before the year 1900.", remedy="Give a later moment.")
    return Place(scope, calendar_from(zone, working_time), moment, None if as_of is None else moment)


def ask_surges(reader: str, units: Sequence[str] | None, as_of: str | None) -> Steps[Surges]:
    """Steps to the surges of some units, or of the reader's whole scope as one."""
    place = yield from _place(reader, units[0] if units else None, as_of)
    rows = yield (
        _SURGES,
        (reader, None if units is None else list(units), place.moment, place.as_of),
    )
    return Surges(place, tuple(Surge(*row) for row in rows))


def ask_clearing(reader: str, unit: str | None, as_of: str | None) -> Steps[Clearings]:
    """Steps to when open dossiers are worked off, of the scope and of each of its units."""
    place = yield from _place(reader, unit, as_of)
    days = worked_days(place.calendar, place.today, model.BLOCKS * model.BLOCK_DAYS)
    start = datetime.combine(days[0], time(), place.zone)
    opened = yield _OPEN, (reader, unit, place.moment, place.as_of)
    ends = yield _ENDS, (reader, unit, start, place.moment, place.as_of)
    ended: dict[str, dict[date, int]] = defaultdict(dict)
    for code, day, count in ends:
        ended[code][day] = int(count)
    clock = WorkClock(place.calendar, place.moment, place.moment + _HORIZON)
    whole: dict[date, int] = defaultdict(int)
    units = []
    for code, open_now, since in opened:
        for day, count in ended[code].items():
            whole[day] += count
        first = since.astimezone(place.zone).date()
        units.append(_unit_clearing(code, int(open_now), ended[code], days, first, place, clock))
    if units:
        first = min(since for _, _, since in opened).astimezone(place.zone).date()
        total = sum(found.open for found in units)
        units.insert(0, _unit_clearing(None, total, whole, days, first, place, clock))
    return Clearings(place, tuple(units))


def worked_days(calendar: WorkCalendar, today: date, count: int) -> list[date]:
    """The newest whole worked days, oldest first; today is not whole."""
    found: list[date] = []
    day = today
    while len(found) < count:
        day = calendar.previous_working_day(day)
        found.append(day)
    return found[::-1]


def daily_ends(ended: Mapping[date, int], days: Sequence[date], first: date) -> list[int]:
    """Dossiers ended on each of the days that lie after ``first``; what ended while offices were closed counts on the
    worked day before."""
    kept = [day for day in days if day > first]
    counts = [0] * len(kept)
    for day, count in ended.items():
        place = bisect_right(kept, day) - 1
        if place >= 0:
            counts[place] += count
    return counts


def _unit_clearing(
    code: str | None,
    open_now: int,
    ended: Mapping[date, int],
    days: Sequence[date],
    first: date,
    place: Place,
    clock: WorkClock,
) -> UnitClearing:
    whole_days = {day: count for day, count in ended.items() if day < place.today}
    found = model.pace(daily_ends(whole_days, days, first))
    cleared = model.clearing(open_now, found)
    at: list[datetime | None] = [None, None, None]
    if cleared is not None:
        spans = [cleared.days, cleared.low, np.nan if cleared.high is None else cleared.high]
        now = clock.worked(np.array([place.moment.timestamp()]))[0]
        at = [to_moment(found_at) for found_at in clock.moments(now + np.array(spans))]
    return UnitClearing(code, open_now, found, cleared, *at)


def ask_misses(
    reader: str, unit: str | None, as_of: str | None, *, most: int, at_least: float = LIKELY
) -> Steps[Misses]:
    """Steps to the open dossiers that will miss their date, or have.

    :param most: how many are listed.
    :param at_least: from which chance on a dossier is listed.
    """
    place = yield from _place(reader, unit, as_of)
    days = worked_days(place.calendar, place.today, MEMORY_DAYS)
    start = datetime.combine(days[0], time(), place.zone)
    rows = yield _DOSSIERS, (reader, unit, start, place.as_of, MOST + 1)
    if len(rows) > MOST:
        raise BadQuestionError(
            f"More than {MOST:,} dossiers are open or ended in the last {MEMORY_DAYS} worked days.",
            remedy="Ask for one unit at a time.",
        )
    if not rows:
        return Misses(place, (), (), 0)
    cases, names = to_cases(rows)
    first = max(min(row[4] for row in rows), datetime(1970, 1, 1, tzinfo=UTC))
    clock = WorkClock(place.calendar, first, place.moment + _HORIZON)
    seen = outlook(cases, place.moment.timestamp(), clock)
    codes = [row[0] for row in rows if row[5] is None]
    turn_at = _turn_at(rows, days, place, clock, seen, names)
    return _told(place, seen, codes, names, clock, turn_at, most, at_least)


def to_cases(rows: Sequence[tuple[Any, ...]]) -> tuple[Cases, tuple[list[str | None], ...]]:
    """Arrays of rows (code, unit, field, procedure, received_at, ended_at, late_from), and the names by number."""
    columns = list(zip(*rows, strict=True))
    numbered = [_numbers(columns[place]) for place in (1, 2, 3)]
    received, ended, late_from = (to_times(list(columns[place])) for place in (4, 5, 6))
    cases = Cases(received, ended, late_from, *(numbers for numbers, _ in numbered))
    return cases, tuple(names for _, names in numbered)


def _numbers(values: Iterable[str | None]) -> tuple[NDArray[np.int64], list[str | None]]:
    known: dict[str | None, int] = {}
    numbers = [known.setdefault(value, len(known)) for value in values]
    return np.array(numbers, dtype=np.int64), list(known)


def _turn_at(
    rows: Sequence[tuple[Any, ...]],
    days: Sequence[date],
    place: Place,
    clock: WorkClock,
    seen: Outlook,
    names: tuple[list[str | None], ...],
) -> list[datetime | None]:
    """When each open dossier's turn comes at its unit's pace."""
    ended: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    first: dict[str, datetime] = {}
    for row in rows:
        first[row[1]] = min(first.get(row[1], row[4]), row[4])
        if row[5] is not None:
            day = row[5].astimezone(place.zone).date()
            if day < place.today:
                ended[row[1]][day] += 1
    newest = days[-model.BLOCKS * model.BLOCK_DAYS :]
    per_day = np.full(len(names[0]), np.nan)
    for number, name in enumerate(names[0]):
        if name is not None and name in first:
            begun = first[name].astimezone(place.zone).date()
            found = model.pace(daily_ends(ended[name], newest, begun))
            if found is not None and found.per_day > 0:
                per_day[number] = found.per_day
    now = clock.worked(np.array([place.moment.timestamp()]))[0]
    return [to_moment(at) for at in clock.moments(now + seen.turn / per_day[seen.cases.unit])]


def _told(
    place: Place,
    seen: Outlook,
    codes: Sequence[str],
    names: tuple[list[str | None], ...],
    clock: WorkClock,
    turn_at: Sequence[datetime | None],
    most: int,
    at_least: float,
) -> Misses:
    now = place.moment.timestamp()
    cases = seen.cases
    dated = ~np.isnan(cases.late_from)
    overdue = cases.late_from <= now
    ahead = dated & ~overdue
    unknown = ahead & np.isnan(seen.chance)

    def count(unit: int | None) -> UnitMisses:
        mine = np.ones(len(cases), dtype=bool) if unit is None else cases.unit == unit
        chances = seen.chance[mine & ahead & ~unknown]
        return UnitMisses(
            None if unit is None else names[0][unit],
            int(mine.sum()),
            int((mine & overdue).sum()),
            int((chances >= LIKELY).sum()),
            float(chances.sum()) if len(chances) or not (mine & unknown).any() else None,
            int((mine & ~dated).sum()),
            int((mine & unknown).sum()),
        )

    order = sorted(set(cases.unit.tolist()), key=lambda number: names[0][number] or "")
    units = (count(None), *(count(number) for number in order)) if len(cases) else ()
    wanted = np.flatnonzero(dated & (np.nan_to_num(seen.chance, nan=-1.0) >= at_least)).tolist()
    # the nearest date first, so that what can still be helped is not below what is long overdue
    ranked = sorted(
        wanted,
        key=lambda i: (overdue[i], cases.late_from[i] if not overdue[i] else -cases.late_from[i], codes[i]),
    )
    today = clock.worked(np.array([now]))[0]
    left = clock.moments(today + np.stack((seen.left_low, seen.left, seen.left_high)))
    listed = tuple(
        _miss(place, seen, int(i), codes[i], names, left[:, i], turn_at[i], overdue=bool(overdue[i]))
        for i in ranked[:most]
    )
    return Misses(place, units, listed, len(ranked))


def _miss(
    place: Place,
    seen: Outlook,
    i: int,
    code: str,
    names: tuple[list[str | None], ...],
    left: NDArray[np.float64],
    turn_at: datetime | None,
    *,
    overdue: bool,
) -> Miss:
    cases = seen.cases
    late_from = datetime.fromtimestamp(cases.late_from[i], place.zone)
    low, half, high = (to_moment(at) for at in left)
    turns_late = turn_at is not None and turn_at >= late_from
    reason = Reason.OVERDUE if overdue else Reason.QUEUE if turns_late else Reason.SLOW
    return Miss(
        code,
        names[0][cases.unit[i]] or "",
        names[1][cases.field[i]],
        names[2][cases.procedure[i]],
        datetime.fromtimestamp(cases.received[i], UTC),
        (late_from - timedelta(hours=1)).date(),
        float(seen.chance[i]),
        reason,
        low,
        half,
        high,
        int(seen.turn[i]),
        turn_at,
    )
